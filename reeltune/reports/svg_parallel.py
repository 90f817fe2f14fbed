"""Parallel coordinates: one line per experiment across the most important hyperparameters."""

import math
from html import escape

from reeltune.reports.figure import Cell, DataTable, Figure
from reeltune.reports.svg import Scale, drawing, line, short_number, text, thinned
from reeltune.reports.svg_axes import parameter_scale, place_of, shortened, shown
from reeltune.reports.svg_search import value_scale
from reeltune.views.run_report import RunReport, Trace

MAX_AXES = 9
N_BEST, N_OTHERS = 300, 400  # lines, of very many experiments
N_LEVELS = 5
_SIZE = (980, 380)
_TOP, _BOTTOM = 66, 350


def parallel_coordinates(report: RunReport) -> Figure | None:
    """Return the figure; None where too little was tried."""
    names = _names(report)
    known = _ranked(report)
    if len(names) < 2 or len(known) < 3:
        return None
    chosen = [
        *known[:N_BEST],
        *(known[N_BEST + k] for k in thinned(max(0, len(known) - N_BEST), N_OTHERS)),
    ]
    members = [report.space.hyperparameters[name] for name in names]
    scales = [parameter_scale(member, _BOTTOM, _TOP) for member in members]
    scales.append(value_scale(report, _BOTTOM, _TOP))
    xs = [60 + k * (860 / (len(scales) - 1)) for k in range(len(scales))]
    levels: list[list[str]] = [[] for _ in range(N_LEVELS)]
    for k, trace in enumerate(chosen):
        places = [place_of(m, trace.hyperparameters.get(m.name)) for m in members]
        steps = _line([*places, trace.value], scales, xs)
        levels[min(N_LEVELS - 1, k * N_LEVELS // len(chosen))].append(steps)
    parts = [
        f'<path class="thread s{2 * (N_LEVELS - 1 - k)}" d="{"".join(levels[k])}"/>'
        for k in reversed(range(N_LEVELS))
        if levels[k]
    ]
    first = [place_of(m, chosen[0].hyperparameters.get(m.name)) for m in members]
    parts.append(
        f'<path class="chosen-thread" d="{_line([*first, chosen[0].value], scales, xs)}"/>'
    )
    titles = [*names, report.findings.run.objective]
    parts += [_axis(x, s, n, k) for k, (x, s, n) in enumerate(zip(xs, scales, titles, strict=True))]
    return Figure(
        name="parallel-coordinates",
        title="Parallel coordinates",
        size="wide",
        drawings=(
            drawing(
                _SIZE,
                f"{len(chosen):,} experiments across {len(names)} hyperparameters and the "
                "objective, the best in bold",
                *parts,
            ),
        ),
        note=(
            "The most important hyperparameters from the left; each line is an experiment, the "
            "stronger in colour the better its rank; bold: the best by value."
        ),
        table=DataTable.of(
            (report.findings.run.objective, "experiment", *names),
            [_row(trace, names) for trace in chosen[:20]],
        ),
    )


def _names(report: RunReport) -> list[str]:
    if report.importance is not None:
        return [effect.name for effect in report.importance.effects[:MAX_AXES]]
    varied = [
        name
        for name in report.space.hyperparameters
        if len({t.hyperparameters.get(name) for t in report.traces}) > 1
    ]
    return varied[:MAX_AXES]


def _ranked(report: RunReport) -> list[Trace]:
    direction = report.findings.run.directions[0]
    known = [
        (direction.upwards(t.value), t)
        for t in report.traces
        if t.value is not None and t.status == "completed"
    ]
    return [t for _, t in sorted(known, key=lambda each: (not each[1].is_feasible, -each[0]))]


def _line(places: list[float | None], scales: list[Scale], xs: list[float]) -> str:
    """Return the steps of a line, broken where a hyperparameter does not apply."""
    found, pen = [], "M"
    for place, scale, x in zip(places, scales, xs, strict=True):
        if place is None or not math.isfinite(place):
            pen = "M"
            continue
        found.append(f"{pen}{x:.0f} {scale.at(place):.0f}")
        pen = "L"
    return "".join(found)


def _axis(x: float, scale: Scale, name: str, k: int) -> str:
    if scale.names:
        ticks = [text(x + 4, scale.at(t) + 4, scale.label(t), kind="halo") for t in scale.ticks()]
    else:
        span = scale.high - scale.low
        ends = [(scale.high, _TOP - 6), (scale.low, _BOTTOM + 16)]
        ticks = [text(x, y, short_number(v, span), "middle") for v, y in ends]
    y = 18 if k % 2 == 0 else 38  # two rows, so that long names do not meet
    label = f'<text x="{x:.0f}" y="{y}" text-anchor="middle" class="title">'
    return (
        line(x, _TOP, x, _BOTTOM, "axis")
        + label
        + escape(shortened(name, 24))
        + "</text>"
        + "".join(ticks)
    )


def _row(trace: Trace, names: list[str]) -> tuple[Cell, ...]:
    return (trace.value, trace.number, *(shown(trace.hyperparameters.get(name)) for name in names))
