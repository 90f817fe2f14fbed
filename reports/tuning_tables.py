"""Shows a tuning summary as tables: colour on a terminal, plain in a pipe."""

from rich.console import Console

from evaluation.metrics import METRICS
from reports.cells import (
    WIDE,
    changes_cell,
    gain_cell,
    outside_text,
    plain_table,
    seconds_cell,
    value_cell,
)
from reports.comparison import Difference
from reports.sparkline import ASCII_BARS, BARS, sparkline
from reports.stored_tables import render_stored
from reports.summary import Finding, RunFindings, Summary

_VERDICT_STYLES = {"better": "green", "cannot tell": "yellow", "worse": "red"}


def render_summary(console: Console, summary: Summary) -> None:
    """Print a summary: what is stored, what the run found, and the command to type next."""
    render_stored(console, summary.stored)
    if summary.findings is not None:
        _render_findings(console, summary.findings)
    if summary.message is not None:
        message = outside_text(console, summary.message)
        console.print(f"{message[:1].upper()}{message[1:]}.", highlight=False)
    command = outside_text(console, summary.next_command)
    console.print(f"[bold]Next:[/] {command}", soft_wrap=True, highlight=False)


def _render_findings(console: Console, findings: RunFindings) -> None:
    _render_run(console, findings)
    if findings.best is not None:
        _render_metrics(console, findings, findings.best)
        _render_verdict(console, findings)
        _render_top(console, findings)
        _render_changes(console, findings.best)
    _render_progress(console, findings)
    _render_failures(console, findings)


def _render_run(console: Console, findings: RunFindings) -> None:
    run = findings.run
    console.print(f"[bold]Run {outside_text(console, run.tuning_run_id)}[/]")
    facts = [
        f"{run.method}, objective {run.objective}, model {run.model}, split {run.split}, "
        f"seed {run.seed}",
        f"{run.status}: {run.stop_reason}" if run.stop_reason else run.status,
    ]
    facts[1] += f"; {seconds_cell(run.seconds)} at work" if run.seconds is not None else ""
    if run.data_fingerprint:
        facts[1] += f"; data {run.data_fingerprint[:12]}"
    for fact in facts:
        console.print(outside_text(console, fact), style="dim")
    console.print()


def _render_metrics(console: Console, findings: RunFindings, best: Finding) -> None:
    baseline = findings.baseline
    table = plain_table(
        "Best against deployed, on the validation part", "metric", ">deployed", ">best", ">gain"
    )
    for name, value in best.metrics.items():
        before = None if baseline is None else baseline.metrics.get(name)
        gain = None if value is None or before is None else value - before
        label = f"[bold]{_label(console, name)}[/]" if name == findings.run.objective else None
        table.add_row(
            label or _label(console, name), value_cell(before), value_cell(value), gain_cell(gain)
        )
    console.print(table)
    _render_test(console, best)
    console.print()


def _render_test(console: Console, best: Finding) -> None:
    if best.test_accuracy is not None:
        console.print(f"Accuracy of the best on the test part: {best.test_accuracy:.4f}")


def _render_verdict(console: Console, findings: RunFindings) -> None:
    found = findings.difference
    if found.low is not None and found.high is not None:
        console.print(_interval(console, found))
    style = _VERDICT_STYLES[found.verdict]
    console.print(f"[{style}]{outside_text(console, _capital(found.sentence))}.[/]")
    if findings.remark is not None:
        console.print(outside_text(console, findings.remark), style="dim")
    if findings.is_deployed:
        console.print("This configuration is deployed.")
    console.print()


def _interval(console: Console, found: Difference) -> str:
    return (
        f"{_label(console, found.metric)} {found.difference:+.4f}, "
        f"{found.confidence:.0%} confidence interval [bold]{found.low:+.4f} to {found.high:+.4f}"
        f"[/] over {found.n_users:,} users (p = {found.p_value:.2g})"
    ).replace("%", " %")


def _render_top(console: Console, findings: RunFindings) -> None:
    wide = console.width >= WIDE
    more = ("method",) if wide else ()
    objective = _label(console, findings.run.objective)
    has_ndcg = findings.run.objective != "ndcg@10"
    table = plain_table(
        "Best configurations",
        "experiment",
        *more,
        f">{objective}",
        ">gain",
        *((">NDCG@10",) if has_ndcg else ()),
        "changed most",
    )
    for found in findings.top:
        ndcg = (value_cell(found.metrics.get("ndcg@10")),) if has_ndcg else ()
        table.add_row(
            outside_text(console, found.experiment_id),
            *((outside_text(console, found.method),) if wide else ()),
            value_cell(found.value),
            gain_cell(found.improvement),
            *ndcg,
            changes_cell(console, found.changed, 2 if wide else 1),
        )
    console.print(table)
    console.print()


def _render_changes(console: Console, best: Finding) -> None:
    if not best.changed:
        return
    table = plain_table("What the best changed", "hyperparameter", ">deployed", ">best", ">change")
    for change in best.changed:
        table.add_row(
            outside_text(console, change.name),
            f"{change.deployed:.6g}",
            f"{change.value:.6g}",
            f"{change.delta:+.6g}",
        )
    console.print(table)
    console.print()


def _render_progress(console: Console, findings: RunFindings) -> None:
    if not findings.best_values:
        return
    bars = BARS if console.encoding.lower().startswith("utf") else ASCII_BARS
    console.print("[bold]Best so far[/]")
    console.print(f"[cyan]{sparkline(findings.best_values, bars=bars)}[/]")
    steps = [f"{m.iteration:,}: {m.best_value:.4f}" for m in findings.milestones]
    console.print("after experiment " + "  ".join(steps) + "\n")


def _render_failures(console: Console, findings: RunFindings) -> None:
    if not findings.n_failed:
        return
    shown = len(findings.failures)
    first = f", the first {shown}" if shown < findings.n_failed else ""
    table = plain_table(f"Failed: {findings.n_failed:,}{first}", "experiment", "error")
    for failure in findings.failures:
        table.add_row(
            outside_text(console, failure.experiment_id),
            f"[red]{outside_text(console, failure.error)}[/]",
        )
    console.print(table)
    console.print()


def _label(console: Console, metric: str) -> str:
    """The metric's standard name."""
    return METRICS[metric].title if metric in METRICS else outside_text(console, metric)


def _capital(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]
