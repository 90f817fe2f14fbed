"""Everybody is served by a stored version: of the fit, who came since, without ratings."""

from pathlib import Path

import numpy as np
import pytest

from reeltune.db.connection import Connection, connection, transaction
from reeltune.db.dataset import load_dataset
from reeltune.domain.study import StudyConfig
from reeltune.rating_models.hand_weighted import HandWeighted
from reeltune.ratings.dataset import Dataset
from reeltune.versioning.contents import LoadedModel
from reeltune.versioning.positions import over_movies
from reeltune.versioning.profiles import find_profiles, score_users
from reeltune.versioning.registry import load_model
from reeltune.versioning.request import RetrainingRequest
from reeltune.versioning.retraining import retrain

NEWCOMER, NOBODY = 10_001, 10_002


@pytest.fixture(name="deployed")
def _deployed(world: Path) -> Path:
    with connection(world) as conn:
        request = RetrainingRequest(study=StudyConfig(), accuracy_threshold=0.0)
        assert retrain(conn, load_dataset(conn), request).verdict == "promoted"
    return world


def rate(conn: Connection, user: int, movies: list[int], stars: float = 4.5) -> None:
    with transaction(conn):
        conn.executemany(
            "INSERT INTO ratings (user_id, movie_id, rating, rated_at) VALUES (?, ?, ?, ?)",
            [(user, movie, stars - 3 * (movie % 2), 1_700_000_000 + movie) for movie in movies],
        )


def now(conn: Connection, loaded: LoadedModel) -> Dataset:
    data = load_dataset(conn)
    ratings = over_movies(data.ratings, loaded.movie_ids)
    return Dataset(ratings, data.catalogue.of_movies(loaded.movie_ids))


def test_who_came_after_the_fit_has_the_profile_that_a_fit_would_make(deployed: Path) -> None:
    with connection(deployed) as conn:
        rate(conn, NEWCOMER, load_model(conn).movie_ids[:12].tolist())
        loaded = load_model(conn)
        data = now(conn, loaded)
        (found,) = find_profiles(loaded, data.ratings, data.catalogue, np.array([NEWCOMER]))
        assert found.source == "folded in"
        assert isinstance(found.model, HandWeighted)
        anew = HandWeighted(loaded.version.training.hyperparameters)
        anew.fit(data.ratings, data.catalogue)
        for name in ("genre", "cast", "franchise"):
            parts = [model.parts(found.positions)[name] for model in (found.model, anew)]
            np.testing.assert_array_equal(parts[0], parts[1])
        assert isinstance(loaded.model, HandWeighted)
        for name in ("rating", "popularity"):  # of movies: as the version was fitted
            parts = [model.parts(np.array([0]))[name] for model in (found.model, loaded.model)]
            np.testing.assert_array_equal(parts[0], parts[1])


def test_nobody_with_ratings_is_refused_and_each_is_scored_as_alone(deployed: Path) -> None:
    with connection(deployed) as conn:
        loaded = load_model(conn)
        for user in (NEWCOMER, NEWCOMER + 5):
            rate(conn, user, loaded.movie_ids[user % 3 : 20 : 2].tolist())
        data = now(conn, loaded)
        users = np.array([NEWCOMER, 3, NOBODY, NEWCOMER + 5, 1])
        together = score_users(loaded, data.ratings, data.catalogue, users)
        assert np.isfinite(together).all()
        for place, user in enumerate(users):
            alone = score_users(loaded, data.ratings, data.catalogue, np.array([user]))
            np.testing.assert_array_equal(together[place], alone[0])
        np.testing.assert_array_equal(together[1], loaded.model.score(np.array([2]))[0])


def test_a_catalogue_of_some_movies_keeps_what_is_known_of_each(deployed: Path) -> None:
    with connection(deployed) as conn:
        catalogue = load_dataset(conn).catalogue
    some = catalogue.of_movies(np.array([*catalogue.movie_ids[3:9], 10**9]))
    assert some.n_movies == 7
    for place in range(6):
        for starts, entries in (("genre_starts", "genres"), ("cast_starts", "cast")):
            here, there = (
                getattr(of, entries)[getattr(of, starts)[at] : getattr(of, starts)[at + 1]]
                for of, at in ((some, place), (catalogue, place + 3))
            )
            assert here.tolist() == there.tolist()
        assert some.collections[place] == catalogue.collections[place + 3]
    assert some.genre_starts[6] == some.genre_starts[7]
    assert some.collections[6] == -1
