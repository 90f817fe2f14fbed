"""Sparkline: numbers as one line of text."""

from collections.abc import Sequence

BARS = "▁▂▃▄▅▆▇█"
ASCII_BARS = "_.-~=+*#"


def sparkline(values: Sequence[float], *, width: int = 40, bars: str = BARS) -> str:
    """Return `values`, the lowest as the first of `bars` and the highest as the last.

    More than `width` values are thinned out evenly; the first and the last stay.

    >>> sparkline([1, 2, 3, 8])
    '▁▂▃█'
    >>> sparkline([5, 5], bars=ASCII_BARS)
    '__'
    """
    if not values:
        return ""
    low, high = min(values), max(values)
    span = (high - low) or 1.0
    most = len(bars) - 1
    return "".join(bars[round((value - low) / span * most)] for value in _thinned(values, width))


def _thinned(values: Sequence[float], width: int) -> Sequence[float]:
    last = len(values) - 1
    if last < width:
        return values
    return [values[round(k * last / (width - 1))] for k in range(width)]
