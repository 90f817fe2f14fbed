"""Tables of what a retraining found."""

import math
from collections.abc import Sequence

from rich.console import Console

from reeltune.cli.tables import Table, plain_table, print_table
from reeltune.gate.comparisons import EVERYONE, MetricComparison
from reeltune.gate.guardrails import Rule
from reeltune.reports.cells import outside_text, value_cell
from reeltune.reports.contrast_tables import render_contrasts
from reeltune.versioning.request import NOBODY, NOTHING_NEW, Retraining

_COLOURS = {
    "promoted": "green",
    "would be promoted": "green",
    "cannot tell": "yellow",
    "refused": "red",
    "passed": "green",
}


def render_retraining(console: Console, result: Retraining) -> None:
    """Print the verdict, the rules behind it, and the figures beside the deployed ones.

    Segments are shown only where a rule did not pass.
    """
    if result.verdict == NOBODY:
        return  # it is an error, and told as such
    if result.verdict == NOTHING_NEW:
        console.print(f"[yellow]Nothing new[/]: {outside_text(console, result.said)}")
        return
    console.print()
    console.print(f"[bold {_COLOURS[result.verdict]}]{headline(result)}[/]")
    console.print(f"  {outside_text(console, result.said)}")
    if result.budget is not None:
        console.print(f"  [dim]{outside_text(console, result.budget.message)}[/]")
    if (result.n_looks or 0) > 1:
        console.print(
            f"  [dim]test-set evaluation {result.n_looks:,} on these ratings: the more there are, "
            "the larger the selection bias of the best[/]"
        )
    console.print()
    shown = [rule for rule in result.rules if rule.segment == EVERYONE or not rule.passed]
    render_rules(console, "The gate", shown)
    if len(shown) < len(result.rules):
        console.print(
            f"[dim]and {len(result.rules) - len(shown)} segments (new and heavy users, genres, ...)"
            " of which none is worse beyond its margin; --json has them[/]\n"
        )
    names = (f"deployed ({result.deployed_source})", "candidate")
    render_contrasts(console, "test", names, _shown(result))


def render_rules(console: Console, title: str, rules: Sequence[Rule]) -> None:
    """Print the gate: each rule with its figure, its threshold and its verdict."""
    print_table(console, title, _rules(console, rules))
    for rule in rules:
        if rule.protects and not rule.passed:
            why = f"{rule.name} protects {rule.protects}; its margin: {rule.because}"
            console.print(f"[dim]{outside_text(console, why)}[/]\n")
    if not all(rule.binding for rule in rules):
        console.print("[dim]in parentheses: shown, not decisive here[/]\n")


def headline(result: Retraining) -> str:
    """Return the verdict in one line."""
    what = "The candidate" if result.version is None else f"Version {result.version}"
    if result.verdict == "cannot tell":
        return f"Cannot tell: {result.deployed_source} is kept, {what.lower()} stays a candidate"
    if result.verdict == "would be promoted":
        return f"{what} would be promoted"
    return f"{what} is {result.verdict}"


def _shown(result: Retraining) -> list[MetricComparison]:
    """Return all users under both splits, and each segment with a rule that did not pass.

    Where nothing differs, the split that decides is enough.
    """
    segments = {rule.segment for rule in result.rules if not rule.passed} | {EVERYONE}
    first = result.contrasts[0].split if result.contrasts else None
    differs = any(abs(contrast.difference) > 0 for contrast in result.contrasts)
    return [
        contrast
        for contrast in result.contrasts
        if (contrast.split == first and contrast.segment in segments)
        or (contrast.segment == EVERYONE and differs)
    ]


def _rules(console: Console, rules: Sequence[Rule]) -> Table:
    table = plain_table("verdict", "rule", ">figure", ">threshold")
    for rule in rules:
        colour = _COLOURS[rule.verdict] if rule.binding else "dim"
        shown = rule.verdict if rule.binding else f"({rule.verdict})"
        table.add_row(
            f"[{colour}]{shown}[/]",
            outside_text(console, rule.name),
            value_cell(rule.figure if math.isfinite(rule.figure) else None),
            value_cell(rule.threshold),
        )
    return table
