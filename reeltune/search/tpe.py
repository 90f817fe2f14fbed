"""Tree-structured Parzen estimator: propose what looks like the good and unlike the others.

Its cost hardly grows with the history, so that it is the one for thousands of experiments.
Source: Bergstra et al. 2011, "Algorithms for hyper-parameter optimization", section 4.
"""

import numpy as np

from reeltune.domain.arrays import Floats
from reeltune.search.feature_map import Features
from reeltune.search.strategy import Problem, Proposal, Trial

N_INITIAL = 10  # results before densities are compared
GOOD_SHARE, MOST_GOOD = 0.1, 25
MOST_OTHERS = 60
N_CANDIDATES = 64
MOST_NARROWED = 30  # kernels at n points are at least 1 / (1 + n) wide, up to this n


class TreeParzenEstimator:
    """The candidate of the highest ratio of densities: of good results to that of the others.

    Configurations being tried count as others, so that a batch spreads out.
    """

    name = "tpe"
    is_adaptive = True

    def propose(self, problem: Problem) -> Proposal | None:
        """The valid configuration of the highest ratio that was not tried."""
        space, rng = problem.space, problem.generator()
        n_axes = len(space.dimensions)
        if n_axes == 0:
            return None
        finished = problem.results()
        if len(finished) < N_INITIAL or problem.attempt:
            return Proposal(space.decode(rng.random(n_axes)), "initial")
        good, others = _split(finished, problem.open_trials())
        centres = np.array([space.encode(t.configuration) for t in good])
        candidates = _candidates(centres, rng)
        features = Features(space)
        points = features.of_points(candidates)
        near = features.of_configurations([t.configuration for t in good])
        far = features.of_configurations([t.configuration for t in others])
        worth = _log_density(points, near) - _log_density(points, far)
        for place in np.argsort(-worth, kind="stable"):
            configuration = problem.complete(space.decode(candidates[place]))
            if problem.is_new(configuration):
                return Proposal(configuration, "exploit")
        return Proposal(space.decode(rng.random(n_axes)), "explore")


def _split(finished: list[Trial], pending: list[Trial]) -> tuple[list[Trial], list[Trial]]:
    """The good results, best first, and of all others an even choice."""
    order = np.argsort([-(t.value or 0.0) for t in finished], kind="stable").tolist()
    n_good = max(2, min(MOST_GOOD, round(GOOD_SHARE * len(finished))))
    rest = order[n_good:]
    places = np.linspace(0, len(rest) - 1, min(MOST_OTHERS, len(rest))).astype(int)
    good = [finished[k] for k in order[:n_good]]
    return good, [finished[rest[k]] for k in places] + pending[-MOST_OTHERS:]


def _candidates(centres: Floats, rng: np.random.Generator) -> Floats:
    """Draws (N, D): each axis from a kernel at any of the good points (G, D)."""
    n, n_axes = centres.shape
    chosen = centres[rng.integers(n, size=(N_CANDIDATES, n_axes)), np.arange(n_axes)]  # (N, D)
    drawn: Floats = chosen + _widths(centres) * rng.standard_normal(chosen.shape)
    reflected: Floats = 1 - np.abs(1 - np.abs(drawn) % 2)  # at the bounds
    return reflected


def _widths(centres: Floats) -> Floats:
    """(F,) width of the kernels at `centres` (M, F): Scott's rule, but not too narrow for so few.

    Source: Scott 1992, "Multivariate density estimation", equation 6.42; Bergstra et al. 2011,
    section 4, for the least width.
    """
    n = len(centres)
    widths: Floats = np.maximum(centres.std(axis=0) * n**-0.2, 1 / (1 + min(n, MOST_NARROWED)))
    return widths


def _log_density(points: Floats, centres: Floats) -> Floats:
    """(N,) sum over features of the log of a mixture of kernels at `centres` (M, F) and a uniform.

    The uniform part keeps a feature that was seen in few places from deciding alone.
    """
    n, widths = len(centres), _widths(centres)
    z = (points[:, None] - centres) / widths  # (N, M, F)
    kernels = np.exp(-0.5 * z * z).sum(axis=1) / (widths * np.sqrt(2 * np.pi))  # (N, F)
    density: Floats = np.log((kernels + 1) / (n + 1)).sum(axis=1)
    return density
