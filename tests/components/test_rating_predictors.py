"""Rating predictors: the contract of learned components and of stars, and each one's own facts."""

import os
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from reeltune.components.biased_means import Biases
from reeltune.components.boosted_trees import BoostedRanking
from reeltune.components.learned import LEARNED_COMPONENTS
from reeltune.components.learned_component import History
from reeltune.components.pair_features import PairFeatures, cross_fitted, movie_features
from reeltune.components.rating_predictor import RatingPredictor, folds_of
from reeltune.components.rating_predictors import RATING_PREDICTORS
from reeltune.components.torch_training import DEVICE, chosen_device
from reeltune.components.two_tower import TwoTower
from reeltune.domain.errors import InputError
from reeltune.domain.space import Configuration
from reeltune.ratings.dataset import Dataset
from reeltune.ratings.table import RatingTable
from reeltune.tasks.examples import example_of_ratings

NEEDED = {
    "ridge": "sklearn",
    "boosted": "xgboost",
    "boosted_ranking": "xgboost",
    "factorization": "torch",
    "two_tower": "torch",
}
KINDS = [
    pytest.param(
        kind,
        id=name,
        marks=pytest.mark.skipif(
            name in NEEDED and find_spec(NEEDED[name]) is None, reason="its package is not here"
        ),
    )
    for name, kind in RATING_PREDICTORS.items()
]
Kind = type[RatingPredictor]


def values_of(kind: Kind, **other: float) -> Configuration:
    return {each.name: each.default for each in kind.hyperparameters} | other


@pytest.fixture(scope="module")
def data() -> Dataset:
    return example_of_ratings(0).data


@pytest.fixture(scope="module")
def history(data: Dataset) -> History:
    return History(data.ratings, data.catalogue)


_FITTED: dict[str, RatingPredictor] = {}


def fitted_of(kind: Kind, history: History) -> RatingPredictor:
    """The predictor with its defaults, fitted once."""
    if kind.name not in _FITTED:
        _FITTED[kind.name] = kind.fit(history, values_of(kind))
    return _FITTED[kind.name]


def test_there_are_predictors_and_none_has_the_name_of_another_component() -> None:
    assert len(RATING_PREDICTORS) == 6
    others = {plane for kind in LEARNED_COMPONENTS.values() for plane in kind.planes}
    assert not others & set(RATING_PREDICTORS)
    names = [p.name for kind in RATING_PREDICTORS.values() for p in kind.hyperparameters]
    assert len({*names}) == len(names) - len(BoostedRanking.hyperparameters)


@pytest.mark.parametrize("kind", KINDS)
class TestContract:
    def test_it_gives_a_finite_plane_of_its_name_for_everybody(
        self, kind: Kind, history: History
    ) -> None:
        planes = fitted_of(kind, history).score(np.array([3, 0]))
        assert tuple(planes) == kind.planes == (kind.name,)
        assert planes[kind.name].shape == (2, history.ratings.n_movies)
        assert np.isfinite(planes[kind.name]).all()

    def test_the_stars_of_pairs_are_those_of_the_plane_within_the_scale(
        self, kind: Kind, history: History
    ) -> None:
        found, movies = fitted_of(kind, history), np.array([5, 0, 70])
        plane = found.score(np.array([3]))[kind.name][0]
        stars = found.predict(np.array([3, 3, 3]), movies)
        np.testing.assert_allclose(stars, np.clip(plane[movies], 0.5, 5.0), atol=1e-6)

    def test_it_predicts_the_same_after_its_arrays_were_stored_and_loaded(
        self, kind: Kind, history: History
    ) -> None:
        found, users = fitted_of(kind, history), np.arange(5)
        loaded = kind.load(found.arrays())
        np.testing.assert_array_equal(loaded.score(users)[kind.name], found.score(users)[kind.name])

    def test_the_same_ratings_give_the_same_bits(self, kind: Kind, history: History) -> None:
        again = kind.fit(History(history.ratings, history.catalogue), values_of(kind)).arrays()
        for name, array in fitted_of(kind, history).arrays().items():
            np.testing.assert_array_equal(again[name], array, err_msg=name)

    def test_a_users_stars_do_not_depend_on_who_else_is_asked_for(
        self, kind: Kind, history: History
    ) -> None:
        found = fitted_of(kind, history)
        everybody = found.score(np.arange(20))[kind.name]
        np.testing.assert_array_equal(found.score(np.array([7]))[kind.name][0], everybody[7])

    def test_users_and_movies_without_ratings_have_stars(
        self, kind: Kind, history: History
    ) -> None:
        table = history.ratings
        some = table.where((table.users != 2) & (table.movies != 4))
        found = kind.fit(History(some, history.catalogue), values_of(kind))
        stars = found.predict(np.array([2, 3]), np.array([7, 4]))
        assert ((stars >= 2) & (stars <= 5)).all()

    def test_no_ratings_at_all_are_no_fault(self, kind: Kind, history: History) -> None:
        none = history.ratings.where(np.zeros(len(history.ratings), dtype=np.bool_))
        found = kind.fit(History(none, history.catalogue), values_of(kind))
        assert np.isfinite(found.score(np.array([0]))[kind.name]).all()

    def test_it_predicts_better_than_one_mean_for_all(self, kind: Kind, history: History) -> None:
        table = with_severe_users(history.ratings)
        held_out = folds_of(table, 7) == 0
        rest, there = table.where(~held_out), table.where(held_out)
        found = kind.fit(History(rest, history.catalogue), values_of(kind))
        stars = found.predict(there.users.astype(np.int64), there.movies.astype(np.int64))
        error = np.sqrt(((stars - there.ratings) ** 2).mean())
        assert error < np.sqrt(((there.ratings - rest.ratings.mean()) ** 2).mean())

    def test_a_user_who_is_folded_in_has_stars_of_the_own_ratings(
        self, kind: Kind, history: History
    ) -> None:
        table = with_severe_users(history.ratings)
        others = table.where(table.users != 2)
        own = table.where(table.users == 2)
        found = kind.fit(History(others, history.catalogue), values_of(kind))
        folded = found.fold_in(History(own, history.catalogue, of_all=table))
        users, movies = own.users.astype(np.int64), own.movies.astype(np.int64)
        before = np.abs(found.predict(users, movies) - own.ratings).mean()
        assert np.abs(folded.predict(users, movies) - own.ratings).mean() < before
        assert np.isfinite(folded.score(np.array([0, 2]))[kind.name]).all()

    def test_who_is_folded_in_with_the_ratings_of_the_fit_has_nearly_its_stars(
        self, kind: Kind, history: History
    ) -> None:
        found, users = fitted_of(kind, history), np.arange(history.ratings.n_users)
        folded = found.fold_in(history)
        apart = folded.score(users)[kind.name] - found.score(users)[kind.name]
        assert np.abs(apart).mean() < 0.25

    def test_each_hyperparameter_changes_a_star(self, kind: Kind, history: History) -> None:
        before = fitted_of(kind, history).score(np.arange(30))[kind.name]
        for each in kind.hyperparameters:
            other = each.high if each.default < each.high / 3 else each.low
            found = kind.fit(history, values_of(kind, **{each.name: other}))
            assert not np.array_equal(found.score(np.arange(30))[kind.name], before), each.name


def with_severe_users(table: RatingTable) -> RatingTable:
    """The ratings, where every third user gives a star less and every other third one more."""
    shifts = (table.users % 3 - 1).astype(np.float32)
    return replace(table, ratings=np.clip(table.ratings + shifts, 0.5, 5.0))


def test_biases_are_the_solution_of_their_least_squares(history: History) -> None:
    table, (of_users, of_movies) = history.ratings, (3.0, 7.0)
    found = Biases.of(table, of_users, of_movies)
    left = table.ratings - found.mean - found.users[table.users] - found.movies[table.movies]
    by_user = np.bincount(table.users, left, table.n_users) - of_users * found.users
    by_movie = np.bincount(table.movies, left, table.n_movies) - of_movies * found.movies
    np.testing.assert_allclose(by_user, 0, atol=1e-5)
    np.testing.assert_allclose(by_movie, 0, atol=0.05)


def test_features_of_a_rating_do_not_know_it(history: History) -> None:
    table = history.ratings
    before, folds = cross_fitted(history, PairFeatures.fit(history))
    changed = table.ratings.copy()
    row = 17
    changed[row] = 0.5 if changed[row] > 2 else 5.0
    others = History(replace(table, ratings=changed), history.catalogue)
    after, _ = cross_fitted(others, PairFeatures.fit(others))
    same_fold = folds == folds[row]
    np.testing.assert_array_equal(after[same_fold], before[same_fold])
    assert not np.array_equal(after[~same_fold], before[~same_fold])


def test_features_of_everything_are_those_of_pairs(history: History) -> None:
    features, n_movies = PairFeatures.fit(history), history.ratings.n_movies
    users, movies = np.repeat([4, 9], n_movies), np.tile(np.arange(n_movies), 2)
    np.testing.assert_allclose(
        features.of_everything(np.array([4, 9])), features.at(users, movies), atol=1e-6
    )


def test_a_movie_without_a_year_has_no_decade(data: Dataset) -> None:
    years = np.array([0, 2010, 1990], dtype=np.int32)
    catalogue = data.catalogue.of_movies(data.catalogue.movie_ids[:3])
    catalogue = replace(catalogue, release_years=years)
    np.testing.assert_array_equal(movie_features(catalogue)[:, 0], [0, 1, -1])


@pytest.mark.skipif(find_spec("torch") is None, reason="torch is not here")
class TestTorch:
    def test_a_movie_without_ratings_has_the_vector_of_its_features(self, history: History) -> None:
        table = history.ratings
        some = table.where((table.movies != 4) & (table.movies != 5))
        found = TwoTower.fit(History(some, history.catalogue), values_of(TwoTower))
        assert np.abs(found.movie_vectors[4]).max() > 0
        assert not np.array_equal(found.movie_vectors[4], found.movie_vectors[5])
        assert found.movie_biases[4] == 0

    def test_a_killed_fit_goes_on(self, history: History, tmp_path: Path) -> None:
        path = tmp_path / "checkpoint"
        TwoTower.fit(history, values_of(TwoTower), path)
        left = path.read_bytes()
        again = TwoTower.fit(history, values_of(TwoTower), path)
        assert path.read_bytes() == left
        np.testing.assert_array_equal(
            again.movie_vectors, fitted_of(TwoTower, history).arrays()["movie_vectors"]
        )

    def test_the_device_is_the_one_that_the_environment_names(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(os.environ, DEVICE, "cpu")
        assert chosen_device().type == "cpu"
        monkeypatch.setitem(os.environ, DEVICE, "tpu")
        with pytest.raises(InputError, match="REELTUNE_DEVICE must be cpu or cuda, got 'tpu'"):
            chosen_device()
