"""Tables of a tuning summary: colour on a terminal, plain in a pipe."""

from rich.console import Console

from reeltune.cli.tables import plain_table, print_table
from reeltune.domain.direction import Direction
from reeltune.domain.experiment import BASELINE
from reeltune.metrics.ranking_metrics import METRICS
from reeltune.reports.cells import (
    NONE,
    WIDE,
    changes_cell,
    gain_cell,
    outside_text,
    parameter_cell,
    seconds_cell,
    value_cell,
)
from reeltune.reports.front import render_front
from reeltune.reports.sparkline import ASCII_BARS, BARS, sparkline
from reeltune.reports.stored_tables import render_stored
from reeltune.views.comparison import Difference
from reeltune.views.summary import Finding, RunFindings, Summary

LOWER_BOUND_NOTE = "at least: 95 % lower bound of the gain; the best has the highest"
_VERDICT_STYLES = {"better": "green", "cannot tell": "yellow", "worse": "red"}


def render_found(console: Console, summary: Summary) -> None:
    """Print what is stored and what the run found."""
    render_stored(console, summary.stored)
    if summary.findings is not None:
        _render_findings(console, summary.findings)
    if summary.message is not None:
        message = outside_text(console, summary.message)
        console.print(f"{message[:1].upper()}{message[1:]}.", highlight=False)


def render_next(console: Console, summary: Summary) -> None:
    """Print the command to type next."""
    command = outside_text(console, summary.next_command)
    console.print(f"[bold]Next:[/] {command}", soft_wrap=True, highlight=False)


def _render_findings(console: Console, findings: RunFindings) -> None:
    _render_run(console, findings)
    if findings.best is not None:
        _render_metrics(console, findings, findings.best)
        _render_verdict(console, findings)
        if findings.points:
            run, best = findings.run, findings.best.number
            render_front(console, findings.points, run.objectives, run.directions, best)
        _render_top(console, findings)
        _render_changes(console, findings.best)
    _render_progress(console, findings)
    _render_failures(console, findings)


def _render_run(console: Console, findings: RunFindings) -> None:
    run = findings.run
    console.print(f"[bold]Run {outside_text(console, run.tuning_run_id)}[/]")
    facts = [
        f"{run.method}, {_objectives(findings)}, model {run.model}, split {run.split}, "
        f"seed {run.seed}",
        f"{run.status}: {run.stop_reason}" if run.stop_reason else run.status,
    ]
    facts[1] += f"; {seconds_cell(run.seconds)} at work" if run.seconds is not None else ""
    if run.data_fingerprint:
        facts[1] += f"; data {run.data_fingerprint[:12]}"
    for fact in facts:
        console.print(outside_text(console, fact), style="dim")
    console.print()


def _objectives(findings: RunFindings) -> str:
    run = findings.run
    names = [n + d.note for n, d in zip(run.objectives, run.directions, strict=True)]
    return f"objective{'s' if len(names) > 1 else ''} {', '.join(names)}"


def _render_metrics(console: Console, findings: RunFindings, best: Finding) -> None:
    baseline = findings.baseline
    table = plain_table("metric", ">deployed", ">best", ">gain")
    for name, value in best.metrics.items():
        before = None if baseline is None else baseline.metrics.get(name)
        direction = METRICS[name].direction if name in METRICS else Direction.MAXIMIZE
        gain = None if value is None or before is None else direction.gain(value, before)
        label = f"[bold]{_label(console, name)}[/]" if name == findings.run.objective else None
        table.add_row(
            label or _label(console, name), value_cell(before), value_cell(value), gain_cell(gain)
        )
    print_table(console, "Best against deployed, on the validation set", table)
    if best.test_accuracy is not None:
        console.print(f"Accuracy of the best on the test set: {best.test_accuracy:.4f}")


def _render_verdict(console: Console, findings: RunFindings) -> None:
    found = findings.difference
    if found.low is not None and found.high is not None:
        console.print(_interval(console, found))
    if found.corrected is not None:
        console.print(
            f"Corrected for selection bias (best of {found.n_tried:,}): "
            f"{gain_cell(found.corrected)}"
        )
    if found.last_half_gain is not None and found.last_half_luck is not None:
        console.print(_more(found))
    style = _VERDICT_STYLES.get(found.verdict or "", "default")
    p = "" if found.p_value is None else f" (p = {found.p_value:.2g})"
    console.print(f"[{style}]{outside_text(console, _capital(found.sentence))}{p}.[/]")
    if findings.remark is not None:
        console.print(outside_text(console, findings.remark), style="dim")
    if findings.is_deployed:
        console.print("This configuration is deployed.")
    console.print()


def _interval(console: Console, found: Difference) -> str:
    metric = METRICS.get(found.metric)
    label = _label(console, found.metric) if metric is None else metric.gain_title
    return (
        f"{label} {found.difference:+.4f}, "
        f"{100 * found.confidence:.0f} % confidence interval "
        f"[bold]{found.low:+.4f} to {found.high:+.4f}[/] over {found.n_users:,} users"
    )


def _more(found: Difference) -> str:
    """Return how much the last half of the candidates gained."""
    helps = "more gain than bias" if found.more_helps else "more such search hardly helps"
    return (
        f"The last {found.n_tried // 2:,} of them added {found.last_half_gain:+.4f} to that, and "
        f"{found.last_half_luck:+.4f} to the selection bias: {helps}"
    )


def _render_top(console: Console, findings: RunFindings) -> None:
    wide = console.width >= WIDE
    objective = findings.run.objective
    more = ("experiment",) if wide else ()
    ndcg = (">NDCG@10",) if objective != "ndcg@10" else ()
    table = plain_table(
        ">no.", *more, f">{_label(console, objective)}", ">gain", ">at least", *ndcg, "changed most"
    )
    for found in findings.top:
        ids = [found.experiment_id] if wide else []
        table.add_row(
            str(found.number),
            *(outside_text(console, text) for text in ids),
            value_cell(found.value),
            gain_cell(found.improvement),
            gain_cell(found.least_improvement),
            *([value_cell(found.metrics.get("ndcg@10"))] if ndcg else []),
            _changed(console, found),
        )
    print_table(console, "Best configurations", table)
    if any(found.improvement != found.least_improvement for found in findings.top):
        console.print(LOWER_BOUND_NOTE + "\n", style="dim")


def _changed(console: Console, found: Finding) -> str:
    if found.number == BASELINE:
        return "[dim](the deployed configuration)[/]"
    return changes_cell(console, found.changed, 2 if console.width >= WIDE else 1)


def _render_changes(console: Console, best: Finding) -> None:
    if not best.changed:
        return
    table = plain_table("hyperparameter", ">deployed", ">best", ">change")
    for change in best.changed:
        table.add_row(
            outside_text(console, change.name),
            parameter_cell(console, change.deployed),
            parameter_cell(console, change.value),
            NONE if change.delta is None else f"{change.delta:+.6g}",
        )
    print_table(console, "What the best changed", table)


def _render_progress(console: Console, findings: RunFindings) -> None:
    if not findings.best_bounds:
        return
    bars = BARS if console.encoding.lower().startswith("utf") else ASCII_BARS
    direction = findings.run.directions[0]
    is_upwards = direction is Direction.MAXIMIZE
    bound = "lower bound" if is_upwards else "upper bound, drawn upside down,"
    console.print(f"[bold]Best so far[/]: 95 % {bound} of its value")
    upwards = [direction.upwards(bound) for bound in findings.best_bounds]
    console.print(f"[cyan]{sparkline(upwards, bars=bars)}[/]")
    steps = [f"{m.iteration:,}: {m.lower_bound:.4f}" for m in findings.milestones]
    console.print("after experiment " + "  ".join(steps) + "\n")


def _render_failures(console: Console, findings: RunFindings) -> None:
    if not findings.n_failed:
        return
    shown = len(findings.failures)
    first = f", the first {shown}" if shown < findings.n_failed else ""
    table = plain_table("experiment", "error")
    for failure in findings.failures:
        table.add_row(
            outside_text(console, failure.experiment_id),
            f"[red]{outside_text(console, failure.error)}[/]",
        )
    print_table(console, f"Failed: {findings.n_failed:,}{first}", table)


def _label(console: Console, metric: str) -> str:
    """Return the metric's standard name; with a remark if less is better."""
    known = METRICS.get(metric)
    return outside_text(console, metric) if known is None else known.title + known.direction.note


def _capital(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]
