"""Figures of pairs of hyperparameters: contours, ranks and correlations."""

import itertools

import numpy as np
from scipy import stats

from reeltune.domain.arrays import Floats
from reeltune.reports.figure import DataTable, Figure
from reeltune.reports.svg import (
    WIDE,
    Scale,
    diamond,
    dots,
    drawing,
    mark,
    text,
    thinned,
    x_axis,
    y_axis,
)
from reeltune.reports.svg_axes import parameter_scale, places, shortened
from reeltune.search.importance import PairEffect
from reeltune.views.run_report import RunReport, Trace

N_LEVELS = 9  # of colour
N_BANDS = 5  # of ranks
MAX_PAIRS, MAX_RANKED = 6, 3
MAX_DOTS, MAX_CORRELATED = 800, 20
_PANEL = (320, 280)
_CELL = 26


def contours(report: RunReport) -> Figure | None:
    """Return the model's mean over the most important pairs; None where not known."""
    found = report.importance
    if found is None or not found.pairs:
        return None
    pairs = found.pairs[:MAX_PAIRS]
    return Figure(
        name="contours",
        title="Contours of the most important pairs",
        size="triples",
        drawings=tuple(_contour(report, pair) for pair in pairs),
        note=(
            "Colour: the mean over the space at both values, by the model, from dark (worst) to "
            "bright (best); no colour where nothing is valid. Diamond: the best; ring: what it "
            "began from; dots: experiments."
        ),
        table=DataTable.of(
            ("pair", "share of variance", "more than the better alone"),
            [(" and ".join(pair.names), pair.share, pair.more) for pair in pairs],
        ),
    )


def _contour(report: RunReport, pair: PairEffect) -> str:
    members = [report.space.hyperparameters[name] for name in pair.names]
    x, y = parameter_scale(members[0], 52, 310), parameter_scale(members[1], 232, 30)
    xs, ys = _edges(pair.x, x), _edges(pair.y, y)
    grid = np.array(
        [[np.nan if v is None else v for v in row] for row in pair.means], dtype=np.float64
    )
    upwards: Floats = np.asarray(report.findings.run.directions[0].upwards(grid))
    levels = _levels(upwards)
    cells: dict[int, list[str]] = {}
    for row in range(grid.shape[0]):
        for column in range(grid.shape[1]):
            if levels[row, column] < 0:
                continue
            left, right = xs[column], xs[column + 1]
            bottom, top = ys[row], ys[row + 1]
            cell = f"M{left:.0f} {bottom:.0f}H{right:.0f}V{top:.0f}H{left:.0f}z"
            cells.setdefault(int(levels[row, column]), []).append(cell)
    fills = [f'<path class="level c{k}" d="{"".join(each)}"/>' for k, each in sorted(cells.items())]
    title = " × ".join(shortened(name, 22) for name in pair.names)
    return drawing(
        _PANEL,
        f"mean of {report.findings.run.objective} over {pair.names[0]} and {pair.names[1]}",
        text(8, 14, title, kind="title"),
        *fills,
        dots(_experiments(report, pair.names, x, y), "over"),
        *_marks(report, pair.names, x, y),
        x_axis(x, 232, shortened(pair.names[0], 34), n=4),
        y_axis(y, 52, n=4),
    )


def _edges(centres: tuple[float, ...], scale: Scale) -> list[float]:
    """Return the ends of cells around the centres, in pixels."""
    at = [scale.at(centre) for centre in centres]
    middles = [(a + b) / 2 for a, b in itertools.pairwise(at)]
    first, last = at[0] - (middles[0] - at[0]), at[-1] + (at[-1] - middles[-1])
    low, high = sorted((scale.start, scale.end))
    return [min(high, max(low, end)) for end in (first, *middles, last)]


def _levels(upwards: Floats) -> Floats:
    """Return the level 0 to N_LEVELS - 1 of each cell, equal steps; -1 where there is no value."""
    known = np.isfinite(upwards)
    found = np.full(upwards.shape, -1.0)
    if known.any():
        low, high = float(upwards[known].min()), float(upwards[known].max())
        share = (upwards[known] - low) / (high - low if high > low else 1.0)
        found[known] = np.minimum(N_LEVELS - 1, np.floor(share * N_LEVELS))
    return found


def _experiments(
    report: RunReport, names: tuple[str, str], x: Scale, y: Scale
) -> list[tuple[float, float]]:
    known = [t.hyperparameters for t in report.traces if t.value is not None]
    columns = [places(report.space, name, known) for name in names]
    found = [
        (x.at(a), y.at(b)) for a, b in zip(*columns, strict=True) if a is not None and b is not None
    ]
    return [found[k] for k in thinned(len(found), MAX_DOTS)]


def _marks(report: RunReport, names: tuple[str, str], x: Scale, y: Scale) -> list[str]:
    found = []
    if report.deployed is not None:
        a, b = (places(report.space, name, [report.deployed])[0] for name in names)
        if a is not None and b is not None:
            found.append(mark(x.at(a), y.at(b), "ring", report.findings.subject.baseline_column))
    best = report.reproduction.best_configuration
    if best:
        a, b = (places(report.space, name, [best])[0] for name in names)
        if a is not None and b is not None:
            found.append(diamond(x.at(a), y.at(b), "chosen", "best"))
    return found


def ranks(report: RunReport) -> Figure | None:
    """Return where in the most important pairs the best experiments lie; None where not known."""
    found = report.importance
    if found is None or not found.pairs:
        return None
    pairs = found.pairs[:MAX_RANKED]
    bands = _bands(report)
    return Figure(
        name="ranks",
        title="Ranks",
        size="triples",
        drawings=tuple(_ranked(report, pair, bands) for pair in pairs),
        note="Each experiment by the fifth of results it is in: the strongest colour is the best.",
        table=DataTable.of(
            ("fifth", "experiments", *(f"mean {name}" for name in _rank_names(pairs))),
            [
                (band + 1, len(members), *_means(report, members, _rank_names(pairs)))
                for band, members in enumerate(bands)
            ],
        ),
    )


def _rank_names(pairs: tuple[PairEffect, ...]) -> list[str]:
    return list(dict.fromkeys(name for pair in pairs for name in pair.names))


def _means(report: RunReport, traces: list[Trace], names: list[str]) -> list[float | None]:
    found: list[float | None] = []
    for name in names:
        known = [
            p
            for p in places(report.space, name, [t.hyperparameters for t in traces])
            if p is not None
        ]
        found.append(float(np.mean(known)) if known else None)
    return found


def _bands(report: RunReport) -> list[list[Trace]]:
    """Return the experiments in fifths by value, the best first."""
    direction = report.findings.run.directions[0]
    known = [(direction.upwards(t.value), t) for t in report.traces if t.value is not None]
    known.sort(key=lambda each: -each[0])
    ends = np.linspace(0, len(known), N_BANDS + 1).astype(int).tolist()
    return [[t for _, t in known[a:b]] for a, b in itertools.pairwise(ends)]


def _ranked(report: RunReport, pair: PairEffect, bands: list[list[Trace]]) -> str:
    members = [report.space.hyperparameters[name] for name in pair.names]
    x, y = parameter_scale(members[0], 52, 310), parameter_scale(members[1], 232, 30)
    parts = []
    for band in reversed(range(len(bands))):  # the best on top
        some = [bands[band][k] for k in thinned(len(bands[band]), MAX_DOTS)]
        columns = [
            places(report.space, name, [t.hyperparameters for t in some]) for name in pair.names
        ]
        points = [
            (x.at(a), y.at(b))
            for a, b in zip(*columns, strict=True)
            if a is not None and b is not None
        ]
        parts.append(dots(points, f"rank s{2 * (N_BANDS - 1 - band)}"))
    return drawing(
        _PANEL,
        f"experiments by rank over {pair.names[0]} and {pair.names[1]}",
        text(8, 14, " × ".join(shortened(name, 22) for name in pair.names), kind="title"),
        y_axis(y, 52, n=4, right=310),
        *parts,
        x_axis(x, 232, shortened(pair.names[0], 34), n=4),
    )


def correlations(report: RunReport) -> Figure | None:
    """Return the rank correlations of hyperparameters and objective; None with too few results."""
    names = [name for name in report.space.hyperparameters if _varies(report, name)]
    if report.importance is not None:
        order = {effect.name: k for k, effect in enumerate(report.importance.effects)}
        names.sort(key=lambda name: order.get(name, len(order)))
    names = names[:MAX_CORRELATED]
    known = [t for t in report.traces if t.value is not None]
    if len(known) < 5 or not names:
        return None
    columns = [places(report.space, n, [t.hyperparameters for t in known]) for n in names]
    table = [[np.nan if v is None else v for v in column] for column in columns]
    values = [t.value for t in known]
    found = _spearman(np.array([values, *table], dtype=np.float64))
    labels = [report.findings.run.objective, *names]
    strongest = sorted(
        ((labels[a], labels[b], found[a, b]) for a in range(len(labels)) for b in range(a)),
        key=lambda each: -abs(each[2]),
    )
    return Figure(
        name="correlations",
        title="Correlations",
        size="wide",
        drawings=(_heat_map(labels, found),),
        note=(
            "Spearman's rank correlation over the experiments: of each hyperparameter with the "
            "objective in the first column, and of what the search tried together."
        ),
        table=DataTable.of(("", "", "rank correlation"), [tuple(row) for row in strongest[:40]]),
    )


def _varies(report: RunReport, name: str) -> bool:
    found = {t.hyperparameters.get(name) for t in report.traces if t.value is not None}
    return len(found) > 1


def _spearman(columns: Floats) -> Floats:
    """Return rank correlations (C, C) of columns (C, N), each pair where both are known."""
    n = len(columns)
    found = np.eye(n)
    for a in range(n):
        for b in range(a):
            both = np.isfinite(columns[a]) & np.isfinite(columns[b])
            ranks_ = [stats.rankdata(columns[k][both]) for k in (a, b)]
            if both.sum() < 5 or min(np.ptp(r) for r in ranks_) == 0:
                continue
            found[a, b] = found[b, a] = float(np.corrcoef(ranks_)[0, 1])
    return found


def _heat_map(labels: list[str], found: Floats) -> str:
    n = len(labels)
    left, top = 210, 8
    size = (max(WIDE[0], left + n * _CELL + 150), top + n * _CELL + 120)
    parts = []
    for a in range(n):
        y = top + a * _CELL
        parts.append(text(left - 8, y + 17, shortened(labels[a], 28), "end"))
        x = left + a * _CELL + 16
        parts.append(
            f'<text transform="translate({x} {top + n * _CELL + 14}) rotate(40)">'
            f"{shortened(labels[a], 28)}</text>"
        )
        parts += [_cell(left + b * _CELL, y, float(found[a, b])) for b in range(a)]
    label = f"rank correlations of {labels[0]} and {n - 1} hyperparameters"
    return drawing(size, label, *parts)


def _cell(x: float, y: float, value: float) -> str:
    side = "plus" if value >= 0 else "minus"
    shape = f'x="{x}" y="{y}" width="{_CELL - 1}" height="{_CELL - 1}"'
    return (
        f'<rect class="{side}" {shape} fill-opacity="{min(1.0, abs(value)):.2f}"/>'
        f'<text class="in-cell" x="{x + 12.5}" y="{y + 17}">{_hundredths(value)}</text>'
    )


def _hundredths(value: float) -> str:
    """Return a correlation as briefly as it can be read: hundredths, none for next to nothing."""
    return "" if abs(value) < 0.1 else f"{100 * value:.0f}".replace("-", "−")
