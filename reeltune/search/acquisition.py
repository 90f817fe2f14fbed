"""Acquisition: what a proposal is chosen by, under models of the objective and of constraints."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy  # its parts are imported when first used

from reeltune.domain.arrays import Floats
from reeltune.search.gp_model import GaussianProcess

OPTIMISM = 2.0  # deviations above the mean, by turns with the expected improvement


@dataclass(frozen=True, eq=False)
class ConstraintModel:
    """Model of a constraint, which is kept where it is at most `limit`."""

    process: GaussianProcess
    limit: float

    def log_feasibility(self, points: Floats) -> Floats:
        """Return (M,) the logarithm of the probability that it is kept at `points` (M, F)."""
        mean, deviation = self.process.predict(points)
        found: Floats = scipy.special.log_ndtr((self.limit - mean) / deviation)
        return found


@dataclass(frozen=True, eq=False)
class Acquisition:
    """Worth of trying a point.

    It is the logarithm of the expected improvement on `target`, or mean plus two deviations. Under
    constraints the logarithm of the probability that all are kept is added; as long as nothing is
    known to keep them, it is that probability alone.

    Source: Jones, Schonlau and Welch 1998, "Efficient global optimization of expensive black-box
    functions"; Gelbart, Snoek and Adams 2014, "Bayesian optimization with unknown constraints".
    """

    objective: GaussianProcess
    constraints: Sequence[ConstraintModel]
    target: float | None  # to improve on; None where nothing feasible is known
    by_improvement: bool

    def __call__(self, points: Floats) -> Floats:
        """Return (M,) the worth of `points` (M, F)."""
        feasible = sum(model.log_feasibility(points) for model in self.constraints)
        if self.target is None and self.constraints:
            return np.asarray(feasible, dtype=np.float64)
        mean, deviation = self.objective.predict(points)
        if self.by_improvement:
            worth = log_expected_improvement(mean, deviation, self.target or 0.0)
        else:
            worth = mean + OPTIMISM * deviation
        return worth + feasible if self.constraints else worth


def log_expected_improvement(mean: Floats, deviation: Floats, target: float) -> Floats:
    """Return (N,) logarithm of the expected excess over `target`; Ament et al. 2023, equation 9.

    Source: Ament et al. 2023, "Unexpected improvements to expected improvement".
    """
    z = (mean - target) / deviation
    log_density = -0.5 * z * z - 0.5 * np.log(2 * np.pi)
    direct = np.log(np.maximum(np.exp(log_density) + z * scipy.special.ndtr(z), 1e-300))
    below = np.minimum(z, -1.0)
    ratio = -below * np.sqrt(np.pi / 2) * scipy.special.erfcx(-below / np.sqrt(2))
    tail = np.where(below > -100, np.log(np.maximum(1 - ratio, 1e-300)), -2 * np.log(-below))
    gain: Floats = np.where(z > -1, direct, log_density + tail) + np.log(deviation)
    return gain
