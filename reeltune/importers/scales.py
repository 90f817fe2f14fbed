"""Scales on which people rate, declared or recognised, and what they are in stars.

Stars are what is stored: 0.5 to 5, and 4 or more is relevant. Any other scale is mapped onto them
by two straight lines that meet where ratings begin to be relevant: its lowest value is 0.5 stars,
`relevant_from` is 4, its highest is 5. So 1-10 is halved.
"""

import re
from dataclasses import dataclass

import numpy as np

from reeltune.domain.arrays import Floats
from reeltune.domain.errors import InputError, RejectedRowsError
from reeltune.ratings.table import HIGHEST_RATING, LOWEST_RATING

RELEVANT_STARS = 4.0
_HIGHEST_IRRELEVANT = 3.999
_USED_SHARE = 0.1  # of values in the upper half of a scale, or it is hardly that one
_WRITTEN = re.compile(r"(-?\d+(?:\.\d+)?)\s*(?:-|\.\.|to)\s*(-?\d+(?:\.\d+)?)", re.ASCII)

UP = frozenset({"1", "+1", "+", "up", "like", "liked", "yes", "true", "good", "thumbs up", "👍"})
DOWN = frozenset(
    {"0", "-1", "-", "down", "dislike", "disliked", "no", "false", "bad", "thumbs down", "👎"}
)


@dataclass(frozen=True, slots=True)
class Scale:
    """Way of rating: numbers from `low` to `high`, or thumbs."""

    name: str
    low: float
    high: float
    relevant_from: float

    @property
    def is_thumbs(self) -> bool:
        """True of the scale of two words."""
        return self.name == "thumbs"

    def stars(self, values: Floats) -> Floats:
        """Return `values` (N,), each within the scale, in stars.

        >>> read_scale("1-10").stars(np.array([1.0, 7.0, 8.0, 10.0])).tolist()
        [0.5, 3.5, 4.0, 5.0]
        """
        if (self.low, self.relevant_from, self.high) == (LOWEST_RATING, RELEVANT_STARS, 5.0):
            return values
        below = (values - self.low) / (self.relevant_from - self.low)
        above = (values - self.relevant_from) / max(self.high - self.relevant_from, 1e-300)
        under = LOWEST_RATING + (RELEVANT_STARS - LOWEST_RATING) * below
        over = RELEVANT_STARS + (HIGHEST_RATING - RELEVANT_STARS) * above
        if self.high == self.relevant_from:
            over = np.full(len(values), HIGHEST_RATING)
        relevant = values >= self.relevant_from
        mapped = np.where(relevant, over, np.minimum(under, _HIGHEST_IRRELEVANT))
        rounded: Floats = np.clip(np.round(mapped, 6), LOWEST_RATING, HIGHEST_RATING)
        return rounded

    def describe(self) -> str:
        """Return what becomes of it, for people."""
        if self.is_thumbs:
            return "thumbs: up is 5 stars, down is 1"
        if self == STARS:
            return "stars, 0.5 to 5; relevant from 4"
        return (
            f"{self.name}, mapped onto stars: {self.low:g} is 0.5, {self.relevant_from:g} is 4"
            f" (relevant from there), {self.high:g} is 5"
        )


STARS = Scale("stars", LOWEST_RATING, HIGHEST_RATING, RELEVANT_STARS)
THUMBS = Scale("thumbs", 1.0, 5.0, RELEVANT_STARS)
_NAMED = {"stars": (0.5, 5.0), "percent": (0.0, 100.0), "0.5-5": (0.5, 5.0), "1-5": (0.5, 5.0)}


def read_scale(name: str, relevant_from: float | None = None) -> Scale:
    """Return the scale that a person declares: `stars`, `thumbs`, `percent` or LOW-HIGH.

    Unless it is said, relevant is what is at least 0.8 of the highest value.

    Raises:
        InputError: it is none, or `relevant_from` does not lie on it.

    >>> read_scale("0-100").relevant_from, read_scale("1-5") == STARS
    (80.0, True)
    """
    if name == "thumbs":
        if relevant_from is not None:
            raise InputError("thumbs take no relevant_from: up is relevant; leave it out")
        return THUMBS
    found = _WRITTEN.fullmatch(name.strip())
    bounds = _NAMED.get(name) or ((float(found[1]), float(found[2])) if found else None)
    if bounds is None or not bounds[0] < bounds[1]:
        raise InputError(
            f"scale must be stars, thumbs, percent or LOW-HIGH as in 1-10, got {name!r}"
        )
    low, high = bounds
    usual = 0.8 * high if low < 0.8 * high else low + 7 / 9 * (high - low)
    relevant = usual if relevant_from is None else relevant_from
    if not low < relevant <= high:
        raise InputError(
            f"relevant_from must lie above {low:g} and at most {high:g}, got {relevant:g}"
        )
    return Scale("stars" if (low, high) == (0.5, 5.0) else name, low, high, relevant)


def recognise_scale(values: Floats) -> Scale | None:
    """Return the scale that `values` (N,) fill; None where it could be several, or none.

    >>> recognise_scale(np.array([2.0, 7.0, 9.0])).name
    '1-10'
    """
    if not len(values) or not np.isfinite(values).all():
        return None
    low, high = float(values.min()), float(values.max())
    if set(np.unique(values).tolist()) <= {-1.0, 0.0, 1.0}:
        return THUMBS if low < high else None
    for name in ("stars", "0-5", "1-10", "0-10", "0-100"):
        scale = read_scale(name)
        if scale.low <= low and high <= scale.high:
            used = float((values > scale.high / 2).mean())
            return scale if scale.high <= HIGHEST_RATING or used >= _USED_SHARE else None
    return None


def check_fits(what: str, values: Floats, scale: Scale, remedy: str) -> None:
    """Raise RejectedRowsError where more of `values` (N,) lie outside than are misprints."""
    outside = values[(values < scale.low) | (values > scale.high)]
    if len(outside) <= max(2, len(values) // 1000):
        return
    found = recognise_scale(values)
    guess = f"they look like {found.name}" if found else "the scale cannot be recognised"
    raise RejectedRowsError(
        f"{what} has ratings that do not fit the scale {scale.low:g} to {scale.high:g}:"
        f" {len(outside):,} of {len(values):,} lie outside, from {values.min():g} to"
        f" {values.max():g}; {guess}: {remedy}; nothing of it was imported"
    )
