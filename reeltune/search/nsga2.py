"""NSGA-II: what no other result beats in all objectives is crossed and varied.

Source: Deb et al. 2002, "A fast and elitist multiobjective genetic algorithm: NSGA-II". Crossover
and mutation: Deb and Agrawal 1995, "Simulated binary crossover for continuous search space".
"""

import numpy as np

from reeltune.domain.arrays import Floats, Ints
from reeltune.search.choices import redrawn
from reeltune.search.feasibility import violations
from reeltune.search.strategy import Problem, Proposal
from reeltune.stats.pareto import crowding, ranks

N_FIRST_PARENTS = 8  # results before anything is crossed
POPULATION = 8  # best results that are parents
SPREAD = 5.0  # of crossover; more keeps children nearer to their parents
MUTATION = 5.0  # the same of mutation
CROSSED = 0.9  # share of children that are crossed
MAX_CHILDREN = 20  # that were all tried before; then points at random


class NonDominatedSorting:
    """Child of two of the best results known, by tournaments; points at random before.

    Generations are not kept apart, since a proposal must not wait for one: each is drawn from the
    best of all results that are to be seen. Source: Durillo et al. 2009, "On the effect of the
    steady-state selection scheme in multi-objective genetic algorithms".
    """

    name = "nsga2"
    is_adaptive = True

    def propose(self, problem: Problem) -> Proposal | None:
        """Return a child, or a point at random until there are enough results."""
        space, rng = problem.space, problem.generator()
        n_axes = len(space.dimensions)
        if n_axes == 0:
            return None
        known = problem.full_results()
        if len(known) < N_FIRST_PARENTS or problem.attempt > MAX_CHILDREN:
            return Proposal(space.decode(rng.random(n_axes)), "initial")
        chosen, rank, room = survivors(
            np.array([values for _, values in known]), violations([trial for trial, _ in known])
        )
        parents = [_tournament(rank, room, rng) for _ in range(2)]
        points = [space.encode(known[chosen[k]][0].configuration) for k in parents]
        child = _mutated(_crossed(points[0], points[1], space.n_choices, rng), space.n_choices, rng)
        return Proposal(space.decode(child), "exploit")


def survivors(values: Floats, violated: Floats) -> tuple[Ints, Ints, Floats]:
    """Return the `POPULATION` parents among `values` (N, K), their fronts and crowding distances.

    Lower fronts first, and of the last that counts those with the most room. What is feasible
    dominates what is not, and what is not, all that violates more (N,); definition 1 of the source.
    """
    feasible = violated == 0
    rank = np.empty(len(values), dtype=np.int64)
    rank[feasible] = ranks(values[feasible], POPULATION)
    if not feasible.all():
        after = rank[feasible].max(initial=-1) + 1
        rank[~feasible] = after + np.unique(violated[~feasible], return_inverse=True)[1]
    room = np.zeros(len(values))
    for number in np.unique(rank):
        members = np.flatnonzero(rank == number)
        room[members] = crowding(values[members])
    order = np.lexsort((-room, rank))[:POPULATION]
    return order, rank[order], room[order]


def _tournament(rank: Ints, room: Floats, rng: np.random.Generator) -> int:
    """Return of two parents at random the one in the lower front; of equals that with more room."""
    a, b = rng.integers(len(rank), size=2).tolist()
    return int(min((a, b), key=lambda k: (rank[k], -room[k])))


def _crossed(a: Floats, b: Floats, n_choices: Ints, rng: np.random.Generator) -> Floats:
    """Return a child (D,) that lies about the parents as far apart as they do.

    Source: Deb and Agrawal 1995. Of a category it takes the choice of the one or of the other.
    """
    if rng.random() >= CROSSED:
        return a
    u = rng.random(len(a))
    spread = np.where(u < 0.5, 2 * u, 1 / (2 * (1 - u))) ** (1 / (SPREAD + 1))
    side = np.where(rng.random(len(a)) < 0.5, 1.0, -1.0)
    child = 0.5 * (a + b) + side * 0.5 * spread * (a - b)
    child = np.where(n_choices > 0, b, child)
    taken: Floats = np.where(rng.random(len(a)) < 0.5, child, a)
    return np.clip(taken, 0, 1)


def _mutated(point: Floats, n_choices: Ints, rng: np.random.Generator) -> Floats:
    """Return `point` (D,) with one axis in expectation, and at least one, moved in the cube."""
    n_axes = len(point)
    moves = rng.random(n_axes) < 1 / n_axes
    moves[rng.integers(n_axes)] = True
    u = rng.random(n_axes)
    power = 1 / (MUTATION + 1)
    step = np.where(u < 0.5, (2 * u) ** power - 1, 1 - (2 * (1 - u)) ** power)
    return redrawn(np.clip(point + moves * step, 0, 1), point, moves, n_choices, rng)
