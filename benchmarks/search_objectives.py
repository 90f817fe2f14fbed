"""Objectives that the search benchmark maximises; their values without noise are known."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from benchmarks.search_world import RECOMMENDER, recommender_value, world_of_tastes
from reeltune.domain.arrays import Floats
from reeltune.domain.space import Configuration, Hyperparameter, Single, Space

REFERENCE_SEEDS = range(10_000, 10_200)  # of random search; far from those that are reported
REFERENCE_EXPERIMENTS = 10


@dataclass(frozen=True, eq=False)
class Objective:
    """Function of configurations, more is better."""

    name: str
    space: Space
    value: Callable[[Configuration], float]  # without noise
    optimum: float  # highest value there is, or the highest that a long search found
    noise_share: float = 0.01  # standard deviation of the noise, as a share of `scale`
    deployed: Configuration | None = None  # what every search begins with; None: drawn by its seed
    guesses: Callable[[int], Sequence[Configuration]] | None = None  # a surrogate's, by the seed
    reference_seeds: range = REFERENCE_SEEDS

    def random(self, rng: np.random.Generator) -> Configuration:
        """Any valid configuration, with equal chance."""
        return self.space.decode(rng.random(len(self.space.dimensions)))

    def first(self, seed: int) -> Configuration:
        """Return what a search with that seed begins with."""
        return self.deployed or self.random(np.random.default_rng([seed, 0]))

    @cache  # noqa: B019 - objectives live as long as the program
    def scale(self) -> float:
        """From what random search has after 10 experiments, at the median, to the optimum."""
        bests = [self._random_best(seed) for seed in self.reference_seeds]
        return self.optimum - float(np.median(bests))

    def _random_best(self, seed: int) -> float:
        rng = np.random.default_rng(seed)
        return max(self.value(self.random(rng)) for _ in range(REFERENCE_EXPERIMENTS))


def _box(n: int, low: float, high: float) -> Space:
    """`n` numbers that do not depend on each other."""
    return Space(
        tuple(
            Single(
                Hyperparameter(
                    name=f"x{k}", default=(low + high) / 2, low=low, high=high, meaning="a number"
                )
            )
            for k in range(n)
        )
    )


def _of_vector(function: Callable[[Floats], float]) -> Callable[[Configuration], float]:
    """`function` of the configuration's values in order, negated: it is to be minimised."""
    return lambda configuration: -function(np.array(list(configuration.values()), dtype=float))


_HARTMANN_ALPHA = np.array([1.0, 1.2, 3.0, 3.2])
_HARTMANN_A = np.array(
    [
        [10, 3, 17, 3.5, 1.7, 8],
        [0.05, 10, 17, 0.1, 8, 14],
        [3, 3.5, 1.7, 10, 17, 8],
        [17, 8, 0.05, 10, 0.1, 14],
    ]
)
_HARTMANN_P = 1e-4 * np.array(
    [
        [1312, 1696, 5569, 124, 8283, 5886],
        [2329, 4135, 8307, 3736, 1004, 9991],
        [2348, 1451, 3522, 2883, 3047, 6650],
        [4047, 8828, 8732, 5743, 1091, 381],
    ]
)


def hartmann(x: Floats) -> float:
    """Four narrow hollows in six dimensions; least -3.32237.

    Source: Surjanovic and Bingham, "Virtual library of simulation experiments", as all below.
    """
    return -float(_HARTMANN_ALPHA @ np.exp(-np.sum(_HARTMANN_A * (x - _HARTMANN_P) ** 2, axis=1)))


def ackley(x: Floats) -> float:
    """Many hollows on a wide funnel; least 0 where all are 0."""
    funnel = -20 * np.exp(-0.2 * np.sqrt(np.mean(x**2)))
    return float(funnel - np.exp(np.mean(np.cos(2 * np.pi * x))) + 20 + np.e)


def levy(x: Floats) -> float:
    """Waves on a bowl; least 0 where all are 1."""
    w = 1 + (x - 1) / 4
    middle = np.sum((w[:-1] - 1) ** 2 * (1 + 10 * np.sin(np.pi * w[:-1] + 1) ** 2))
    last = (w[-1] - 1) ** 2 * (1 + np.sin(2 * np.pi * w[-1]) ** 2)
    return float(np.sin(np.pi * w[0]) ** 2 + middle + last)


def rosenbrock(x: Floats) -> float:
    """Return the value in a bent valley with a flat floor; least 0 where all are 1."""
    return float(np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2))


# Worlds of other tastes, and the highest value that a random climb from the true tastes found.
TASTES = {301: 0.7562, 302: 0.8637}


def _of_tastes(seed: int, optimum: float) -> Objective:
    return Objective(
        f"tastes{seed}",
        RECOMMENDER,
        lambda configuration: world_of_tastes(seed).accuracy(configuration),
        optimum,
        noise_share=0.03,
    )


# Ackley, Levy and Rosenbrock in [-5, 10] as in Eriksson et al. 2019 ("Scalable global optimization
# via local Bayesian optimization"): their optima are not in the middle, where designs look first.
OBJECTIVES = {
    objective.name: objective
    for objective in (
        Objective("recommender19", RECOMMENDER, recommender_value, 0.8711, noise_share=0.03),
        *(_of_tastes(seed, best) for seed, best in TASTES.items()),
        Objective("hartmann6", _box(6, 0, 1), _of_vector(hartmann), 3.32237),
        Objective("ackley10", _box(10, -5, 10), _of_vector(ackley), 0.0),
        Objective("levy8", _box(8, -5, 10), _of_vector(levy), 0.0),
        Objective("rosenbrock6", _box(6, -5, 10), _of_vector(rosenbrock), 0.0),
    )
}
