"""Normal distribution that CMA-ES samples from, and how a generation updates it.

Source: Hansen 2016, "The CMA evolution strategy: a tutorial", with its symbols and equation
numbers; Hansen 2011, "Injecting external solutions into CMA-ES", since the points of a generation
are not all drawn from one distribution here; Hamano et al. 2022, "CMA-ES with margin", for whole
numbers.
"""

from dataclasses import dataclass, replace

import numpy as np
import scipy  # its parts are imported when first used

from reeltune.domain.arrays import Floats
from reeltune.domain.space import Space

MIN_SIGMA = 0.005


@dataclass(frozen=True, eq=False)
class CmaDistribution:
    """Normal distribution over the cube, and the two evolution paths of its mean."""

    mean: Floats  # (D,)
    sigma: float  # step size
    C: Floats  # (D, D) covariance in units of sigma squared
    p_c: Floats  # (D,) evolution path of the mean, in units of sigma
    p_sigma: Floats  # (D,) the same in the coordinates in which C is the identity
    generation: int = 0

    @classmethod
    def around(cls, mean: Floats, sigma: float) -> "CmaDistribution":
        """Return the isotropic distribution around `mean` (D,)."""
        zeros = np.zeros_like(mean)
        return cls(mean, sigma, np.eye(len(mean)), zeros, zeros)

    def draw(self, rng: np.random.Generator) -> Floats:
        """Return a point (D,), not always within the cube; equations 38 to 40."""
        scales, axes = _axes(self.C)
        drawn: Floats = self.mean + self.sigma * (
            axes @ (scales * rng.standard_normal(len(self.mean)))
        )
        return drawn

    def updated(self, points: Floats, values: Floats) -> "CmaDistribution":
        """Return the distribution after a generation of `points` (N, D) worth `values` (N,)."""
        n_axes, rates = len(self.mean), LearningRates.of(len(points), len(self.mean))
        scales, axes = _axes(self.C)
        y = (points - self.mean) / self.sigma  # (N, D)
        z = (y @ axes / scales) @ axes.T  # whitened
        y, z = _clipped(y, z)
        order = np.argsort(-values, kind="stable")
        good = order[: len(rates.weights)]
        y_w = rates.weights @ y[good]  # (D,) equation 41
        z_w = rates.weights @ z[good]

        norm = np.sqrt(rates.c_sigma * (2 - rates.c_sigma) * rates.mu_eff)
        p_sigma = (1 - rates.c_sigma) * self.p_sigma + norm * z_w  # 43
        length = float(np.linalg.norm(p_sigma)) / rates.chi_n
        sigma = self.sigma * np.exp(rates.c_sigma / rates.d_sigma * (length - 1))  # 44
        settled = np.sqrt(1 - (1 - rates.c_sigma) ** (2 * (self.generation + 1)))
        h_sigma = float(length / settled < 1.4 + 2 / (n_axes + 1))
        norm = np.sqrt(rates.c_c * (2 - rates.c_c) * rates.mu_eff)
        p_c = (1 - rates.c_c) * self.p_c + h_sigma * norm * y_w  # 45

        rank_mu = (rates.weights * y[good].T) @ y[good]  # (D, D)
        stalled = (1 - h_sigma) * rates.c_c * (2 - rates.c_c)
        covariance = (1 - rates.c_1 * (1 - stalled) - rates.c_mu) * self.C  # 47
        covariance = covariance + rates.c_1 * np.outer(p_c, p_c) + rates.c_mu * rank_mu
        return replace(
            self,
            mean=np.clip(self.mean + self.sigma * y_w, 0, 1),  # 42
            sigma=float(np.clip(sigma, MIN_SIGMA, 1.0)),
            C=(covariance + covariance.T) / 2,
            p_c=p_c,
            p_sigma=p_sigma,
            generation=self.generation + 1,
        )


@dataclass(frozen=True, slots=True, eq=False)
class LearningRates:
    """Weights and learning rates: the tutorial's defaults, table 1."""

    weights: Floats  # of the better half, the best first
    mu_eff: float  # how many equal weights they are worth
    c_sigma: float
    d_sigma: float  # damping
    c_c: float
    c_1: float  # of the rank-one update
    c_mu: float  # of the rank-mu update
    chi_n: float  # expected length of a standard normal vector

    @classmethod
    def of(cls, n: int, n_axes: int) -> "LearningRates":
        """Return the defaults for generations of `n` points in `n_axes` dimensions."""
        half = max(1, n // 2)
        raw = np.log((n + 1) / 2) - np.log(np.arange(half) + 1)
        weights = raw / raw.sum() if raw.sum() > 0 else np.ones(1)
        mu_eff = float(1 / (weights**2).sum())
        c_sigma = (mu_eff + 2) / (n_axes + mu_eff + 5)
        c_1 = 2 / ((n_axes + 1.3) ** 2 + mu_eff)
        return cls(
            weights=weights,
            mu_eff=mu_eff,
            c_sigma=c_sigma,
            d_sigma=1 + 2 * max(0.0, np.sqrt((mu_eff - 1) / (n_axes + 1)) - 1) + c_sigma,
            c_c=(4 + mu_eff / n_axes) / (n_axes + 4 + 2 * mu_eff / n_axes),
            c_1=c_1,
            c_mu=min(1 - c_1, 2 * (mu_eff - 2 + 1 / mu_eff) / ((n_axes + 2) ** 2 + mu_eff)),
            chi_n=float(np.sqrt(n_axes) * (1 - 1 / (4 * n_axes) + 1 / (21 * n_axes**2))),
        )


def with_margin(
    distribution: CmaDistribution, space: Space, n: int, choices: Floats | None = None
) -> CmaDistribution:
    """Return it wide enough to leave the cell its mean lies in along every axis of cells.

    It is over the axes of numbers; those of categories, if there are any, lie at `choices`.

    Without it, an axis of whole numbers is lost as soon as a generation agrees on one. Source:
    Hamano et al. 2022, equations 5 to 13, with the widening kept in the covariance.
    """
    numbers = space.n_choices == 0
    point = np.empty(len(numbers))
    point[numbers] = distribution.mean
    point[~numbers] = 0.5 if choices is None else choices
    cells = space.cells(space.decode(point))[numbers]
    mean, scales = distribution.mean.copy(), np.ones(len(distribution.mean))
    least = 1 / (n * len(mean))  # chance of another cell, at least
    deviations = distribution.sigma * np.sqrt(np.diag(distribution.C))
    for axis, (low, high) in enumerate(cells.tolist()):
        if low == high or (low, high) == (0, 1):
            continue
        mean[axis], deviation = _widened(
            float(mean[axis]), float(deviations[axis]), (low, high), least
        )
        scales[axis] = deviation / deviations[axis]
    return replace(distribution, mean=mean, C=distribution.C * np.outer(scales, scales))


def _widened(
    mean: float, deviation: float, cell: tuple[float, float], least: float
) -> tuple[float, float]:
    """Return a mean and deviation with which a draw may leave the mean's cell of the axis."""
    low, high = cell
    if low == 0 or high == 1:
        edge = high if low == 0 else low
        most = -float(scipy.special.ndtri(least)) * deviation  # from the edge
        return edge + float(np.clip(mean - edge, -most, most)), deviation
    below, above = (
        scipy.special.ndtr((low - mean) / deviation),
        scipy.special.ndtr((mean - high) / deviation),
    )
    inside = 1 - below - above
    at_least = [max(least / 2, chance) for chance in (below, above)]
    excess = 1 - sum(at_least) - inside
    free = sum(at_least) + inside - 3 * least / 2
    below, above = (chance + excess / free * (chance - least / 2) for chance in at_least)
    to_low, to_high = -float(scipy.special.ndtri(below)), -float(scipy.special.ndtri(above))
    deviation = (high - low) / (to_low + to_high)
    return low + to_low * deviation, deviation


def _axes(covariance: Floats) -> tuple[Floats, Floats]:
    """Return deviations (D,) and directions (D, D), in columns, of a covariance."""
    squares, axes = np.linalg.eigh(covariance)
    return np.sqrt(np.maximum(squares, 1e-12)), axes


def _clipped(y: Floats, z: Floats) -> tuple[Floats, Floats]:
    """Return both (N, D), none longer than a draw may be; Hansen 2011, equations 5 and 6."""
    n_axes = y.shape[1]
    most = np.sqrt(n_axes) + 2 * n_axes / (n_axes + 2)
    lengths = np.linalg.norm(z, axis=1, keepdims=True)
    factors = np.minimum(1.0, most / np.maximum(lengths, 1e-12))
    return y * factors, z * factors
