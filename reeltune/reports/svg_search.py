"""Figures of how a search went: history, distribution, speed and cost."""

from collections.abc import Sequence
from datetime import datetime

import numpy as np

from reeltune.domain.clock import duration
from reeltune.domain.direction import Direction
from reeltune.domain.experiment import BASELINE
from reeltune.domain.shown import figure
from reeltune.reports.figure import DataTable, Figure
from reeltune.reports.svg import (
    SMALL,
    WIDE,
    Point,
    Scale,
    diamond,
    dots,
    drawing,
    line,
    mark,
    path,
    rect,
    short_number,
    text,
    x_axis,
    y_axis,
)
from reeltune.views.run_report import RunReport, Trace

OUTLIERS = 0.03  # share of the worst values that the history's axis need not reach
N_BARS = 32


def value_scale(report: RunReport, start: float, end: float, others: Sequence[float] = ()) -> Scale:
    """Return an axis of the objective that the few worst values do not stretch.

    It holds all `others`, values that a model gives.
    """
    direction = report.findings.run.directions[0]
    values = np.sort([direction.upwards(t.value) for t in report.traces if t.value is not None])
    if len(values) == 0:
        return Scale(0.0, 1.0, start, end)
    first = int(OUTLIERS * len(values))
    low, top = float(values[first]), float(values[-1])
    if top - low < 0.7 * (top - float(values[0])):  # else nothing is gained
        values = values[values >= low - 0.1 * (top - low)]
    ends = [direction.upwards(float(v)) for v in (values[0], values[-1])]
    baseline = report.findings.baseline
    began = [] if baseline is None else [baseline.value]
    return Scale.around([*ends, *began, *others], start, end)


def history(report: RunReport) -> Figure:
    """Return each experiment's value in order, and the best so far with its bound."""
    run, task = report.findings.run, report.findings.run.task
    x = Scale(0, max(1, len(report.traces) - 1) * 1.02, 62, 968)
    y = value_scale(report, 288, 34)
    better = "lower" if run.directions[0] is Direction.MINIMIZE else "higher"
    parts = [
        x_axis(x, 288, "experiment", n=10),
        y_axis(y, 62, f"{run.objective} ({better} is better)", right=968),
        *_baseline(report, x, y),
        dots(_places(report.traces, x, y, "pruned"), "faint"),
        dots(_places(report.traces, x, y, "completed", feasible=False), "out"),
        dots(_places(report.traces, x, y, "completed", feasible=True), "in"),
        "".join(_crosses(report.traces, x)),
    ]
    steps = best_steps(report)
    if steps:
        last = len(report.traces) - 1
        parts.append(path(_staircase([(t.number, t.lower_bound) for t in steps], last, x, y), "lb"))
        parts.append(path(_staircase([(t.number, t.value) for t in steps], last, x, y), "best"))
        best = steps[-1]
        assert best.value is not None
        title = f"best: {best.experiment_id}, {run.objective} {figure(best.value, task)}"
        parts.append(diamond(x.at(best.number), y.at(best.value), "chosen", title))
    return Figure(
        name="history",
        title="Optimisation history",
        size="wide",
        drawings=(drawing(WIDE, _history_alt(report, steps), *parts),),
        note=_history_note(report),
        table=DataTable.of(
            ("experiment", "phase", run.objective, f"{run.directions[0].at_least} (95 %)", "gain"),
            [(t.number, t.phase, t.value, t.lower_bound, t.gain) for t in steps],
        ),
    )


def best_steps(report: RunReport) -> list[Trace]:
    """Return the experiments that were the best by lower bound when they were completed."""
    direction, found = report.findings.run.directions[0], []
    top = -np.inf
    for trace in report.traces:
        if trace.status != "completed" or trace.lower_bound is None or not trace.is_feasible:
            continue
        worth = direction.upwards(trace.lower_bound)
        if worth > top:
            top = worth
            found.append(trace)
    return found


def _history_note(report: RunReport) -> str:
    parts = ["Line: the best so far; thin line: its 95 % bound, by which the best is chosen."]
    if any(t.status == "completed" and not t.is_feasible for t in report.traces):
        parts.append("Orange dots violate a guardrail.")
    if any(t.status == "pruned" for t in report.traces):
        parts.append("Pale dots were stopped early: estimates.")
    if any(t.status == "failed" for t in report.traces):
        parts.append("Crosses failed.")
    return " ".join(parts)


def _history_alt(report: RunReport, steps: Sequence[Trace]) -> str:
    run = report.findings.run
    if not steps or steps[-1].value is None:
        return f"{len(report.traces)} experiments, none completed within the guardrails"
    return (
        f"{run.objective} of {len(report.traces):,} experiments in order; the best, number "
        f"{steps[-1].number}, reaches {figure(steps[-1].value, run.task)}"
    )


def _places(
    traces: Sequence[Trace], x: Scale, y: Scale, status: str, feasible: bool | None = None
) -> list[Point]:
    return [
        (x.at(t.number), y.at(t.value))
        for t in traces
        if t.status == status
        and t.value is not None
        and (feasible is None or t.is_feasible == feasible)
    ]


def _crosses(traces: Sequence[Trace], x: Scale) -> list[str]:
    failed = [t for t in traces if t.status == "failed"][:200]
    return [
        f'<path class="cross" d="M{x.at(t.number) - 3:.1f} 279l6 6m0 -6l-6 6"/>' for t in failed
    ]


def _staircase(
    steps: Sequence[tuple[int, float | None]], last: int, x: Scale, y: Scale
) -> list[Point]:
    found: list[Point] = []
    for number, value in steps:
        if value is None:
            continue
        if found:
            found.append((x.at(number), found[-1][1]))
        found.append((x.at(number), y.at(value)))
    return [*found, (x.at(last), found[-1][1])] if found else []


def _baseline(report: RunReport, x: Scale, y: Scale) -> list[str]:
    baseline = report.findings.baseline
    if baseline is None:
        return []
    height = y.at(baseline.value)
    value = figure(baseline.value, report.findings.run.task)
    label = f"{report.findings.subject.baseline_column} {value}"
    return [
        line(x.start, height, x.end, height, "deployed"),
        text(x.end, height - 7, label, "end", "of-deployed"),
    ]


def distribution(report: RunReport) -> Figure:
    """Return how many experiments reached which value."""
    run, findings = report.findings.run, report.findings
    values = np.array([t.value for t in report.traces if t.value is not None])
    x = value_scale(report, 50, 466)
    clipped = np.clip(values, x.low, x.high)
    counts, edges = np.histogram(clipped, bins=N_BARS, range=(x.low, x.high))
    y = Scale(0, max(1, int(counts.max(initial=1))) * 1.05, 252, 34)
    bars = [
        rect(
            x.at(a) + 0.5,
            y.at(n),
            x.at(b) - x.at(a) - 1,
            252 - y.at(n),
            "bar",
            f"{short_number(a, b - a)} to {short_number(b, b - a)}: {n}",
        )
        for n, a, b in zip(counts.tolist(), edges[:-1].tolist(), edges[1:].tolist(), strict=True)
        if n
    ]
    marks = []
    if findings.baseline is not None:
        at = x.at(findings.baseline.value)
        marks.append(line(at, 34, at, 252, "deployed"))
    if findings.best is not None and findings.best.number != BASELINE:
        marks.append(diamond(x.at(findings.best.value), 252, "chosen", "best"))
    median = float(np.median(values)) if len(values) else 0.0
    return Figure(
        name="distribution",
        title="Distribution of results",
        drawings=(
            drawing(
                SMALL,
                f"histogram of {run.objective} of {len(values):,} experiments, "
                f"median {figure(median, run.task)}",
                y_axis(y, 50, "experiments", n=4, right=466),
                *bars,
                *marks,
                x_axis(x, 252, run.objective),
            ),
        ),
        note=f"Dashed: {findings.subject.baseline_column}; diamond: the best.",
        table=DataTable.of(
            ("from", "to", "experiments"),
            [
                (float(a), float(b), int(n))
                for n, a, b in zip(counts, edges[:-1], edges[1:], strict=True)
            ],
        ),
    )


def timeline(report: RunReport) -> Figure | None:
    """Return how many experiments were done after which time; None where no times are known."""
    done = sorted(datetime.fromisoformat(t.completed_at) for t in report.traces if t.completed_at)
    if len(done) < 2 or done[-1] <= done[0]:
        return None
    seconds = [(moment - done[0]).total_seconds() for moment in done]
    unit, name = _unit(seconds[-1])
    x = Scale(0, seconds[-1] / unit, 50, 466)
    y = Scale(0, len(done) * 1.05, 252, 34)
    line_ = [(x.at(s / unit), y.at(k + 1)) for k, s in enumerate(seconds)]
    kept = [*line_[:: max(1, len(line_) // 400)], line_[-1]]
    rate = len(done) / seconds[-1]
    return Figure(
        name="timeline",
        title="Timeline",
        drawings=(
            drawing(
                SMALL,
                f"{len(done):,} experiments in {duration(seconds[-1])}, {rate:.2g} a second",
                x_axis(x, 252, name),
                y_axis(y, 50, "experiments done", n=4, right=466),
                path(kept, "best"),
            ),
        ),
        note=f"{len(done):,} in {duration(seconds[-1])} by the clock, pauses included.",
        table=DataTable.of(
            ("share done", f"after ({name})"),
            [
                (f"{share:.0%}", seconds[min(len(done) - 1, int(share * len(done)))] / unit)
                for share in (0.1, 0.25, 0.5, 0.75, 0.9, 1.0)
            ],
        ),
    )


def _unit(seconds: float) -> tuple[float, str]:
    if seconds < 300:
        return 1, "seconds"
    return (60, "minutes") if seconds < 18_000 else (3600, "hours")


def cost(report: RunReport) -> Figure | None:
    """Return what experiments took, against what they reached; None where no times are known."""
    run = report.findings.run
    known = [(t, t.seconds, t.value) for t in report.traces if t.seconds and t.value is not None]
    if len(known) < 2:
        return None
    taken = [seconds for _, seconds, _ in known]
    is_log = max(taken) > 8 * min(taken)
    x = Scale.around(taken, 62, 466, log=is_log)
    y = value_scale(report, 252, 34)
    best = report.findings.best
    chosen = [(s, v) for t, s, v in known if best is not None and t.number == best.number]
    return Figure(
        name="cost",
        title="Cost of an experiment",
        drawings=(
            drawing(
                SMALL,
                f"seconds of each experiment against its {run.objective}; median "
                f"{np.median(taken):.3g} seconds",
                x_axis(x, 252, "seconds"),
                y_axis(y, 62, run.objective, n=4, right=466),
                dots([(x.at(s), y.at(v)) for _, s, v in known], "in"),
                *[mark(x.at(s), y.at(v), "chosen", "best") for s, v in chosen],
            ),
        ),
        note=f"{duration(sum(taken))} in all, {np.median(taken):.3g} s each in the median.",
        table=DataTable.of(
            ("phase", "experiments", "seconds in all", "median"),
            [
                (phase, len(s), float(np.sum(s)), float(np.median(s)))
                for phase in dict.fromkeys(t.phase for t, _, _ in known)
                for s in [[s for t, s, _ in known if t.phase == phase]]
            ],
        ),
    )
