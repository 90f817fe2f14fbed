"""Linear autoencoder in closed form: which movie goes with which, by the smaller Gram matrix.

Source: Steck 2019, "Embarrassingly shallow autoencoders for sparse data"; the inverse by way of
users by the identity of Woodbury 1950.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
import scipy  # its parts are imported when first used

from reeltune.components.compiled_loops import product_loops
from reeltune.components.interactions import Interactions
from reeltune.domain.arrays import AnyArray, Floats, Floats32, Ints


@dataclass(frozen=True, eq=False)
class LinearAutoencoder:
    """EASE as the inverse of the smaller Gram matrix, of movies or of users.

    With X the interactions, P = (X'X + ridge I)^-1 and B = I - P / diag P, a user's scores are
    those of the own interactions times B. Where users are fewer than movies, P follows from
    K = (XX' + ridge I)^-1, as P = (I - X'KX) / ridge.
    """

    interactions: Interactions  # X
    inverse: Floats  # K (U, U), or P (m, m) of the movies `kept`
    kept: Ints  # (m,) positions of movies; none where `inverse` is of users
    ridge: float

    @classmethod
    def fit(cls, interactions: Interactions, ridge: float) -> Self:
        """Invert the Gram matrix of movies with interactions, or of users where they are fewer."""
        gram = interactions.gram.copy()
        gram[np.diag_indices(len(gram))] += ridge
        return cls(interactions, _inverse(gram), interactions.kept, ridge)

    def score(self, given: Interactions, users: Ints) -> Floats32:
        """Return (u, M) scores of `users` (u,) by the interactions `given`."""
        loops = product_loops()
        if len(self.kept):
            found = np.zeros((len(users), given.n_movies), dtype=np.float32)
            some = given.among(self.kept)
            found[:, self.kept] = loops.times_rows(
                users, some.starts, some.movies, some.values, self._weights
            )
            return found
        x = self.interactions
        columns = (x.column_starts, x.column_users, x.column_values)
        rows = (users, given.starts, given.movies, given.values)
        if given is x:  # XX'K = I - ridge K
            alike = -self.ridge * self.inverse[users]
            alike[np.arange(len(users)), users] += 1
        else:
            alike = loops.times_dense(
                loops.shared_strength(*rows, *columns, len(self.inverse)), self.inverse
            )
        scores: Floats32 = loops.times_columns(alike, *columns)
        loops.less_rows(scores, *rows, 1 / (self.ridge * self._diagonal))
        return scores

    def arrays(self) -> dict[str, AnyArray]:
        """Return the interactions and the inverse, for storage."""
        return self.interactions.arrays() | {
            "inverse": self.inverse,
            "kept": self.kept,
            "ridge": np.array([self.ridge]),
        }

    @classmethod
    def load(cls, arrays: Mapping[str, AnyArray]) -> Self:
        """Return what `arrays` are of."""
        return cls(
            interactions=Interactions.load(arrays),
            inverse=arrays["inverse"].astype(np.float64),
            kept=arrays["kept"].astype(np.int64),
            ridge=float(arrays["ridge"].astype(np.float64)[0]),
        )

    @cached_property
    def _diagonal(self) -> Floats:
        """Diagonal of P, (M,), where the inverse is of users."""
        x = self.interactions
        explained: Floats = product_loops().quadratic_columns(
            self.inverse, x.column_starts, x.column_users, x.column_values
        )
        diagonal: Floats = (1 - explained) / self.ridge
        return diagonal

    @cached_property
    def _weights(self) -> Floats32:
        """B, (m, m), where the inverse is of movies."""
        weights = (self.inverse / -np.diag(self.inverse)).astype(np.float32)
        weights[np.diag_indices(len(weights))] = 0
        return weights


def _inverse(gram: Floats) -> Floats:
    """Return the inverse of a positive definite matrix, which is overwritten."""
    factor, _ = scipy.linalg.lapack.dpotrf(gram, overwrite_a=True)
    upper, _ = scipy.linalg.lapack.dpotri(factor, overwrite_c=True)
    inverse: Floats = np.triu(upper)
    inverse += np.triu(inverse, 1).T
    return inverse
