"""Tree-structured Parzen estimator: propose what looks like the good and unlike the others.

Its cost hardly grows with the history, so that it is the one for thousands of experiments.
Source: Bergstra et al. 2011, "Algorithms for hyper-parameter optimization", section 4.
"""

import numpy as np

from reeltune.domain.arrays import Floats
from reeltune.search.feasibility import best_first
from reeltune.search.feature_map import Features
from reeltune.search.parzen import draw_candidates, log_density
from reeltune.search.strategy import Problem, Proposal, Trial

N_RANDOM = 10  # results before densities are compared
GOOD_SHARE, MAX_GOOD = 0.1, 25
MAX_OTHERS = 60
N_CANDIDATES = 64


class TreeParzenEstimator:
    """Candidate of the highest ratio of densities: of good results to that of the others.

    Configurations being tried count as others, so that a batch spreads out.
    """

    name = "tpe"
    is_adaptive = True

    def propose(self, problem: Problem) -> Proposal | None:
        """Return the valid configuration of the highest ratio that was not tried."""
        space, rng = problem.space, problem.generator()
        n_axes = len(space.dimensions)
        if n_axes == 0:
            return None
        finished = problem.results()
        if len(finished) < N_RANDOM or problem.attempt:
            return Proposal(space.decode(rng.random(n_axes)), "initial")
        good, others = _split(finished, problem.open_trials())
        candidates = draw_candidates(space, [t.configuration for t in good], N_CANDIDATES, rng)
        features = Features(space)
        worth = _log_density(features, candidates, good) - _log_density(
            features, candidates, others
        )
        for place in np.argsort(-worth, kind="stable"):
            configuration = problem.complete(space.decode(candidates[place]))
            if problem.is_new(configuration):
                return Proposal(configuration, "exploit")
        return Proposal(space.decode(rng.random(n_axes)), "explore")


def _split(finished: list[Trial], pending: list[Trial]) -> tuple[list[Trial], list[Trial]]:
    """Return the good results, best first, and of all others an even choice."""
    order = best_first(finished).tolist()
    n_good = max(2, min(MAX_GOOD, round(GOOD_SHARE * len(finished))))
    rest = order[n_good:]
    places = np.linspace(0, len(rest) - 1, min(MAX_OTHERS, len(rest))).astype(int)
    good = [finished[k] for k in order[:n_good]]
    return good, [finished[rest[k]] for k in places] + pending[-MAX_OTHERS:]


def _log_density(features: Features, candidates: Floats, trials: list[Trial]) -> Floats:
    """Return (N,) the log density at points (N, D) of the cube, of a mixture around `trials`."""
    configurations = [t.configuration for t in trials]
    points, centres = features.of_points(candidates), features.of_configurations(configurations)
    if features.space.is_conditional:
        active = features.active_at(candidates), features.active_in(configurations)
    else:
        active = None
    return log_density(points, centres, features.categories, active)
