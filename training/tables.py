"""What a retraining says to people."""

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from training.retraining import Retraining

_COLOURS = {
    "promoted": "green",
    "would be promoted": "green",
    "refused": "red",
    "nothing new": "yellow",
}


def render_retraining(console: Console, result: Retraining) -> None:
    """Print the verdict, the rules behind it, and the metrics beside the deployed ones."""
    version = "" if result.version is None else f"version {result.version}: "
    console.print(f"{version}[{_COLOURS[result.verdict]} bold]{result.verdict}[/]")
    if result.test_metrics is None:
        console.print(escape(result.said))
        return
    for rule in result.rules:
        mark = "[green]passed [/]" if rule.passed else "[red]refused[/]"
        console.print(f"  {mark} {escape(rule.name)}: {escape(rule.figures)}")
    console.print(_metrics(result))


def _metrics(result: Retraining) -> Table:
    table = Table(title="on the test part", title_justify="left")
    table.add_column("metric")
    table.add_column(f"deployed ({result.deployed_source})", justify="right")
    table.add_column("candidate", justify="right")
    table.add_column("difference", justify="right")
    for name, value in (result.test_metrics or {}).items():
        before = (result.deployed_metrics or {}).get(name)
        difference = "" if value is None or before is None else f"{value - before:+.4f}"
        table.add_row(name, _figure(before), _figure(value), difference)
    return table


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"
