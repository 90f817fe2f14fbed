"""Figures of how far a result is to be trusted: metrics, guardrails, segments, and what is paid."""

import numpy as np

from reeltune.domain.experiment import BASELINE
from reeltune.domain.objectives import SECONDS
from reeltune.reports.figure import DataTable, Figure
from reeltune.reports.svg import (
    SMALL,
    PercentScale,
    Scale,
    SignedPercentScale,
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
from reeltune.stats.pareto import front
from reeltune.views.run_report import GuardrailRow, RunReport, Trace

_ROW = 44
TWO_SIDED_95 = 1.96


def intervals(report: RunReport) -> Figure | None:
    """Return best against baseline in each metric, relative to the baseline; None without both."""
    best, baseline = report.findings.best, report.findings.baseline
    if best is None or baseline is None or best.number == BASELINE:
        return None
    rows = []
    for name, value in best.metrics.items():
        before = baseline.metrics.get(name)
        if value is None or before is None:
            continue
        metric = report.findings.subject.metric(name)
        gain = metric.direction.gain(value, before)
        low = high = None
        difference = report.findings.difference
        if name == report.findings.run.objective:
            low, high = difference.low, difference.high
        rows.append((metric.title, before, value, gain, low, high))
    if not rows:
        return None
    shares = [(gain / abs(before) if before else 0.0) for _, before, _, gain, _, _ in rows]
    ends = [
        e / abs(before) for _, before, _, _, low, high in rows if before for e in (low, high) if e
    ]
    x = SignedPercentScale.around([0.0, *shares, *ends], 18, 456)
    height = 44 + _ROW * len(rows)
    parts = [
        x_axis(x, height - 26, top=6),
        line(x.at(0), 6, x.at(0), height - 26, "rule"),
    ]
    for k, ((title, before, value, gain, low, high), share) in enumerate(
        zip(rows, shares, strict=True)
    ):
        y = 8 + _ROW * k
        figures = f"{short_number(before)} → {short_number(value)}"
        parts.append(text(18, y + 12, title))
        parts.append(text(456, y + 12, figures, "end", "number"))
        kind = "gain" if gain >= 0 else "loss"
        a, b = sorted((x.at(0), x.at(share)))
        parts.append(rect(a, y + 19, max(1.5, b - a), 12, kind, f"{title}: {gain:+.4g}"))
        if low is not None and high is not None and before:
            parts.append(whisker(x, low / abs(before), high / abs(before), y + 25))
    objective = report.findings.subject.metric(report.findings.run.objective).title
    return Figure(
        name="metrics",
        title=f"Best against {report.findings.subject.baseline_column}",
        drawings=(
            drawing(
                (480, height),
                f"gain of the best in {len(rows)} metrics, relative to what it began from",
                *parts,
            ),
        ),
        note=(
            f"Gain in percent of the {report.findings.subject.baseline_column} figure, to the "
            f"right better. The line is the 95 % interval of {objective}, by which the best was "
            "chosen: the others were looked at, and say what came along."
        ),
        table=DataTable.of(
            ("metric", report.findings.subject.baseline_column, "best", "gain", "95 % interval"),
            [(*row[:4], interval_text(row[4], row[5])) for row in rows],
        ),
        open_table=True,
    )


def whisker(x: Scale, low: float, high: float, y: float) -> str:
    """Return an interval at height y, with short strokes at its ends."""
    ends = [line(x.at(v), y - 5, x.at(v), y + 5, "whisker") for v in (low, high)]
    return line(x.at(low), y, x.at(high), y, "whisker") + "".join(ends)


def interval_text(low: float | None, high: float | None) -> str | None:
    """Return an interval of gains as it is written; None where there is none."""
    return None if low is None or high is None else f"{low:+.4f} to {high:+.4f}"


def feasibility(report: RunReport) -> Figure | None:
    """Return how often each guardrail was violated; None where none is known."""
    rows = report.guardrails
    if not rows:
        return None
    height = 40 + _ROW * len(rows)
    x = Scale(0, 1, 18, 456)
    parts = [x_axis(PercentScale(0, 1, 18, 456), height - 26, top=6)]
    for k, row in enumerate(rows):
        y = 8 + _ROW * k
        share = row.n_violated / row.n_known
        better = f"{row.n_violated} of {row.n_known}"
        parts.append(text(18, y + 12, row.name))
        parts.append(text(456, y + 12, better, "end", "number"))
        parts.append(rect(18, y + 19, 438, 10, "track"))
        parts.append(rect(18, y + 19, x.at(share) - 18, 10, "loss", f"{share:.1%}"))
    worst = max(rows, key=lambda row: row.n_violated / row.n_known)
    return Figure(
        name="feasibility",
        title="Guardrails that bound",
        drawings=(
            drawing(
                (480, height),
                f"share of candidates that violate each of {len(rows)} guardrails; most often "
                f"{worst.name}, {worst.n_violated} of {worst.n_known}",
                *parts,
            ),
        ),
        note="Share of the candidates that violate each guardrail on the validation set.",
        table=DataTable.of(
            (
                "guardrail",
                "worst allowed",
                "before",
                "best",
                "violated",
                "of",
                "better ones kept out",
            ),
            [
                (r.name, r.bound, r.baseline, r.best, r.n_violated, r.n_known, r.n_better_violated)
                for r in rows
            ],
        ),
    )


def segments(report: RunReport) -> Figure | None:
    """Return the gain of the best in each guarded metric and segment; None without any."""
    rows = [row for row in report.guardrails if row.best is not None and row.baseline is not None]
    if not rows or report.findings.best is None or report.findings.best.number == BASELINE:
        return None
    figures = [(_gain(row), _error(row), _room(row)) for row in rows]
    x = SignedPercentScale.around(
        [0.0, *(v for g, e, r in figures for v in (g - e, g + e, r))], 14, 466
    )
    height = 44 + _ROW * len(rows)
    parts = [
        x_axis(x, height - 26, top=6),
        line(x.at(0), 6, x.at(0), height - 26, "rule"),
    ]
    for k, (row, (gain, error, room)) in enumerate(zip(rows, figures, strict=True)):
        y = 8 + _ROW * k
        parts.append(text(18, y + 12, row.name))
        parts.append(text(456, y + 12, f"{100 * gain:+.2g} %", "end", "number"))
        parts.append(line(x.at(room), y + 16, x.at(room), y + 34, "limit"))
        if error:
            parts.append(whisker(x, gain - error, gain + error, y + 25))
        parts.append(mark(x.at(gain), y + 25, "gain" if gain >= 0 else "loss", row.name))
    return Figure(
        name="segments",
        title="Gains in guarded metrics and segments",
        drawings=(
            drawing(
                (480, height),
                f"gain of the best in {len(rows)} guarded metrics and segments of users",
                *parts,
            ),
        ),
        note=(
            "Gain of the best in percent, with a 95 % interval where its error is known; the "
            "dotted line is what the guardrail allows to be lost."
        ),
        table=DataTable.of(
            ("metric or segment", "before", "best", "gain", "95 % half width", "allowed"),
            [
                (row.name, row.baseline, row.best, gain, error, room)
                for row, (gain, error, room) in zip(rows, figures, strict=True)
            ],
        ),
    )


def _gain(row: GuardrailRow) -> float:
    assert row.best is not None
    assert row.baseline is not None
    sign = 1 if row.higher_is_better else -1
    return sign * (row.best - row.baseline) / abs(row.baseline or 1.0)


def _error(row: GuardrailRow) -> float:
    return TWO_SIDED_95 * (row.best_error or 0.0) / abs(row.baseline or 1.0)


def _room(row: GuardrailRow) -> float:
    assert row.baseline is not None
    sign = 1 if row.higher_is_better else -1
    return sign * (row.bound - row.baseline) / abs(row.baseline or 1.0)


def trade(report: RunReport) -> Figure | None:
    """Return the front of the first two objectives; of one, against what is paid for it most."""
    first, second = _axes(report)
    if second is None:
        return None
    known = [
        (t, a, b)
        for t in report.traces
        for a, b in [(_figure(t, first), _figure(t, second))]
        if t.status == "completed" and a is not None and b is not None
    ]
    if len(known) < 3:
        return None
    subject = report.findings.subject
    ups = [_sign(report, name) for name in (first, second)]
    values = np.array([[ups[0] * a, ups[1] * b] for _, a, b in known])
    on_front = front(values)
    x = Scale.around([a for _, a, _ in known], 62, 466)
    y = Scale.around([b for _, _, b in known], 252, 34)
    best = report.findings.best
    chosen = [each for each in known if best is not None and each[0].number == best.number]
    began = [each for each in known if each[0].number == BASELINE]
    line_ = sorted((a, b) for (_, a, b), on in zip(known, on_front, strict=True) if on)
    n = len(report.findings.run.objectives)
    titles = [subject.metric(name).title for name in (first, second)]
    title = "Pareto front" if n > 1 else f"{titles[0]} against {titles[1]}"
    return Figure(
        name="front",
        title=title,
        drawings=(
            drawing(
                SMALL,
                f"{first} against {second} of {len(known):,} experiments, of which "
                f"{int(on_front.sum())} are on the front",
                x_axis(x, 252, subject.metric(first).title),
                y_axis(y, 62, subject.metric(second).title, right=466),
                dots([(x.at(a), y.at(b)) for _, a, b in known], "in"),
                path([(x.at(a), y.at(b)) for a, b in line_], "front"),
                dots([(x.at(a), y.at(b)) for a, b in line_], "on-front"),
                *[mark(x.at(a), y.at(b), "ring", subject.baseline_column) for _, a, b in began],
                *[diamond(x.at(a), y.at(b), "chosen", "best") for _, a, b in chosen],
            ),
        ),
        note="Line: the front, beaten in both by none. Diamond: the best; ring: where it began.",
        table=DataTable.of(
            ("experiment", first, second),
            [(t.number, a, b) for (t, a, b), on in zip(known, on_front, strict=True) if on],
        ),
    )


def _figure(trace: Trace, name: str) -> float | None:
    return trace.seconds if name == SECONDS else trace.metrics.get(name)


def _sign(report: RunReport, name: str) -> float:
    run = report.findings.run
    if name in run.objectives:
        return run.directions[run.objectives.index(name)].upwards(1.0)
    return report.findings.subject.metric(name).direction.upwards(1.0)


def _axes(report: RunReport) -> tuple[str, str | None]:
    """Return the two metrics: both objectives, or the objective and what falls most with it."""
    run = report.findings.run
    if len(run.objectives) > 1:
        return run.objectives[0], run.objectives[1]
    completed = [t for t in report.traces if t.status == "completed"]
    names = {name for t in completed for name in t.metrics} - {run.objective}
    found = []
    for name in sorted(names):
        pairs = [(t.metrics.get(run.objective), t.metrics.get(name)) for t in completed]
        both = np.array([p for p in pairs if None not in p], dtype=np.float64).reshape(-1, 2)
        if len(both) < 3 or not np.all(both.std(axis=0) > 0):
            continue
        sign = _sign(report, run.objective) * _sign(report, name)
        found.append((sign * float(np.asarray(np.corrcoef(both.T))[0, 1]), name))
    return run.objective, min(found)[1] if found else None
