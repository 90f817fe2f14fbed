"""Predicted stars as a mean, biases, and products of vectors: what several models end in."""

from dataclasses import dataclass, replace
from typing import ClassVar, Self

import numpy as np

from reeltune.components.learned_component import ArrayFields, History
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
    penalty: Floats  # (1,) on the squares of what belongs to a rating

    def score(self, users: Ints) -> StarPlanes:
        """Return the stars, (U, M)."""
        vectors = self.movie_vectors.astype(np.float64)
        rows = [vectors @ self.user_vectors[u].astype(np.float64) for u in users]
        products = np.array(rows).reshape(len(users), len(vectors))
        biases = self.user_biases[users, None].astype(np.float64) + self.movie_biases
        return {self.name: (self.mean + biases + products).astype(np.float32)}

    def fold_in(self, history: History) -> Self:
        """Return the model for the users of `history`, with the vectors of movies as they are.

        A user's bias and vector are the ridge regression of the own ratings on the movies' vectors.
        Source: Koren, Bell and Volinsky 2009, alternating least squares.
        """
        table = history.ratings
        vectors = np.zeros((table.n_users, 1 + self.movie_vectors.shape[1]))
        stars = table.ratings.astype(np.float64) - self.mean - self.movie_biases[table.movies]
        for user in np.flatnonzero(np.diff(table.starts)):
            rows = slice(table.starts[user], table.starts[user + 1])
            own = self.movie_vectors[table.movies[rows]].astype(np.float64)
            x = np.column_stack([np.ones(len(own)), own])
            gram = x.T @ x
            gram[np.diag_indices(len(gram))] += max(float(self.penalty[0]), 1e-9) * len(own)
            vectors[user] = np.linalg.solve(gram, x.T @ stars[rows])
        found = vectors.astype(np.float32)
        return replace(self, user_biases=found[:, 0], user_vectors=found[:, 1:])

    def predict(self, users: Ints, movies: Ints) -> Floats:
        """Return the stars of pairs, (N,)."""
        u, m = self.user_vectors[users], self.movie_vectors[movies]
        products = (u.astype(np.float64) * m).sum(axis=1)
        biases = self.user_biases[users].astype(np.float64) + self.movie_biases[movies]
        return within_scale(self.mean + biases + products)
