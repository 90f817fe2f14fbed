"""Group sequential tests: few planned analyses, with boundaries by O'Brien and Fleming.

Sources: O'Brien and Fleming 1979, "A multiple testing procedure for clinical trials"; Lan and
DeMets 1983, "Discrete sequential boundaries for clinical trials" (spending, for analyses at any
share of the users); Armitage, McPherson and Rowe 1969, "Repeated significance tests on accumulating
data" (the recursion that gives the probabilities).
"""

from collections.abc import Sequence
from functools import cache

import numpy as np
import scipy  # its parts are imported when first used

from reeltune.domain.arrays import Floats

_NODES = 101  # of the quadrature over what has not crossed yet
_MAX_Z = 9.0  # beyond it no double tells a probability from 0


def obrien_fleming(shares: Sequence[float], alpha: float = 0.05) -> Floats:
    """Return the two-sided boundaries (K,) of K planned analyses, in standard errors.

    Args:
        shares: the users at each analysis over those planned; ascending, above 0. From 1 on all of
            the level is spent.
        alpha: bound on the chance that any of the analyses finds a difference where there is none.

    Each side spends `2 - 2 Phi(z / sqrt(share))` with z of `alpha / 4`: next to nothing early, so
    that the last boundary is close to that of one analysis.

    >>> obrien_fleming([0.2, 0.4, 0.6, 0.8, 1.0]).round(2)
    array([4.88, 3.36, 2.68, 2.29, 2.03])
    """
    times = np.asarray(shares, dtype=np.float64)
    z = -scipy.special.ndtri(alpha / 4)
    spent = 4.0 * scipy.special.ndtr(-z / np.sqrt(np.minimum(times, 1.0)))  # (K,) of both sides
    return spending_boundaries(times, spent)


def spending_boundaries(times: Floats, spent: Floats) -> Floats:
    """Return symmetric boundaries (K,) that have crossed with probability `spent` (K,) by each."""
    boundaries = np.empty(len(times))
    walk = _Walk(0.0)
    before = 0.0
    for k, (time, by_now) in enumerate(zip(times, spent, strict=True)):
        boundaries[k] = walk.boundary(time, by_now - before)
        walk.step(time, -boundaries[k], boundaries[k])
        before = by_now
    return boundaries


def crossing_probabilities(
    times: Floats, lower: Floats, upper: Floats, drift: float = 0.0
) -> tuple[Floats, Floats]:
    """Return the probabilities (K,) that each analysis is the first below and the first above.

    Args:
        times: (K,) share of the information at each analysis, ascending.
        lower: (K,) boundaries in standard errors; -inf where none is.
        upper: (K,) boundaries in standard errors.
        drift: true difference over its standard error at time 1.

    >>> times = np.array([0.5, 1.0])
    >>> below, above = crossing_probabilities(times, np.full(2, -1.96), np.full(2, 1.96))
    >>> round(float(above.sum() + below.sum()), 3)  # two looks at 5 % each
    0.083
    """
    walk = _Walk(drift)
    found = [walk.step(time, a, b) for time, a, b in zip(times, lower, upper, strict=True)]
    below, above = np.array(found).T
    return below, above


@cache
def _quadrature() -> tuple[Floats, Floats]:
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    return nodes, weights


class _Walk:
    """Brownian motion with drift that has not yet crossed: its density on a grid."""

    def __init__(self, drift: float) -> None:
        self.drift = drift
        self.time = 0.0
        self.places = np.zeros(1)  # (G,)
        self.masses = np.ones(1)  # (G,) density times weight of the quadrature

    def boundary(self, time: float, probability: float) -> float:
        """Return the symmetric boundary at `time`, crossed with `probability`."""
        if probability <= 0.0 or self._outside(time, _MAX_Z) >= probability:
            return _MAX_Z
        return float(
            scipy.optimize.brentq(lambda z: self._outside(time, z) - probability, 1e-3, _MAX_Z)
        )

    def step(self, time: float, lower: float, upper: float) -> tuple[float, float]:
        """Advance to `time`; return the probabilities of being below and above there."""
        low, high = (max(-_MAX_Z, min(_MAX_Z, z)) * np.sqrt(time) for z in (lower, upper))
        shift, spread = self._move(time)
        below = float(self.masses @ scipy.special.ndtr((low - self.places - shift) / spread))
        above = float(self.masses @ scipy.special.ndtr((self.places + shift - high) / spread))
        nodes, weights = _quadrature()
        places = (high - low) / 2 * nodes + (high + low) / 2
        steps = (places[:, None] - self.places[None, :] - shift) / spread  # (G, G)
        density = np.exp(-0.5 * steps**2) @ self.masses / (spread * np.sqrt(2 * np.pi))
        self.time, self.places = time, places
        self.masses = density * weights * (high - low) / 2
        return below, above

    def _outside(self, time: float, z: float) -> float:
        limit = z * np.sqrt(time)
        shift, spread = self._move(time)
        below = scipy.special.ndtr((-limit - self.places - shift) / spread)
        above = scipy.special.ndtr((self.places + shift - limit) / spread)
        return float(self.masses @ (below + above))

    def _move(self, time: float) -> tuple[float, float]:
        passed = time - self.time
        return self.drift * passed, float(np.sqrt(passed))
