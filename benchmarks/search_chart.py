"""Search benchmark's figures as a picture: SVG, written by hand."""

from collections.abc import Sequence
from html import escape
from math import log

from benchmarks.search_runs import STOPS
from benchmarks.search_tables import Medians

WIDTH, HEIGHT, GAP = 380, 300, 60  # of one panel's plot, and around it
COLOURS = ("#1b6ca8", "#c0392b", "#27864b", "#8e5ea2", "#d98200", "#555555", "#00897b", "#a0522d")


def chart(panels: dict[str, Medians]) -> str:
    """One panel for each title, side by side; a line for each method."""
    methods = list(dict.fromkeys(name for lines in panels.values() for name in lines))
    colours = dict(zip(methods, COLOURS * len(methods), strict=False))
    width = GAP + len(panels) * (WIDTH + GAP) + 110
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{HEIGHT + 2 * GAP}" '
        'font-family="sans-serif" font-size="12">',
        '<rect width="100%" height="100%" fill="white"/>',
    ]
    for place, (title, lines) in enumerate(panels.items()):
        parts += _panel(GAP + place * (WIDTH + GAP), title, lines, colours)
    left = width - 100
    for row, (name, colour) in enumerate(colours.items()):
        y = GAP + 18 * row
        parts.append(f'<path d="M{left} {y}h18" stroke="{colour}" stroke-width="2.5"/>')
        parts.append(f'<text x="{left + 24}" y="{y + 4}">{escape(name)}</text>')
    return "\n".join([*parts, "</svg>", ""])


def _panel(left: float, title: str, lines: Medians, colours: dict[str, str]) -> list[str]:
    top = max(1.0, *(max(values) for values in lines.values()))

    def x(stop: int) -> float:
        return left + WIDTH * log(stop / STOPS[0]) / log(STOPS[-1] / STOPS[0])

    def y(regret: float) -> float:
        return GAP + HEIGHT * (1 - regret / top)

    parts = [
        f'<text x="{left}" y="{GAP - 20}" font-weight="bold">{escape(title)}</text>',
        f'<text x="{left}" y="{GAP + HEIGHT + 38}">experiments; median regret, 0 = optimum</text>',
    ]
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        level = y(share * top)
        parts.append(f'<path d="M{left} {level:.1f}h{WIDTH}" stroke="#ddd"/>')
        parts.append(
            f'<text x="{left - 6}" y="{level + 4:.1f}" text-anchor="end">{share * top:.2f}</text>'
        )
    parts += [
        f'<text x="{x(stop):.1f}" y="{GAP + HEIGHT + 18}" text-anchor="middle">{stop}</text>'
        for stop in STOPS
    ]
    for name, values in lines.items():  # slow peers end early
        points = [(x(s), y(v)) for s, v in zip(STOPS, values, strict=False)]
        parts.append(_line(colours[name], points))
    return parts


def _line(colour: str, points: Sequence[tuple[float, float]]) -> str:
    where = " ".join(f"{a:.1f},{b:.1f}" for a, b in points)
    return f'<polyline points="{where}" fill="none" stroke="{colour}" stroke-width="2"/>'
