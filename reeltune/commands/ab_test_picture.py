"""Picture of an interval's path: one line of text for each analysis."""

from collections.abc import Sequence
from dataclasses import dataclass

LABEL_WIDTH = 9
WIDTH = 78


@dataclass(frozen=True, slots=True)
class PictureRow:
    """Interval at a moment."""

    label: str
    low: float
    middle: float
    high: float
    mark: str = ""  # after the line


def interval_picture(rows: Sequence[PictureRow], *, width: int = WIDTH) -> list[str]:
    """Return lines of text with a common scale, 0 in the middle, no wider than `width`.

    What reaches beyond the scale ends in `<` or `>`. The scale holds all estimates, and the last
    interval as a whole.

    >>> print("\\n".join(interval_picture([PictureRow("1 d", -0.1, 0.1, 0.2)], width=40)))
              -20.0%        0        +20.0%
          1 d        -------+------o-------
    """
    if not rows:
        return []
    n_marks = max((len(row.mark) for row in rows), default=0)
    span = width - LABEL_WIDTH - 1 - (n_marks + 1 if n_marks else 0)
    half = (span - 1) // 2
    reach = max([abs(row.middle) for row in rows] + [abs(rows[-1].low), abs(rows[-1].high), 1e-6])
    left, right = f"{-reach:+.1%}", f"{reach:+.1%}"
    gap = half - len(left)
    axis = left + " " * gap + "0" + " " * (half - len(right)) + right
    lines = [" " * (LABEL_WIDTH + 1) + axis]
    for row in rows:
        cells = [" "] * (2 * half + 1)
        low, high = _place(row.low, reach, half), _place(row.high, reach, half)
        if row.low > 0:  # an interval that leaves 0 out is not drawn over it
            low = max(low, half + 1)
        if row.high < 0:
            high = min(high, half - 1)
        for n in range(low, high + 1):
            cells[n] = "-"
        cells[half] = "+" if low <= half <= high else "|"
        if row.low < -reach:
            cells[0] = "<"
        if row.high > reach:
            cells[-1] = ">"
        cells[_place(row.middle, reach, half)] = "o"
        text = f"{row.label:>{LABEL_WIDTH}} {''.join(cells)} {row.mark}"
        lines.append(text.rstrip())
    return lines


def thinned_rows(rows: Sequence[PictureRow], n_rows: int) -> list[PictureRow]:
    """Return at most `n_rows` of the rows, evenly chosen; the first and the last stay."""
    if len(rows) <= n_rows:
        return list(rows)
    last = len(rows) - 1
    return [rows[round(k * last / (n_rows - 1))] for k in range(n_rows)]


def _place(value: float, reach: float, half: int) -> int:
    return half + round(max(-1.0, min(1.0, value / reach)) * half)
