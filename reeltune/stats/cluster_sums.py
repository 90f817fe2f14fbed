"""Ratio metrics of an A/B test, clustered by user: delta method and CUPED, from sums alone.

A ratio metric is the sum of what users did over the sum of what they were shown, such as clicks
per list. The user is what was assigned at random, so users are the independent units: lists of one
user are alike, and taking them as independent finds differences that are not there.

Sources: Deng, Knoblich and Lu 2018, "Applying the delta method in metric analytics" (ratio);
Deng, Xu, Kohavi and Walker 2013, "Improving the sensitivity of online controlled experiments by
utilizing pre-experiment data" (CUPED).
"""

import math
from dataclasses import dataclass, fields

import numpy as np

from reeltune.domain.arrays import Floats

_NAN = float("nan")


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterSums:
    """Sums over the users of an arm: shown `x`, counted `y`, covariate `c`, and their products."""

    n: float = 0
    x: float = 0
    y: float = 0
    c: float = 0
    xx: float = 0
    yy: float = 0
    cc: float = 0
    xy: float = 0
    xc: float = 0
    yc: float = 0

    def __add__(self, other: "ClusterSums") -> "ClusterSums":
        return self._with(other, 1.0)

    def less(self, other: "ClusterSums") -> "ClusterSums":
        """Return the sums without those of `other`."""
        return self._with(other, -1.0)

    def _with(self, other: "ClusterSums", sign: float) -> "ClusterSums":
        values = {name: getattr(self, name) + sign * getattr(other, name) for name in _NAMES}
        return ClusterSums(**values)

    @property
    def ratio(self) -> float:
        """Sum of what was counted over the sum of what was shown; NaN where nothing was shown."""
        return self.y / self.x if self.x > 0 else _NAN

    @property
    def variance(self) -> float:
        """Variance over users of a user's part in the ratio: `(y - ratio x) / mean x`."""
        if self.n < 2 or self.x <= 0:
            return _NAN
        ratio = self.ratio
        residual = self.yy - 2.0 * ratio * self.xy + ratio * ratio * self.xx
        return max(0.0, residual) / (self.n - 1) / (self.x / self.n) ** 2

    @property
    def standard_error(self) -> float:
        """Standard error of the ratio."""
        return math.sqrt(self.variance / self.n) if self.n > 1 else _NAN

    @property
    def covariate_variance(self) -> float:
        """Variance of the covariate over users."""
        if self.n < 2:
            return _NAN
        return max(0.0, self.cc - self.c * self.c / self.n) / (self.n - 1)

    @property
    def covariance(self) -> float:
        """Covariance of a user's part in the ratio with the covariate."""
        if self.n < 2 or self.x <= 0:
            return _NAN
        with_y = self.yc - self.y * self.c / self.n
        with_x = self.xc - self.x * self.c / self.n
        return (with_y - self.ratio * with_x) / (self.n - 1) / (self.x / self.n)


_NAMES = tuple(field.name for field in fields(ClusterSums))


def sums_of_users(x: Floats, y: Floats, c: Floats | None = None) -> ClusterSums:
    """Return the sums of arrays with a value per user (U,).

    >>> sums_of_users(np.array([1.0, 3.0]), np.array([1.0, 1.0])).ratio
    0.5
    """
    c = np.zeros(len(x)) if c is None else c
    return ClusterSums(
        n=len(x),
        x=float(x.sum()),
        y=float(y.sum()),
        c=float(c.sum()),
        xx=float(x @ x),
        yy=float(y @ y),
        cc=float(c @ c),
        xy=float(x @ y),
        xc=float(x @ c),
        yc=float(y @ c),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class RatioDifference:
    """Difference of a challenger's ratio from the champion's, with its standard error."""

    difference: float
    standard_error: float
    champion: float  # the champion's ratio, as measured
    n_users: float  # of both arms
    variance_left: float = 1.0  # by CUPED; 1 without a covariate

    @property
    def relative(self) -> float:
        """Difference over the champion's ratio; NaN where that is 0."""
        return self.difference / self.champion if self.champion > 0 else _NAN

    @property
    def z(self) -> float:
        """Difference in standard errors; NaN where they are 0."""
        return self.difference / self.standard_error if self.standard_error > 0 else _NAN


def ratio_difference(
    challenger: ClusterSums, champion: ClusterSums, *, margin: float = 0.0
) -> RatioDifference:
    """Return the challenger's ratio less the champion's, adjusted by CUPED where `c` varies.

    Args:
        challenger: sums of its users.
        champion: sums of its users.
        margin: a loss, as a share of the champion's ratio, that is added to the difference: the
            sum is below 0 where more than that is lost. Its standard error is that of
            `challenger - (1 - margin) champion`.

    The covariate's coefficient is the one that leaves least variance of the difference. With a
    covariate from before the test, the adjustment changes no expectation.

    >>> a = sums_of_users(np.array([2.0, 2.0]), np.array([1.0, 2.0]))
    >>> b = sums_of_users(np.array([2.0, 2.0]), np.array([0.0, 1.0]))
    >>> found = ratio_difference(a, b)
    >>> found.difference, round(found.standard_error, 4)
    (0.5, 0.3536)
    """
    kept = 1.0 - margin
    raw = challenger.ratio - kept * champion.ratio
    variance = _over_n(challenger.variance, challenger) + kept**2 * _over_n(
        champion.variance, champion
    )
    spread = _over_n(challenger.covariate_variance, challenger) + kept**2 * _over_n(
        champion.covariate_variance, champion
    )
    shared = _over_n(challenger.covariance, challenger) + kept**2 * _over_n(
        champion.covariance, champion
    )
    if not spread > 0 or not variance > 0:
        theta, left = 0.0, variance
    else:
        theta = shared / spread
        left = max(0.0, variance - shared * theta)
    moved = 0.0
    if theta:
        centre = (challenger.c + champion.c) / (challenger.n + champion.n)
        moved = theta * (
            (challenger.c / challenger.n - centre) - kept * (champion.c / champion.n - centre)
        )
    return RatioDifference(
        difference=raw - moved,
        standard_error=math.sqrt(left) if left >= 0 else _NAN,
        champion=champion.ratio,
        n_users=challenger.n + champion.n,
        variance_left=left / variance if variance > 0 else 1.0,
    )


def _over_n(value: float, sums: ClusterSums) -> float:
    return value / sums.n if sums.n else _NAN
