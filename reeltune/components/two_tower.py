"""Two-tower network: a vector of each user and of each movie, from an embedding and features.

Source: Yi et al. 2019, "Sampling-bias-corrected neural modeling for large corpus item
recommendations", with squared errors of stars as the loss.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
import scipy  # its parts are imported when first used

from reeltune.components.biased_means import BIAS_PRIOR, Biases
from reeltune.components.dot_product import DotProduct
from reeltune.components.learned_component import History
from reeltune.components.pair_features import movie_features
from reeltune.components.torch_training import TrainingRatings, check_torch, chosen_device
from reeltune.domain.arrays import Floats
from reeltune.domain.parameters import FloatParameter, Hyperparameter, IntParameter
from reeltune.domain.space import Configuration

N_LOG = 5.0  # logarithms of numbers of ratings are divided by it

TOWER_WIDTH = IntParameter(
    name="tower_width",
    default=32,
    low=4,
    high=128,
    log=True,
    meaning="length of the vectors, of the embeddings, and of the hidden layers",
)
TOWER_PENALTY = FloatParameter(
    name="tower_penalty",
    default=0.01,
    low=1e-3,
    high=1.0,
    log=True,
    meaning="penalty on the squared vectors, embeddings and biases of a rating",
)
TOWER_RATE = FloatParameter(
    name="tower_learning_rate",
    default=1e-3,
    low=1e-4,
    high=3e-2,
    log=True,
    meaning="learning rate of Adam at first",
)


@dataclass(frozen=True, eq=False)
class TwoTower(DotProduct):
    """Products of what two networks make of users and movies, with biases.

    A movie without ratings has the vector that its genres and its year make.
    """

    name: ClassVar[str] = "two_tower"
    hyperparameters: ClassVar[tuple[Hyperparameter, ...]] = (TOWER_WIDTH, TOWER_PENALTY, TOWER_RATE)
    planes: ClassVar[tuple[str, ...]] = ("two_tower",)

    @classmethod
    def fit(cls, history: History, values: Configuration, checkpoint: Path | None = None) -> Self:
        """Train on all ratings but one in 20, by which the monitor goes."""
        check_torch()
        from reeltune.components.two_tower_training import trained_towers

        table = history.ratings
        biases = Biases.of(table, BIAS_PRIOR, BIAS_PRIOR)
        device = chosen_device()
        found = trained_towers(
            TrainingRatings.of(table, device),
            biases,
            tower_features(history),
            device,
            width=int(values[TOWER_WIDTH.name]),
            rate=float(values[TOWER_RATE.name]),
            penalty=float(values[TOWER_PENALTY.name]),
            checkpoint=checkpoint,
        )
        parts = [each.astype(np.float32) for each in found]
        return cls(
            mean=np.array([biases.mean]),
            user_biases=parts[0],
            movie_biases=parts[1],
            user_vectors=parts[2],
            movie_vectors=parts[3],
            penalty=np.array([float(values[TOWER_PENALTY.name])]),
        )


def tower_features(history: History) -> tuple[Floats, Floats]:
    """Return features of users (U, F) and movies (M, F): how many ratings, years and genres.

    Those of a user are means over the movies that the user has rated, however many stars.
    """
    table = history.ratings
    movie = movie_features(history.catalogue).astype(np.float64)
    shape = (table.n_users, table.n_movies)
    rated = scipy.sparse.csr_array((np.ones(len(table)), table.movies, table.starts), shape)
    n_of_users = np.diff(table.starts)
    n_of_movies = np.bincount(table.movies, minlength=table.n_movies)
    user = (rated @ movie) / np.maximum(n_of_users, 1)[:, None]
    return (
        np.column_stack([np.log1p(n_of_users) / N_LOG, user]),
        np.column_stack([np.log1p(n_of_movies) / N_LOG, movie]),
    )
