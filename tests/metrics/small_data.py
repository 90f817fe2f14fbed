"""Small made-up data: by hand, and by Hypothesis."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

from reeltune.domain.arrays import AnyArray, Floats, Ints
from reeltune.ratings.catalogue import Catalogue
from reeltune.ratings.table import RatingTable

Row = tuple[int, int, float, int]  # user id, movie id, rating, rated at


def table_of(rows: Sequence[Row], movie_ids: Sequence[int]) -> RatingTable:
    columns = list(zip(*rows, strict=True)) or [(), (), (), ()]
    users, movies, ratings, rated_at = columns
    return RatingTable.from_ids(
        np.array(movie_ids, dtype=np.int64),
        np.array(users, dtype=np.int64),
        np.array(movies, dtype=np.int64),
        np.array(ratings, dtype=np.float32),
        np.array(rated_at, dtype=np.int64),
    )


def catalogue_of(movie_ids: Sequence[int], genres: Sequence[Sequence[int]]) -> Catalogue:
    """A catalogue of movies with genres from 0 to 2, and no cast or collections."""
    n = len(movie_ids)
    none, no_positions = np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int32)
    return Catalogue(
        movie_ids=np.array(movie_ids, dtype=np.int64),
        genre_names=("Action", "Comedy", "Drama"),
        genre_starts=np.cumsum([0, *map(len, genres)]).astype(np.int64),
        genres=np.array([genre for each in genres for genre in each], dtype=np.int32),
        person_ids=none,
        cast_starts=np.zeros(n + 1, dtype=np.int64),
        cast=no_positions,
        billing=no_positions,
        collections=np.full(n, -1, dtype=np.int32),
        collection_ids=none,
        release_years=np.zeros(n, dtype=np.int32),
    )


@dataclass(frozen=True)
class SmallData:
    """Two parts of one table, the catalogue and some scores."""

    table: RatingTable
    fitting: RatingTable
    held_out: RatingTable
    catalogue: Catalogue
    scores: Floats  # (U, M)

    def score(self, users: Ints) -> Floats:
        return self.scores[users]


@st.composite
def small_data(draw: st.DrawFn, most_movies: int = 25) -> SmallData:
    """Up to 4 users; score ties, users without held-out or fitting ratings, full rows occur."""
    movie_ids = sorted(draw(st.sets(st.integers(1, 10_000), min_size=1, max_size=most_movies)))
    n_users = draw(st.integers(1, 4))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    shares = draw(st.lists(st.sampled_from([0, 0.1, 0.5, 1]), min_size=2, max_size=2))
    pairs = [
        (user, movie)
        for user in range(1, n_users + 1)
        for movie in movie_ids
        if rng.random() < shares[user % 2]
    ]
    rows = [
        (user, movie, rng.integers(1, 11) / 2, int(rng.integers(0, 100))) for user, movie in pairs
    ]
    table = table_of(rows, movie_ids)
    held = rng.random(len(table)) < draw(st.sampled_from([0, 0.3, 0.9, 1]))
    genres = [sorted(np.flatnonzero(rng.random(3) < 0.4).tolist()) for _ in movie_ids]
    n_levels = draw(st.sampled_from([1, 2, 5, 1000]))
    scores = rng.integers(0, n_levels, (table.n_users, len(movie_ids))) / 8
    return SmallData(
        table, table.where(~held), table.where(held), catalogue_of(movie_ids, genres), scores
    )


def columns(table: RatingTable) -> list[AnyArray]:
    return [
        table.user_ids,
        table.movie_ids,
        table.users,
        table.movies,
        table.ratings,
        table.rated_at,
    ]


def same(a: RatingTable, b: RatingTable) -> bool:
    return all(np.array_equal(x, y) for x, y in zip(columns(a), columns(b), strict=True))
