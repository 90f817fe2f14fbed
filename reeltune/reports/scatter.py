"""Scatter plot as text."""

from collections.abc import Sequence
from dataclasses import dataclass

HEIGHT, WIDTH = 12, 56


@dataclass(frozen=True, slots=True)
class Mark:
    """Sign for a kind of point, in Unicode and in ASCII."""

    text: str
    ascii_text: str


OTHER, ON_FRONT, DEPLOYED = Mark("·", "."), Mark("●", "o"), Mark("◆", "#")


def scatter(
    points: Sequence[tuple[float, float, Mark]], *, plain: bool = False, width: int = WIDTH
) -> list[str]:
    """Return lines of `points` (x, y, mark), x to the right and y upwards; later ones on top.

    >>> print(*scatter([(0, 0, OTHER), (1, 1, ON_FRONT)], width=20)[::11], sep="\\n")
    1 ┤                   ●
    0 ┤·
    """
    if not points:
        return []
    xs, ys = [x for x, _, _ in points], [y for _, y, _ in points]
    cells = [[" "] * width for _ in range(HEIGHT)]
    for x, y, mark in points:
        row = HEIGHT - 1 - _place(y, min(ys), max(ys), HEIGHT)
        column = _place(x, min(xs), max(xs), width)
        cells[row][column] = mark.ascii_text if plain else mark.text
    rule = "|" if plain else "┤"
    labels = [""] * HEIGHT
    labels[0], labels[-1] = _short(max(ys)), _short(min(ys))
    margin = max(map(len, labels))
    lines = [
        f"{label:>{margin}} {rule}{''.join(row)}".rstrip()
        for label, row in zip(labels, cells, strict=True)
    ]
    low, high = _short(min(xs)), _short(max(xs))
    axis = f"{'':{margin + 1}}{'+' if plain else '└'}{('-' if plain else '─') * width}"
    return [*lines, axis, f"{'':{margin + 2}}{low}{high:>{width - len(low)}}"]


def _place(value: float, low: float, high: float, cells: int) -> int:
    """Return which of `cells` from `low` to `high` the value is in."""
    return round((value - low) / (high - low) * (cells - 1)) if high > low else 0


def _short(value: float) -> str:
    return f"{value:.3g}"
