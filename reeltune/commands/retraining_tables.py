"""Tables of what a retraining found."""

import math
from collections.abc import Sequence
from dataclasses import replace

from rich.console import Console

from reeltune.cli.tables import Table, plain_table, print_table
from reeltune.gate.comparisons import EVERYONE, MetricComparison
from reeltune.gate.guardrails import Rule
from reeltune.metrics.ranking_metrics import METRICS
from reeltune.reports.cells import NONE, outside_text, value_cell
from reeltune.reports.contrast_tables import render_contrasts
from reeltune.versioning.request import NOBODY, NOTHING_NEW, Retraining

_MEANINGS = {
    "value": "the estimate is at least the threshold",
    "proof": "shown to be above the threshold",
    "no harm": "not shown to be below the threshold",
}
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
    if result.experiment_id is not None or result.renewal is not None:
        console.print(f"  {outside_text(console, result.reason)}")
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
    split = result.contrasts[0].split if result.contrasts else ""
    render_rules(console, f"The gate, on the test set, split {split}", shown, split)
    if len(shown) < len(result.rules):
        console.print(
            f"[dim]and {len(result.rules) - len(shown)} segments (new and heavy users, genres, ...)"
            " of which none is worse beyond its margin; --json has them[/]\n"
        )
    if any(abs(contrast.difference) > 0 for contrast in result.contrasts):
        names = (f"deployed ({result.deployed_source})", "candidate")
        render_contrasts(console, "test", names, _shown(result))
    else:
        _render_metrics(console, result)


def render_rules(console: Console, title: str, rules: Sequence[Rule], split: str) -> None:
    """Print the gate: what each rule measured, what it asks for, and its verdict.

    Rules of another split than `split` name theirs. What is better or not worse is that than what
    is deployed, by the objective.
    """
    shown = [
        replace(rule, name=_short(rule.name, split)) for rule in rules if rule.asks != "nothing"
    ]
    print_table(console, title, _rules(console, shown))
    asked = {rule.asks for rule in shown if rule.binding}
    meanings = [f"{name}: {meaning}" for name, meaning in _MEANINGS.items() if name in asked]
    console.print(f"[dim]{'; '.join(meanings)}[/]")
    unmet = [rule.name for rule in shown if not rule.binding and not rule.passed]
    if unmet:
        names = outside_text(console, ", ".join(unmet))
        console.print(f"[dim]not asked of what a person chose, and not met: {names}[/]")
    for rule in shown:
        if rule.protects and rule.binding and not rule.passed:
            why = f"{rule.name} protects {rule.protects}; its margin: {rule.because}"
            console.print(f"[dim]{outside_text(console, why)}[/]")
    console.print()


def headline(result: Retraining) -> str:
    """Return the verdict in one line."""
    what = "The candidate" if result.version is None else f"Version {result.version}"
    if result.verdict == "cannot tell":
        return f"Cannot tell: {result.deployed_source} is kept, {what.lower()} stays a candidate"
    if result.verdict == "would be promoted":
        return f"{what} would be promoted"
    return f"{what} is {result.verdict}"


def _shown(result: Retraining) -> list[MetricComparison]:
    """Return all users under both splits, and each segment with a rule that did not pass."""
    segments = {rule.segment for rule in result.rules if not rule.passed} | {EVERYONE}
    first = result.contrasts[0].split if result.contrasts else None
    return [
        contrast
        for contrast in result.contrasts
        if (contrast.split == first and contrast.segment in segments)
        or contrast.segment == EVERYONE
    ]


def _render_metrics(console: Console, result: Retraining) -> None:
    """Print what a candidate is worth that is the deployed configuration: nothing differs."""
    whole = [c for c in result.contrasts if c.segment == EVERYONE]
    splits = list(dict.fromkeys(c.split for c in whole))
    found = {(c.metric, c.split): c.candidate for c in whole}
    table = plain_table("metric", *(f">{split}" for split in splits))
    for metric in dict.fromkeys(c.metric for c in whole):
        values = [found.get((metric, split), math.nan) for split in splits]
        cells = [value_cell(value if math.isfinite(value) else None) for value in values]
        table.add_row(METRICS[metric].title, *cells)
    print_table(console, "On the test set, by split", table)


def _rules(console: Console, rules: Sequence[Rule]) -> Table:
    table = plain_table("rule", ">estimate", ">95 % interval", ">threshold", "asked", "verdict")
    for rule in rules:
        verdict = f"[{_COLOURS[rule.verdict]}]{rule.verdict}[/]" if rule.binding else NONE
        table.add_row(
            outside_text(console, rule.name),
            _signed(rule, rule.figure),
            _interval(rule),
            NONE if rule.name == "measurable" else _signed(rule, rule.threshold),
            rule.asks if rule.binding else "[dim]not asked[/]",
            verdict,
        )
    return table


def _short(name: str, split: str) -> str:
    return name.removesuffix(f" ({split})").removesuffix(" than deployed")


def _signed(rule: Rule, value: float) -> str:
    """Return a difference with its sign, and any other value without one."""
    if not math.isfinite(value):
        return NONE
    is_value = rule.asks == "value" and not rule.threshold < 0
    return f"{value:.4f}" if is_value else f"{value:+.4f}"


def _interval(rule: Rule) -> str:
    if rule.low is None or rule.high is None:
        return NONE
    return f"{rule.low:+.4f} to {rule.high:+.4f}"
