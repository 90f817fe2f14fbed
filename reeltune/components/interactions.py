"""Interactions: a value for each movie that a user has rated, by users and by movies."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import numpy as np
import scipy  # its parts are imported when first used

from reeltune.components.compiled_loops import product_loops
from reeltune.domain.arrays import AnyArray, Floats, Ints, Ints32
from reeltune.ratings.table import RatingTable

MAX_INVERTED = 8_000  # rows of the matrix that is inverted; beyond it, the most rated movies only


@dataclass(frozen=True, eq=False)
class Interactions:
    """Sparse matrix X of users and movies, (U, M), in compressed rows."""

    starts: Ints  # (U + 1,)
    movies: Ints32  # (N,)
    values: Floats  # (N,)
    n_movies: int  # M

    @classmethod
    def of(cls, ratings: RatingTable, values: Floats) -> Self:
        """Return `values` (N,) of the ratings."""
        return cls(ratings.starts, ratings.movies, values, ratings.n_movies)

    @property
    def n_users(self) -> int:
        """Number of users, also those without interactions: U."""
        return len(self.starts) - 1

    @property
    def column_starts(self) -> Ints:
        """First entry of each movie by columns, and the end of the last one: (M + 1,)."""
        return self._columns[0]

    @property
    def column_users(self) -> Ints32:
        """Users by columns, (N,)."""
        return self._columns[1]

    @property
    def column_values(self) -> Floats:
        """Values by columns, (N,)."""
        return self._columns[2]

    @cached_property
    def kept(self) -> Ints:
        """Movies of the Gram matrix by movies, (m,); none where that by users is smaller."""
        counts = np.diff(self.column_starts)
        n_kept = min(MAX_INVERTED, int(np.count_nonzero(counts)))
        if self.n_users <= n_kept:
            return np.zeros(0, dtype=np.int64)
        return np.sort(np.argsort(-counts, kind="stable")[:n_kept])

    @cached_property
    def gram(self) -> Floats:
        """XX' (U, U), or X'X (m, m) of the movies `kept`."""
        if len(self.kept):
            some = self._matrix[:, self.kept].T.tocsr()
            return np.asarray((some @ some.T).toarray())
        rows = (self.starts, self.movies, self.values)
        columns = (*self._columns, self.n_users)
        found: Floats = product_loops().shared_strength(np.arange(self.n_users), *rows, *columns)
        return found

    def among(self, kept: Ints) -> Self:
        """Return the interactions with the movies `kept` (m,), by their positions in it."""
        some = self._matrix[:, kept]
        return replace(
            self,
            starts=some.indptr.astype(np.int64),
            movies=some.indices.astype(np.int32),
            values=some.data,
            n_movies=len(kept),
        )

    def arrays(self) -> dict[str, AnyArray]:
        """Return the rows and the number of movies, for storage."""
        return {
            "starts": self.starts,
            "movies": self.movies,
            "values": self.values,
            "n_movies": np.array([self.n_movies]),
        }

    @classmethod
    def load(cls, arrays: Mapping[str, AnyArray]) -> Self:
        """Return what `arrays` are of."""
        return cls(
            starts=arrays["starts"].astype(np.int64),
            movies=arrays["movies"].astype(np.int32),
            values=arrays["values"].astype(np.float64),
            n_movies=int(arrays["n_movies"].astype(np.int64)[0]),
        )

    @cached_property
    def _matrix(self) -> "scipy.sparse.csr_array":
        rows = (self.values, self.movies, self.starts)
        return scipy.sparse.csr_array(rows, (self.n_users, self.n_movies))

    @cached_property
    def _columns(self) -> tuple[Ints, Ints32, Floats]:
        turned = self._matrix.tocsc()
        starts, users = turned.indptr.astype(np.int64), turned.indices.astype(np.int32)
        return starts, users, turned.data
