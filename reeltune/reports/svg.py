"""Drawing in SVG: scales, axes and marks. Colours are the page's, by class.

Many dots are one path of points with round caps, in tenths of a unit and without repetition: ten
thousand take some fifty kilobytes.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

SMALL = (480, 300)  # width and height in units, of which a letter is some 13 high
WIDE = (980, 340)
TICKS = 5

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Scale:
    """Axis: values from `low` to `high` on pixels from `start` to `end`."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False
    names: tuple[str, ...] = ()  # of a category's choices, at 0, 1, 2 ...

    @classmethod
    def around(
        cls, values: Iterable[float], start: float, end: float, *, log: bool = False
    ) -> "Scale":
        """Return the scale that holds all values, with a little room at both ends."""
        known = [value for value in values if math.isfinite(value)] or [0.0, 1.0]
        low, high = min(known), max(known)
        if log and low > 0:
            room = (high / low) ** 0.03 if high > low else 2.0
            return cls(low / room, high * room, start, end, log=True)
        room = 0.04 * (high - low) if high > low else max(abs(high) * 0.1, 0.5)
        return cls(low - room, high + room, start, end)

    def at(self, value: float) -> float:
        """Return the pixel of a value; outside, the nearer end's."""
        value = min(self.high, max(self.low, value))
        if self.log:
            share = math.log(value / self.low) / math.log(self.high / self.low)
        else:
            share = (value - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)

    def ticks(self, n: int = TICKS) -> list[float]:
        """Return round values within the scale, about `n`."""
        if self.names:
            return [float(k) for k in range(len(self.names)) if self.low <= k <= self.high]
        if self.log:
            found = _log_ticks(self.low, self.high)
            if len(found) >= 2:
                return found[:: max(1, math.ceil(len(found) / n))]
        return round_values(self.low, self.high, n)

    def label(self, tick: float) -> str:
        """Return what is written at a tick."""
        if self.names:
            return self.names[int(tick)]
        return short_number(tick, self.high - self.low)


class PercentScale(Scale):
    """Axis of shares, labelled in percent."""

    def label(self, tick: float) -> str:
        """Return the tick in percent."""
        return f"{100 * tick:.3g}\u00a0%"


class SignedPercentScale(Scale):
    """Axis of relative gains, labelled in percent."""

    def label(self, tick: float) -> str:
        """Return the tick in percent, with its sign."""
        return f"{100 * tick:+.3g}\u00a0%" if tick else "0"


def round_values(low: float, high: float, n: int) -> list[float]:
    """Return multiples of 1, 2 or 5 times a power of ten from `low` to `high`, about `n`.

    >>> round_values(0.0, 1.0, 5)
    [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    """
    span = high - low
    if not span > 0:
        return [low]
    power = 10.0 ** math.floor(math.log10(span / n))
    step = min((m * power for m in (1, 2, 5, 10)), key=lambda s: abs(span / s - n))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    digits = max(0, -math.floor(math.log10(step)))
    return [round(k * step, digits) + 0.0 for k in range(first, last + 1)]


def _log_ticks(low: float, high: float) -> list[float]:
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    return [10.0**power for power in powers if low <= 10.0**power <= high]


def short_number(value: float, span: float | None = None) -> str:
    """Return a number as briefly as neighbours on an axis `span` wide can be told apart.

    >>> short_number(0.65, 0.1), short_number(12000.0), short_number(3e-7)
    ('0.65', '12,000', '3e-07')
    """
    if value == 0:
        return "0"
    if abs(value) >= 1e6 or abs(value) < 1e-4:
        return f"{value:.3g}"
    if span is not None and 0 < span < 1e6:
        digits = min(6, max(0, 2 - math.floor(math.log10(span))))
        text = f"{value:,.{digits}f}"
    else:
        text = f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.0f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def drawing(size: tuple[int, int], label: str, *parts: str) -> str:
    """Return an SVG element of that width and height; `label` says what it shows."""
    width, height = size
    return (
        f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{escape(label)}"'
        f' xmlns="http://www.w3.org/2000/svg">{"".join(parts)}</svg>'
    )


def text(x: float, y: float, content: str, anchor: str = "start", kind: str = "") -> str:
    """Return a piece of text, its baseline at y."""
    more = f' class="{kind}"' if kind else ""
    side = "" if anchor == "start" else f' text-anchor="{anchor}"'
    return f'<text x="{x:.0f}" y="{y:.0f}"{side}{more}>{escape(content)}</text>'


def line(x1: float, y1: float, x2: float, y2: float, kind: str = "rule") -> str:
    """Return a straight line."""
    return f'<path class="{kind}" d="M{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}"/>'


def path(points: Sequence[Point], kind: str, *, closed: bool = False) -> str:
    """Return a broken line through points; none for fewer than two."""
    if len(points) < 2:
        return ""
    ends = "z" if closed else ""
    steps = "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    return f'<path class="{kind}" d="M{steps}{ends}"/>'


def rect(x: float, y: float, width: float, height: float, kind: str, title: str = "") -> str:
    """Return a rectangle; its title shows where a pointer rests on it."""
    about = f"<title>{escape(title)}</title>" if title else ""
    size = f'width="{max(0.0, width):.1f}" height="{max(0.0, height):.1f}"'
    return f'<rect class="{kind}" x="{x:.1f}" y="{y:.1f}" {size}>{about}</rect>'


def dots(points: Iterable[Point], kind: str) -> str:
    """Return many dots as one path, equal ones once; empty without any."""
    places = dict.fromkeys((round(10 * x), round(10 * y)) for x, y in points)
    if not places:
        return ""
    steps = "".join(f"M{x} {y}h0" for x, y in places)
    return f'<path class="dots {kind}" transform="scale(.1)" d="{steps}"/>'


def mark(x: float, y: float, kind: str, title: str = "") -> str:
    """Return one large dot."""
    about = f"<title>{escape(title)}</title>" if title else ""
    return f'<circle class="mark {kind}" cx="{x:.1f}" cy="{y:.1f}" r="5.5">{about}</circle>'


def diamond(x: float, y: float, kind: str, title: str = "") -> str:
    """Return a diamond, which is told from a dot without colour."""
    about = f"<title>{escape(title)}</title>" if title else ""
    shape = f"M{x:.1f} {y - 7:.1f}l7 7l-7 7l-7 -7z"
    return f'<path class="mark {kind}" d="{shape}">{about}</path>'


def x_axis(scale: Scale, y: float, title: str = "", *, n: int = TICKS, top: float = 0) -> str:
    """Return a horizontal axis below y, with its ticks; thin lines up to `top` if that is given."""
    parts = [line(scale.start, y, scale.end, y, "axis")]
    for tick in scale.ticks(n):
        x = scale.at(tick)
        if top:
            parts.append(line(x, top, x, y, "grid"))
        parts.append(text(x, y + 17, scale.label(tick), "middle"))
    if title:
        parts.append(text((scale.start + scale.end) / 2, y + 37, title, "middle", "name"))
    return "".join(parts)


def y_axis(scale: Scale, x: float, title: str = "", *, n: int = TICKS, right: float = 0) -> str:
    """Return a vertical axis left of x, with its ticks and thin lines to the `right`."""
    parts = []
    for tick in scale.ticks(n):
        y = scale.at(tick)
        if right:
            parts.append(line(x, y, right, y, "grid"))
        parts.append(text(x - 7, y + 4, scale.label(tick), "end"))
    if title:
        parts.append(text(8, min(scale.start, scale.end) - 10, title, kind="name"))
    return "".join(parts)


def thinned(n: int, most: int, seed: int = 0) -> list[int]:
    """Return `most` of the positions below n, drawn at random, in order; all where they are few."""
    if n <= most:
        return list(range(n))
    chosen = np.random.default_rng(seed).choice(n, most, replace=False)
    return sorted(int(k) for k in chosen)
