"""Figures of what each hyperparameter does: importance, and slices through the space."""

from collections.abc import Sequence

from reeltune.reports.figure import DataTable, Figure
from reeltune.reports.svg import (
    PercentScale,
    Point,
    Scale,
    diamond,
    dots,
    drawing,
    line,
    path,
    rect,
    text,
    thinned,
    x_axis,
    y_axis,
)
from reeltune.reports.svg_axes import parameter_scale, places, shortened, shown_place
from reeltune.reports.svg_search import value_scale
from reeltune.search.importance import Effect
from reeltune.views.run_report import RunReport

MAX_BARS, MAX_SLICES = 24, 8
MAX_DOTS = 1_200  # of a slice
_ROW = 33  # height of a bar with its name above it
_SLICE = (300, 220)


def importance_bars(report: RunReport) -> Figure | None:
    """Return the share of variance that each hyperparameter explains; None where not known."""
    found = report.importance
    if found is None or not found.effects:
        return None
    effects = found.effects[:MAX_BARS]
    height = 40 + _ROW * len(effects)
    top = max(0.05, *(effect.high for effect in effects))
    x = PercentScale(0, top * 1.02, 18, 456)
    parts = [x_axis(x, height - 26, top=6)]
    for k, effect in enumerate(effects):
        y = 8 + _ROW * k
        title = f"{effect.name}: {effect.share:.1%} ({effect.low:.1%} to {effect.high:.1%})"
        parts.append(text(18, y + 11, effect.name))
        parts.append(text(456, y + 11, f"{effect.share:.1%}", "end", "number"))
        parts.append(rect(18, y + 16, max(1.0, x.at(effect.share) - 18), 9, "bar", title))
        parts.append(line(x.at(effect.low), y + 20.5, x.at(effect.high), y + 20.5, "whisker"))
    first = effects[0]
    return Figure(
        name="importance",
        title="Importance of hyperparameters",
        drawings=(
            drawing(
                (480, height),
                f"importance of {len(found.effects)} hyperparameters; most of all {first.name}, "
                f"which explains {first.share:.0%} of the variance",
                *parts,
            ),
        ),
        note=(
            "Share of the objective's variance over the whole space that each explains alone; "
            "lines are 90 % intervals. Shares of 1 and thresholds in order are drawn as the space "
            "draws them, and can explain the same: they may add up to more. The model predicts "
            f"{found.fit:.0%} of the variance of results left out."
        ),
        table=DataTable.of(
            ("hyperparameter", "share", "low", "high"),
            [(e.name, e.share, e.low, e.high) for e in found.effects],
        ),
    )


def slices(report: RunReport) -> Figure | None:
    """Return the effect of each of the most important hyperparameters; None where not known."""
    found = report.importance
    if found is None or not found.effects:
        return None
    effects = found.effects[:MAX_SLICES]
    y = value_scale(report, 182, 26, [mean for effect in effects for mean in effect.means])
    return Figure(
        name="slices",
        title="Slices",
        size="panels",
        drawings=tuple(_slice(report, effect, y) for effect in effects),
        note=(
            "Dots: experiments. Line: the mean over the space at that value, by the model, with "
            "a band of two standard deviations. Diamond: the best; dashed: the value it began from."
        ),
        table=DataTable.of(
            ("hyperparameter", "value", f"mean {report.findings.run.objective}", "deviation"),
            [
                (e.name, _value_name(report, e, value), mean, deviation)
                for e in effects
                for value, mean, deviation in _every(e)
            ],
        ),
    )


def _every(effect: Effect, most: int = 7) -> list[tuple[float, float, float]]:
    rows = list(zip(effect.values, effect.means, effect.deviations, strict=True))
    step = max(1, len(rows) // most)
    return rows[step // 2 :: step]


def _value_name(report: RunReport, effect: Effect, value: float) -> str:
    return shown_place(report.space.hyperparameters[effect.name], value)


def _slice(report: RunReport, effect: Effect, y: Scale) -> str:
    member = report.space.hyperparameters[effect.name]
    x = parameter_scale(member, 56, 290)
    known = [t for t in report.traces if t.value is not None]
    at = places(report.space, effect.name, [t.hyperparameters for t in known])
    points = [
        (x.at(place), y.at(t.value))
        for t, place in zip(known, at, strict=True)
        if place is not None and t.value is not None
    ]
    some = [points[k] for k in thinned(len(points), MAX_DOTS)]
    model = [(x.at(v), m, d) for v, m, d in zip(*_columns(effect), strict=True)]
    parts = [
        text(8, 14, shortened(effect.name, 34), kind="title"),
        text(292, 14, f"{effect.share:.0%}", "end", "number"),
        y_axis(y, 56, n=4, right=290),
        dots(some, "in small"),
        path(_band(model, y), "band", closed=True),
        path([(px, y.at(m)) for px, m, _ in model], "best"),
        *_marks(report, effect.name, x, y),
        x_axis(x, 182, n=4),
    ]
    label = f"{report.findings.run.objective} against {effect.name}, {effect.share:.0%} of variance"
    return drawing(_SLICE, label, *parts)


def _columns(effect: Effect) -> tuple[Sequence[float], Sequence[float], Sequence[float]]:
    return effect.values, effect.means, effect.deviations


def _band(model: Sequence[tuple[float, float, float]], y: Scale) -> list[Point]:
    upper = [(px, y.at(m + 2 * d)) for px, m, d in model]
    lower = [(px, y.at(m - 2 * d)) for px, m, d in model]
    return [*upper, *reversed(lower)]


def _marks(report: RunReport, name: str, x: Scale, y: Scale) -> list[str]:
    found = []
    deployed = [] if report.deployed is None else places(report.space, name, [report.deployed])
    known = [x.at(place) for place in deployed if place is not None]
    found += [line(at, y.end, at, y.start, "deployed") for at in known]
    best = report.findings.best
    chosen = [t for t in report.traces if best is not None and t.number == best.number]
    for trace in chosen:
        (place,) = places(report.space, name, [trace.hyperparameters])
        if place is not None and trace.value is not None:
            found.append(diamond(x.at(place), y.at(trace.value), "chosen", "best"))
    return found
