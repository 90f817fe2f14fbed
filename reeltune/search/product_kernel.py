"""Product kernel: main effects of axes and what they do together, each axis warped.

The correlation of two points is the product over axes of (1 + v m(r)) / (1 + v): multiplied out, a
constant, a part of each axis alone, of each pair, and so on; the variance v of an axis's part says
how much axes act together. m(r) = (1 - r)^3 (3 r + 1), and 0 from r = 1 on, r the distance along
the warped axis in units of its length. The warp of a number x in [0, 1] is
(exp(c x) - 1) / (exp(c) - 1), x itself for c = 0.
Source: Duvenaud, Nickisch and Rasmussen 2011, "Additive Gaussian processes"; Wendland 1995,
"Piecewise polynomial, positive definite and compactly supported radial functions", for m.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from reeltune.domain.arrays import Floats
from reeltune.storage.compiled_code import stored_code

MAX_WARP = 6.0
_STRAIGHT = 1e-3  # warps below are computed by a series


@dataclass(frozen=True, eq=False)
class Kernel:
    """Product kernel with all that is learned of it."""

    lengths: Floats  # (D,) of axes about 1 wide
    warps: Floats  # (D,) 0 where an axis is straight
    variance: float  # of an axis's part, beside the constant 1

    def placed(self, points: Floats, widths: Floats) -> Floats:
        """Return `points` (N, D), of axes `widths` (D,) wide, warped in units of lengths (D, N)."""
        warped = warp(points / widths, self.warps)[0] * widths / self.lengths
        return np.ascontiguousarray(warped.T)

    def correlations(self, placed: Floats, others: Floats) -> Floats:
        """Return (N, M) the correlations of placed points (D, N) and (D, M)."""
        products: Floats = loops().correlations(placed, others, self.variance)
        products /= (1 + self.variance) ** len(placed)
        return products


def warp(x: Floats, c: Floats) -> tuple[Floats, Floats]:
    """Return `x` (N, D) warped by `c` (D,), and the derivatives by `c`, both (N, D).

    >>> warp(np.array([[0.0, 0.5, 1.0]]), np.zeros(3))[0].tolist()
    [[0.0, 0.5, 1.0]]
    """
    straight = np.abs(c) < _STRAIGHT
    bend = np.where(straight, 1.0, c)
    top, whole = np.expm1(bend * x), np.expm1(bend)
    warped = top / whole
    slopes = (x * (top + 1) - warped * (whole + 1)) / whole
    square, cube = x * (x - 1), x * (x - 1) * (2 * x - 1)
    series = x + c * square / 2 + c**2 * cube / 12
    return (
        np.where(straight, series, warped),
        np.where(straight, square / 2 + c * cube / 6, slopes),
    )


@dataclass(frozen=True, eq=False)
class Placing:
    """Points as a kernel sees them while it is learned, and how they move with its warps."""

    kernel: Kernel
    points: Floats  # (D, N) warped, in units of lengths
    slopes: Floats  # (D, N) derivatives by the warps

    @classmethod
    def of(cls, kernel: Kernel, points: Floats, widths: Floats) -> "Placing":
        """Return the placing of `points` (N, D) of axes `widths` (D,) wide."""
        warped, slopes = warp(points / widths, kernel.warps)
        units = widths / kernel.lengths
        return cls(
            kernel,
            np.ascontiguousarray((warped * units).T),
            np.ascontiguousarray((slopes * units).T),
        )

    def correlations(self) -> Floats:
        """Return (N, N) the correlations of all pairs."""
        return self.kernel.correlations(self.points, self.points)

    def gradient(self, weights: Floats) -> tuple[Floats, Floats, float]:
        """Return derivatives of the sum of `weights` times log correlations, over all pairs.

        By the logs of the lengths (D,), by the warps (D,), and by the log of the variance; the
        weights (N, N) are symmetric.
        """
        v = self.kernel.variance
        by_length, by_warp, by_variance = loops().derivatives(self.points, self.slopes, v, weights)
        pairs = (weights.sum() - np.trace(weights)) / 2
        constant = pairs * len(self.points) * v / (1 + v)
        return 2 * by_length, 2 * by_warp, 2 * float(by_variance - constant)


@cache
def loops() -> Any:
    """Return the compiled loops; the compiler is imported at the first call only."""
    with stored_code(
        "reeltune.search.kernel_loops",
        [Path(__file__).with_name("kernel_loops.py")],
        name="search",
        main="derivatives",
        message="compiling the search for this machine, once: about 3 seconds",
    ):
        from reeltune.search import kernel_loops
    return kernel_loops
