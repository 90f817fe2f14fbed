"""Replay's figures as a picture: SVG, written by hand."""

from collections.abc import Sequence
from html import escape

import numpy as np

from benchmarks.replay_pieces import Piece
from benchmarks.replay_tables import GROUPS, names, values_of
from benchmarks.search_chart import COLOURS

WIDTH, HEIGHT, GAP = 300, 190, 60  # of one panel's plot, and around it
SHOWN = ("accuracy", "ndcg@10")


def chart(pieces: Sequence[Piece]) -> str:
    """One panel for each metric and kind of user: the mean over all users up to each night."""
    models = names(pieces)
    colours = dict(zip(models, COLOURS * len(models), strict=False))
    width, height = GAP + len(GROUPS) * (WIDTH + GAP) + 170, GAP + len(SHOWN) * (HEIGHT + GAP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        'font-family="sans-serif" font-size="12">',
        '<rect width="100%" height="100%" fill="white"/>',
    ]
    for row, metric in enumerate(SHOWN):
        for column, group in enumerate(GROUPS):
            lines = {name: running_means(pieces, name, metric, group) for name in models}
            place = GAP + column * (WIDTH + GAP), GAP + row * (HEIGHT + GAP)
            parts += _panel(place, f"{metric}, {group} users", lines, colours)
    left = width - 190
    for row, (name, colour) in enumerate(colours.items()):
        y = GAP + 18 * row
        parts.append(f'<path d="M{left} {y}h18" stroke="{colour}" stroke-width="2.5"/>')
        parts.append(f'<text x="{left + 24}" y="{y + 4}">{escape(name)}</text>')
    return "\n".join([*parts, "</svg>", ""])


def running_means(pieces: Sequence[Piece], name: str, metric: str, group: str) -> list[float]:
    """Return the mean over users and nights up to each night; NaN before the first value."""
    found = []
    for night in sorted({piece.night for piece in pieces}):
        some = [piece for piece in pieces if piece.night <= night]
        values = values_of(some, name, metric, group)[1]
        values = values[np.isfinite(values)]
        found.append(float(values.mean()) if len(values) else float("nan"))
    return found


def _panel(
    place: tuple[float, float], title: str, lines: dict[str, list[float]], colours: dict[str, str]
) -> list[str]:
    left, top = place
    everything = np.concatenate([np.array(line) for line in lines.values()])
    low, high = float(np.nanmin(everything)), float(np.nanmax(everything))
    low, high = low - 0.05 * (high - low), high + 0.05 * (high - low) + 1e-9
    n = max(len(line) for line in lines.values())

    def y(value: float) -> float:
        return top + HEIGHT * (high - value) / (high - low)

    parts = [
        f'<text x="{left}" y="{top - 12}" font-weight="bold">{escape(title)}</text>',
        f'<text x="{left}" y="{top + HEIGHT + 30}">mean of nights 1 to {n}, night by night</text>',
    ]
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        value = low + share * (high - low)
        parts.append(f'<path d="M{left} {y(value):.1f}h{WIDTH}" stroke="#ddd"/>')
        parts.append(
            f'<text x="{left - 6}" y="{y(value) + 4:.1f}" text-anchor="end">{value:.3f}</text>'
        )
    for name, line in lines.items():
        points = [
            f"{left + WIDTH * k / max(1, n - 1):.1f},{y(value):.1f}"
            for k, value in enumerate(line)
            if np.isfinite(value)
        ]
        parts.append(
            f'<polyline points="{" ".join(points)}" fill="none" stroke="{colours[name]}" '
            'stroke-width="2"/>'
        )
    return parts
