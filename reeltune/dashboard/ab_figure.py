"""Figure of an A/B test: how a challenger's interval went, analysis by analysis."""

from collections.abc import Sequence

from reeltune.ab_tests.figures import ABFigures, ArmComparison
from reeltune.domain.clock import stamp_of
from reeltune.reports.figure import DataTable, Figure
from reeltune.reports.svg import (
    WIDE,
    Scale,
    SignedPercentScale,
    diamond,
    drawing,
    line,
    path,
    x_axis,
    y_axis,
)

_DRAWN = 240  # analyses; the last always


def path_figure(analyses: Sequence[ABFigures], arm: str, level: float) -> Figure | None:
    """Return the path of the relative change of an arm against the champion; None without any."""
    known = [
        (each, found)
        for each in analyses
        for found in each.comparisons
        if found.arm == arm and found.champion and None not in (found.difference, found.low)
    ]
    known = known[:: -(-len(known) // _DRAWN) or 1] + known[-1:] if len(known) > _DRAWN else known
    if not known:
        return None
    points = [(each.hours / 24, *_relative(found)) for each, found in known]
    last = points[-1]
    days = Scale(0.0, max(last[0], 1e-3), 66, 966)
    reach = [v for _, low, middle, high in points[len(points) // 4 :] for v in (low, middle, high)]
    gains = SignedPercentScale.around([0.0, *reach], 288, 34)
    upper = [(days.at(d), gains.at(high)) for d, _, _, high in points]
    lower = [(days.at(d), gains.at(low)) for d, low, _, _ in points]
    middle = [(days.at(d), gains.at(m)) for d, _, m, _ in points]
    verdict = known[-1][1].verdict
    summary = f"change of {arm} after {last[0]:.1f} days: {last[2]:+.1%}, {verdict}"
    return Figure(
        name=f"path-{arm}",
        title=f"Change of {arm} against the champion",
        size="wide",
        drawings=(
            drawing(
                WIDE,
                summary,
                x_axis(days, 288, "days", n=8),
                y_axis(gains, 66, "change against the champion", right=966),
                path([*upper, *lower[::-1]], "band", closed=True),
                line(days.start, gains.at(0.0), days.end, gains.at(0.0), "deployed"),
                path(middle, "best"),
                diamond(days.at(last[0]), gains.at(last[2]), "chosen", summary),
            ),
        ),
        note=f"Band: {100 * level:.3g} % interval at each analysis. Dashed: no change.",
        table=DataTable.of(
            ("when", "users", "change", "low", "high", "p-value", "verdict"),
            [
                (stamp_of(e.at), c.users, *_reordered(c), c.p_value, c.verdict)
                for e, c in known[::-1]
            ],
        ),
    )


def _relative(found: ArmComparison) -> tuple[float, float, float]:
    """Return low, middle and high of a change, as shares of the champion's value."""
    scale = abs(found.champion or 1.0)
    low, middle, high = (v or 0.0 for v in (found.low, found.difference, found.high))
    return low / scale, middle / scale, high / scale


def _reordered(found: ArmComparison) -> tuple[float, float, float]:
    low, middle, high = _relative(found)
    return middle, low, high
