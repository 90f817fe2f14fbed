"""Matrix factorization: biases, and products of vectors of users and movies.

Source: Koren, Bell and Volinsky 2009, "Matrix factorization techniques for recommender systems".
"""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self

import numpy as np

from reeltune.components.biased_means import BIAS_PRIOR, Biases
from reeltune.components.dot_product import DotProduct
from reeltune.components.learned_component import History
from reeltune.components.rating_predictor import rated_by
from reeltune.components.torch_training import (
    FIRST_SEED,
    TrainingRatings,
    check_torch,
    chosen_device,
    small_random,
)
from reeltune.domain.arrays import Bools, Floats, Floats32
from reeltune.domain.parameters import FloatParameter, Hyperparameter, IntParameter
from reeltune.domain.space import Configuration

N_FACTORS = IntParameter(
    name="factorization_factors",
    default=32,
    low=4,
    high=256,
    log=True,
    meaning="length of the vectors of users and movies",
)
FACTOR_PENALTY = FloatParameter(
    name="factorization_penalty",
    default=0.03,
    low=1e-3,
    high=1.0,
    log=True,
    meaning="penalty on the squared vectors and biases of a rating",
)
FACTOR_RATE = FloatParameter(
    name="factorization_learning_rate",
    default=1e-3,
    low=1e-4,
    high=3e-2,
    log=True,
    meaning="learning rate of Adam at first",
)


@dataclass(frozen=True, eq=False)
class Factorization(DotProduct):
    """Mean, biases, and products of vectors; of who has no ratings, they are 0."""

    name: ClassVar[str] = "factorization"
    hyperparameters: ClassVar[tuple[Hyperparameter, ...]] = (N_FACTORS, FACTOR_PENALTY, FACTOR_RATE)
    planes: ClassVar[tuple[str, ...]] = ("factorization",)

    @classmethod
    def fit(cls, history: History, values: Configuration, checkpoint: Path | None = None) -> Self:
        """Train on all ratings but one in 20, by which the monitor goes."""
        check_torch()
        from reeltune.components.factorization_training import trained_factors

        table, n_factors = history.ratings, int(values[N_FACTORS.name])
        biases = Biases.of(table, BIAS_PRIOR, BIAS_PRIOR)
        first = (
            biases.users,
            biases.movies,
            small_random(table.n_users, n_factors, FIRST_SEED),
            small_random(table.n_movies, n_factors, FIRST_SEED + 1),
        )
        device = chosen_device()
        found = (
            trained_factors(
                TrainingRatings.of(table, device),
                biases.mean,
                first,
                device,
                rate=float(values[FACTOR_RATE.name]),
                penalty=float(values[FACTOR_PENALTY.name]),
                checkpoint=checkpoint,
            )
            if len(table)
            else first
        )
        known_users, known_movies = rated_by(table)
        return cls(
            mean=np.array([biases.mean]),
            user_biases=_cleared(found[0], known_users),
            movie_biases=_cleared(found[1], known_movies),
            user_vectors=_cleared(found[2], known_users[:, None]),
            movie_vectors=_cleared(found[3], known_movies[:, None]),
            penalty=np.array([float(values[FACTOR_PENALTY.name])]),
        )


def _cleared(values: Floats, known: Bools) -> Floats32:
    """Return the values of those known, and 0 of others: these are what they were at random."""
    return np.where(known, values, 0.0).astype(np.float32)
