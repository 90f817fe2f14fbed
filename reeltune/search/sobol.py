"""Quasi-random search: points that fill the cube evenly, however many there are."""

import numpy as np

from reeltune.domain.arrays import Floats
from reeltune.search.strategy import Problem, Proposal


class Sobol:
    """Scrambled Sobol' sequence, point by point.

    Source: Owen 1998, "Scrambling Sobol' and Niederreiter-Xing points"; as SciPy does it.
    """

    name = "sobol"
    is_adaptive = False

    def propose(self, problem: Problem) -> Proposal | None:
        """Return the sequence's point for this number; any point where that was tried before."""
        n_axes = len(problem.space.dimensions)
        if n_axes == 0:
            return None
        if problem.attempt:
            point = problem.generator().random(n_axes)
        else:
            point = sobol_point(n_axes, problem.seed, max(1, problem.number))
        return Proposal(problem.space.decode(point), "explore")


def sobol_point(n_axes: int, seed: int, place: int) -> Floats:
    """Return the point (D,) at a place, from 0, of the scrambled sequence of a seed."""
    from scipy.stats import qmc  # half a second, only where it is used

    sequence = qmc.Sobol(n_axes, rng=np.random.default_rng(seed))
    if place > 0:  # SciPy cannot skip none: it counts one less, without a sign
        sequence.fast_forward(place)
    point: Floats = sequence.random(1)[0]
    return point
