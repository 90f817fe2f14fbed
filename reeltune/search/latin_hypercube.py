"""Latin hypercube search: each axis is cut in equal parts, and each part is visited once."""

import numpy as np

from reeltune.search.strategy import Problem, Proposal

BLOCK = 20  # experiments that visit each twentieth of each axis once; then the next block begins


class LatinHypercube:
    """Latin hypercubes of `BLOCK` points, one after the other.

    How many experiments there will be is not known, so that blocks must be small.
    Source: McKay, Beckman and Conover 1979, "A comparison of three methods for selecting values of
    input variables in the analysis of output from a computer code".
    """

    name = "latin-hypercube"
    is_adaptive = False

    def propose(self, problem: Problem) -> Proposal | None:
        """Return the block's point for this number; any point where that was tried before."""
        n_axes = len(problem.space.dimensions)
        if n_axes == 0:
            return None
        if problem.attempt:
            point = problem.generator().random(n_axes)
        else:
            block, place = divmod(max(0, problem.number - 1), BLOCK)
            from scipy.stats import qmc  # half a second, only where it is used

            design = qmc.LatinHypercube(n_axes, rng=np.random.default_rng([problem.seed, block]))
            point = design.random(BLOCK)[place]
        return Proposal(problem.space.decode(point), "explore")
