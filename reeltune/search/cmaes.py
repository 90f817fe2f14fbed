"""Covariance matrix adaptation: a normal distribution that adapts to the better results.

Source: Hansen 2016, "The CMA evolution strategy: a tutorial"; `cma_distribution` says more.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from reeltune.domain.arrays import Floats
from reeltune.domain.space import Space
from reeltune.search.choices import Shares
from reeltune.search.cma_distribution import CmaDistribution, with_margin
from reeltune.search.strategy import Problem, Proposal, Trial

FIRST_STEP, WARM_STEP = 0.25, 0.15  # deviation along an axis of the cube, without and with history
MAX_REDRAWS = 20  # draws around the mean that were all tried before
GENERATION = 6  # results after which the distribution is updated: few, since experiments are


@dataclass(frozen=True)
class CovarianceAdaptation:
    """CMA-ES, replayed from the run's results for each proposal.

    Every `GENERATION` results, in the order of their numbers, update the distribution once,
    whoever proposed them. It begins around the best that earlier runs found, or around the current
    configuration. Categories have no place in it: each has shares of its choices, updated by the
    same generations.
    """

    name: str = "cmaes"
    is_adaptive: bool = True

    def propose(self, problem: Problem) -> Proposal | None:
        """Return a draw from the distribution, folded back into the cube."""
        space, rng = problem.space, problem.generator()
        n_axes = len(space.dimensions)
        if n_axes == 0:
            return None
        if problem.attempt > MAX_REDRAWS:
            return Proposal(space.decode(rng.random(n_axes)), "explore")
        results = problem.results()
        start, step = _start(problem, [t for t in results if t.number is None])
        numbers = space.n_choices == 0
        distribution = CmaDistribution.around(start[numbers], step)
        shares = Shares.around(start[~numbers], space.n_choices[~numbers])
        n_generations = 0
        for points, values in _generations(space, results):
            shares = shares.updated(points[:, ~numbers], values)
            if numbers.any():
                updated = distribution.updated(points[:, numbers], values)
                distribution = with_margin(updated, space, GENERATION, shares.modes)
            n_generations += 1
        point = np.empty(n_axes)
        point[numbers] = 1 - np.abs(1 - np.abs(distribution.draw(rng)) % 2)
        point[~numbers] = shares.draw(rng)
        return Proposal(space.decode(point), "exploit" if n_generations else "initial")


def _start(problem: Problem, earlier: list[Trial]) -> tuple[Floats, float]:
    """Return the best of `earlier` results, or the current configuration where there are none.

    As a point (D,) of the cube, with the deviation to begin with.
    """
    best = max(earlier, key=lambda t: t.value or 0.0, default=None)
    start = problem.current if best is None else best.configuration
    return problem.space.encode(start), FIRST_STEP if best is None else WARM_STEP


def _generations(space: Space, results: list[Trial]) -> Iterator[tuple[Floats, Floats]]:
    """Yield the run's candidates in the order of their numbers, a full generation at a time.

    Of those that failed, the nearer to the best result so far is worth more: so the distribution
    goes back to where something did not.
    """
    own = sorted(((t.number, t) for t in results if t.number), key=lambda pair: pair[0])
    known = [t for t in results if not t.number and not t.failed]
    best = max(known, key=lambda t: t.value or 0.0, default=None)
    for start in range(0, len(own) - GENERATION + 1, GENERATION):
        trials = [t for _, t in own[start : start + GENERATION]]
        points = np.array([space.encode(t.configuration) for t in trials])
        values = np.array([t.value for t in trials], dtype=np.float64)
        worked = [t for t in (best, *trials) if t is not None and not t.failed]
        best = max(worked, key=lambda t: t.value or 0.0, default=None)
        if best is not None:
            off = np.linalg.norm(points - space.encode(best.configuration), axis=1)
            values -= off * [t.failed for t in trials]
        yield points, values
