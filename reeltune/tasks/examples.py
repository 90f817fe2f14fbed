"""Small tasks of each kind, for the tests that hold for every kind of task."""

import numpy as np

from reeltune.domain.arrays import Ints
from reeltune.ratings.catalogue import Catalogue
from reeltune.ratings.dataset import Dataset
from reeltune.ratings.table import RatingTable
from reeltune.tasks.function import FunctionTask
from reeltune.tasks.ratings import RatingsTask

N_USERS, N_MOVIES, N_EACH = 60, 90, 30  # users, movies, ratings of a user
EXAMPLE_GENRES = ("Action", "Comedy", "Drama")
N_PEOPLE, N_COLLECTIONS = 25, 8
DAY = 86_400
FUNCTIONS = ("of_some_units", "of_all_units")


def example_of_ratings(variant: int) -> RatingsTask:
    """Return the task of made-up users, each of whom likes one genre."""
    rng = np.random.default_rng(variant)
    catalogue = _catalogue(rng)
    first = catalogue.genres[catalogue.genre_starts[:-1]]  # (M,) a genre of each movie
    users = np.repeat(np.arange(1, N_USERS + 1), N_EACH)
    movies = np.concatenate([rng.permutation(catalogue.movie_ids)[:N_EACH] for _ in range(N_USERS)])
    liked = first[movies - 1] == users % len(EXAMPLE_GENRES)
    stars = 2.5 + 1.5 * liked + rng.normal(scale=0.8, size=len(users))
    table = RatingTable.from_ids(
        catalogue.movie_ids,
        users,
        movies,
        np.clip(np.round(2 * stars) / 2, 0.5, 5.0).astype(np.float32),
        DAY * rng.integers(1, 1_000, size=len(users)),
    )
    return RatingsTask(Dataset(table, catalogue))


def example_of_a_function(variant: int) -> FunctionTask:
    """Return the task of one of the functions in `example_functions`."""
    name = FUNCTIONS[variant % len(FUNCTIONS)]
    return FunctionTask.of(f"reeltune.tasks.example_functions:{name}")


def _catalogue(rng: np.random.Generator) -> Catalogue:
    """Return movies with one or two genres, three people each, and collections of some."""
    genres = [rng.permutation(len(EXAMPLE_GENRES))[: 1 + m % 2] for m in range(N_MOVIES)]
    cast = [rng.permutation(N_PEOPLE)[:3] for _ in range(N_MOVIES)]
    collections = rng.integers(-N_COLLECTIONS, N_COLLECTIONS, size=N_MOVIES)
    return Catalogue(
        movie_ids=np.arange(1, N_MOVIES + 1),
        genre_names=EXAMPLE_GENRES,
        genre_starts=_starts([len(each) for each in genres]),
        genres=np.concatenate(genres).astype(np.int32),
        person_ids=np.arange(1, N_PEOPLE + 1),
        cast_starts=_starts([len(each) for each in cast]),
        cast=np.concatenate(cast).astype(np.int32),
        billing=np.tile(np.arange(3, dtype=np.int32), N_MOVIES),
        collections=np.maximum(collections, -1).astype(np.int32),
        collection_ids=np.arange(1, N_COLLECTIONS + 1),
        release_years=1950 + np.arange(N_MOVIES, dtype=np.int32) % 70,
    )


def _starts(lengths: list[int]) -> Ints:
    return np.cumsum([0, *lengths]).astype(np.int64)
