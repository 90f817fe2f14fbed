"""Predicted stars as a mean, biases, and products of vectors: what several models end in."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from reeltune.components.learned_component import ArrayFields
from reeltune.components.rating_predictor import StarPlanes, within_scale
from reeltune.domain.arrays import Floats, Floats32, Ints


@dataclass(frozen=True, eq=False)
class DotProduct(ArrayFields):
    """Mean of all ratings, biases, and products of the vectors of users and movies."""

    name: ClassVar[str]

    mean: Floats  # (1,)
    user_biases: Floats32  # (U,)
    movie_biases: Floats32  # (M,)
    user_vectors: Floats32  # (U, k)
    movie_vectors: Floats32  # (M, k)

    def score(self, users: Ints) -> StarPlanes:
        """Return the stars, (U, M)."""
        vectors = self.movie_vectors.astype(np.float64)
        rows = [vectors @ self.user_vectors[u].astype(np.float64) for u in users]
        products = np.array(rows).reshape(len(users), len(vectors))
        biases = self.user_biases[users, None].astype(np.float64) + self.movie_biases
        return {self.name: (self.mean + biases + products).astype(np.float32)}

    def predict(self, users: Ints, movies: Ints) -> Floats:
        """Return the stars of pairs, (N,)."""
        u, m = self.user_vectors[users], self.movie_vectors[movies]
        products = (u.astype(np.float64) * m).sum(axis=1)
        biases = self.user_biases[users].astype(np.float64) + self.movie_biases[movies]
        return within_scale(self.mean + biases + products)
