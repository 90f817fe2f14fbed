"""Tables of a tuning summary: colour on a terminal, plain in a pipe."""

from textwrap import wrap

from rich.console import Console

from reeltune.cli.tables import plain_table, print_table
from reeltune.domain.direction import Direction
from reeltune.domain.experiment import BASELINE
from reeltune.domain.metric import Metric
from reeltune.domain.shown import figure, gain_figure
from reeltune.domain.subject import Subject
from reeltune.reports.cells import (
    NONE,
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
from reeltune.reports.trade_off import kept_cell, render_trade_off
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
    """Print the command to type next, and why that where it is not said above."""
    if summary.next_reason is not None:
        console.print(f"{outside_text(console, _capital(summary.next_reason))}.", highlight=False)
    command = outside_text(console, summary.next_command)
    console.print(f"[bold]Next:[/] {command}", soft_wrap=True, highlight=False)


def _render_findings(console: Console, findings: RunFindings) -> None:
    _render_run(console, findings)
    if findings.best is not None:
        _render_metrics(console, findings, findings.best)
        _render_verdict(console, findings)
        if findings.points:
            run, best = findings.run, findings.best.number
            render_front(
                console,
                findings.points,
                run.objectives,
                run.directions,
                best,
                subject=findings.subject,
            )
        _render_top(console, findings)
        if findings.trade_off is not None:
            render_trade_off(console, findings.trade_off, findings.run.objective, findings.subject)
        _render_changes(console, findings.best, findings.subject)
    _render_progress(console, findings)
    _render_failures(console, findings)


def _render_run(console: Console, findings: RunFindings) -> None:
    run = findings.run
    console.print(f"[bold]Run {outside_text(console, run.tuning_run_id)}[/]")
    what = f"model {run.model}, split {run.split}"
    facts = [
        f"{run.method}, {_objectives(findings)}, "
        f"{what if findings.deploys else f'{run.task} {run.model}'}, seed {run.seed}",
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
    baseline, subject, task = findings.baseline, findings.subject, findings.run.task
    compared = subject.has_baseline
    if best.number == BASELINE:  # compared with itself, nothing differs
        compared = False
    headings = ("metric", f">{subject.baseline_column}", ">best", ">gain")
    table = plain_table(*(headings if compared else ("metric", ">value")))
    for name, value in best.metrics.items():
        before = None if baseline is None else baseline.metrics.get(name)
        direction = subject.metric(name).direction
        gain = None if value is None or before is None else direction.gain(value, before)
        label = _label(console, subject.metric(name))
        table.add_row(
            f"[bold]{label}[/]" if name == findings.run.objective else label,
            *([value_cell(before, task)] if compared else []),
            value_cell(value, task),
            *([gain_cell(gain, task)] if compared else []),
        )
    where = ", on the validation set" if findings.deploys else ""
    title = f"Best against {subject.baseline_column}" if compared else "Best"
    if best.number == BASELINE and subject.has_baseline:
        title = f"Best: {subject.baseline}"
    print_table(console, f"{title}{where}", table)
    if findings.means:
        means = [
            f"{_label(console, subject.metric(name))} {value_cell(mean, task)}"
            for name, mean in findings.means.items()
        ]
        console.print(f"Average of the candidates: {', '.join(means)}")
    if best.test_accuracy is not None:
        console.print(f"Accuracy of the best on the test set: {best.test_accuracy:.4f}")


def _render_verdict(console: Console, findings: RunFindings) -> None:
    found, task = findings.difference, findings.run.task
    if found.low is not None and found.high is not None:
        console.print(_interval(console, found, findings.subject, task))
    if found.corrected is not None:
        console.print(
            f"Corrected for selection bias (best of {found.n_tried:,}): "
            f"{gain_cell(found.corrected, task)}"
        )
    if found.last_half_gain is not None and found.last_half_luck is not None:
        console.print(_more(found, task))
    style = _VERDICT_STYLES.get(found.verdict or "", "default")
    p = "" if found.p_value is None else f" (p = {found.p_value:.2g})"
    console.print(f"[{style}]{outside_text(console, _capital(found.sentence))}{p}.[/]")
    if findings.remark is not None:
        console.print(outside_text(console, findings.remark), style="dim")
    if findings.is_deployed:
        console.print("This configuration is deployed.")
    console.print()


def _interval(console: Console, found: Difference, subject: Subject, task: str) -> str:
    assert found.difference is not None
    assert found.low is not None
    assert found.high is not None
    label = outside_text(console, subject.metric(found.metric).gain_title)
    return (
        f"{label} {gain_figure(found.difference, task)}, "
        f"{100 * found.confidence:.0f} % confidence interval "
        f"[bold]{gain_figure(found.low, task)} to {gain_figure(found.high, task)}[/] "
        f"over {found.n_users:,} {subject.unit}s"
    )


def _more(found: Difference, task: str) -> str:
    """Return how much the last half of the candidates gained."""
    assert found.last_half_gain is not None
    assert found.last_half_luck is not None
    gain, bias = (gain_figure(v, task) for v in (found.last_half_gain, found.last_half_luck))
    helps = "more gain than bias" if found.more_helps else "more such search hardly helps"
    return (
        f"The last {found.n_tried // 2:,} of them added {gain} to that, and "
        f"{bias} to the selection bias: {helps}"
    )


def _render_top(console: Console, findings: RunFindings) -> None:
    objective, task = findings.run.objective, findings.run.task
    ndcg = (">NDCG@10",) if findings.deploys and objective != "ndcg@10" else ()
    label = _label(console, findings.subject.metric(objective))
    kept = ("guardrails",) if any(found.guardrails for found in findings.top) else ()
    table = plain_table(
        ">no.",
        "!experiment",
        f">{label}",
        ">gain",
        ">at least",
        *ndcg,
        *kept,
        "changed most",
        drop=("NDCG@10", "no.", "changed most"),
    )
    for found in findings.top:
        table.add_row(
            str(found.number),
            outside_text(console, found.experiment_id),
            value_cell(found.value, task),
            gain_cell(found.improvement, task),
            gain_cell(found.least_improvement, task),
            *([value_cell(found.metrics.get("ndcg@10"))] if ndcg else []),
            *([kept_cell(found.is_feasible)] if kept else []),
            _changed(console, found, findings.subject),
        )
    print_table(console, "Best configurations", table)
    if any(found.improvement != found.least_improvement for found in findings.top):
        console.print(LOWER_BOUND_NOTE, style="dim")
    if findings.n_infeasible:
        console.print(_infeasible_note(findings.n_infeasible), style="dim")
    for found in findings.top:
        if found.number == BASELINE:  # said here too: its column may be left out
            name = outside_text(console, found.experiment_id)
            console.print(f"{name}: {findings.subject.baseline}", style="dim")
    console.print()


def _infeasible_note(n: int) -> str:
    what = "1 candidate violates" if n == 1 else f"{n:,} candidates violate"
    return f"{what} a guardrail: listed last, and never the best"


def _changed(console: Console, found: Finding, subject: Subject) -> str:
    if found.number == BASELINE:
        return f"[dim]({subject.baseline})[/]"
    return changes_cell(console, found.changed, 2)


def _render_changes(console: Console, best: Finding, subject: Subject) -> None:
    if not best.changed:
        return
    table = plain_table("hyperparameter", f">{subject.baseline_column}", ">best", ">change")
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
    steps = [
        f"{m.iteration:,}:\N{NO-BREAK SPACE}{figure(m.lower_bound, findings.run.task)}"
        for m in findings.milestones
    ]
    for line in wrap("after experiment " + ", ".join(steps), console.width):
        console.print(line.replace("\N{NO-BREAK SPACE}", " "))
    console.print()


def _render_failures(console: Console, findings: RunFindings) -> None:
    if not findings.n_failed:
        return
    shown = len(findings.failures)
    first = f", the first {shown}" if shown < findings.n_failed else ""
    table = plain_table("!experiment", "error")
    for failure in findings.failures:
        table.add_row(
            outside_text(console, failure.experiment_id),
            f"[red]{outside_text(console, failure.error)}[/]",
        )
    print_table(console, f"Failed: {findings.n_failed:,}{first}", table)


def _label(console: Console, metric: Metric) -> str:
    """Return the metric's standard name; with a remark if less is better."""
    return outside_text(console, metric.title + metric.direction.note)


def _capital(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]
