"""What a retraining says to people."""

from collections.abc import Mapping

from rich.console import Console
from rich.table import Table

from evaluation.metrics import METRICS
from reports.cells import gain_cell, outside_text, plain_table, print_table, value_cell
from training.retraining import Retraining

_COLOURS = {
    "promoted": "green",
    "would be promoted": "green",
    "refused": "red",
    "nothing new": "yellow",
}


def render_retraining(console: Console, result: Retraining) -> None:
    """Print the verdict, the rules behind it, and the metrics beside the deployed ones."""
    what = "The candidate" if result.version is None else f"Version {result.version}"
    if result.verdict == "nothing new":
        console.print(f"[yellow]Nothing new[/]: {outside_text(console, result.said)}")
        return
    verdict = f"is {result.verdict}" if result.verdict != "would be promoted" else result.verdict
    console.print()
    console.print(f"[bold {_COLOURS[result.verdict]}]{what} {verdict}[/]")
    for rule in result.rules:
        mark = "[green]passed [/]" if rule.passed else "[red]refused[/]"
        console.print(f"  {mark}  {rule.name}: {outside_text(console, rule.figures)}")
    print_table(console, "On the test part", _metrics(result))


def _metrics(result: Retraining) -> Table:
    table = plain_table("metric", f">deployed ({result.deployed_source})", ">candidate", ">gain")
    before: Mapping[str, float | None] = result.deployed_metrics or {}
    for name, value in (result.test_metrics or {}).items():
        old = before.get(name)
        gain = None if value is None or old is None else value - old
        table.add_row(METRICS[name].title, value_cell(old), value_cell(value), gain_cell(gain))
    return table
