"""Recommenders of today and of earlier: each is given what its methods accept."""

import pickle
from collections.abc import Mapping
from functools import partial
from typing import Any, ClassVar, Self

import numpy as np
import pytest

from examples.most_popular import MostPopular
from reeltune.domain.arrays import AnyArray, Floats, Ints
from reeltune.domain.space import (
    CategoricalParameter,
    Configuration,
    FloatParameter,
    IntParameter,
    Space,
)
from reeltune.rating_models.registry import model_class
from reeltune.ratings.calls import fit_recommender, load_recommender
from reeltune.ratings.catalogue import Catalogue
from reeltune.ratings.dataset import Dataset
from reeltune.ratings.recommender import Recommender
from reeltune.ratings.shared_fits import MAX_ENTRIES, SharedFits
from reeltune.ratings.table import RatingTable
from reeltune.tasks.examples import example_of_ratings
from reeltune.tasks.ratings import RatingsEvaluator

THIS = "tests/ratings/test_calls.py"


class Modern:
    """Recommender that accepts everything: the mean, or the sum, of what alike users gave."""

    space: ClassVar[Space] = Space.of(
        FloatParameter(name="ridge", default=1.0, low=1e-3, high=1e3, log=True, meaning="penalty"),
        IntParameter(name="n_latest", default=8, low=1, high=64, log=True, meaning="ratings"),
        CategoricalParameter(name="how", default="mean", choices=("mean", "sum"), meaning="form"),
    )
    calls: ClassVar[list[dict[str, Any]]] = []

    def __init__(self, hyperparameters: Configuration) -> None:
        self.hyperparameters = hyperparameters
        self.totals: Floats = np.zeros(0)
        self.latest: dict[int, Ints] = {}

    def fit(
        self,
        ratings: RatingTable,
        catalogue: Catalogue,
        *,
        measured: RatingTable | None = None,
        shared: SharedFits | None = None,
    ) -> Self:
        self.calls.append({"measured": measured, "shared": shared})
        shared = shared or SharedFits()
        counts = shared.get(
            "counts", lambda: np.bincount(ratings.movies, minlength=ratings.n_movies)
        )
        sums = np.bincount(ratings.movies, ratings.ratings, ratings.n_movies)
        is_mean = self.hyperparameters["how"] == "mean"
        ridge = float(self.hyperparameters["ridge"])
        self.totals = np.asarray(sums / (counts + ridge) if is_mean else sums / ridge)
        self._remember(ratings)
        return self

    def _remember(self, ratings: RatingTable) -> None:
        n = int(self.hyperparameters["n_latest"])
        ends = ratings.starts[1:]
        self.latest = {
            u: ratings.movies[max(ratings.starts[u], ends[u] - n) : ends[u]].astype(np.int64)
            for u in range(ratings.n_users)
        }

    def score(self, users: Ints) -> Floats:
        rows = np.tile(self.totals, (len(users), 1))
        for row, user in enumerate(users.tolist()):
            rows[row, self.latest[user]] -= 1.0
        return rows

    def arrays(self) -> dict[str, AnyArray]:
        return {"totals": self.totals}

    def load(self, arrays: Mapping[str, AnyArray], ratings: RatingTable) -> Self:
        self.totals = np.asarray(arrays["totals"], dtype=np.float64)
        self._remember(ratings)
        return self


@pytest.fixture
def data() -> Dataset:
    Modern.calls.clear()
    return example_of_ratings(0).data


def evaluator(data: Dataset, model: str) -> RatingsEvaluator:
    task = example_of_ratings(0)
    return type(task)(data, model).evaluator()


def test_an_older_model_is_fitted_and_loaded_with_what_it_knows(data: Dataset) -> None:
    values = MostPopular.space.defaults()
    model = fit_recommender(
        MostPopular(values), data.ratings, data.catalogue, data.ratings, SharedFits()
    )
    plain = MostPopular(values).fit(data.ratings, data.catalogue)
    np.testing.assert_array_equal(model.counts, plain.counts)

    def not_asked() -> RatingTable:
        raise AssertionError("nobody asked for ratings")

    loaded = load_recommender(MostPopular(values), model.arrays(), not_asked)
    np.testing.assert_array_equal(loaded.counts, plain.counts)


def test_a_model_is_given_the_ratings_of_its_fit_to_load(data: Dataset) -> None:
    values, users = Modern.space.defaults(), np.arange(5)
    assert isinstance(Modern(values), Recommender)
    fitted: Any = fit_recommender(Modern(values), data.ratings, data.catalogue)  # type: ignore[type-var]
    loaded = load_recommender(Modern(values), fitted.arrays(), lambda: data.ratings)  # type: ignore[type-var]
    np.testing.assert_array_equal(loaded.score(users), fitted.score(users))


def test_experiments_on_the_same_ratings_share_and_know_who_is_measured(data: Dataset) -> None:
    found = evaluator(data, f"{THIS}:Modern")
    values = [Modern.space.defaults() | {"how": how, "ridge": 2.0} for how in ("mean", "sum")]
    evaluations = found.evaluate_many(values)
    assert [each.n_units for each in evaluations] == [evaluations[0].n_units] * 2
    calls = model_class(f"{THIS}:Modern").calls  # type: ignore[attr-defined]
    assert calls[-1]["shared"] is calls[-2]["shared"] is not None
    assert calls[-1]["measured"] is found.held_out
    assert calls[-1]["shared"].get("counts", lambda: None) is not None


def test_a_final_fit_is_for_everybody(data: Dataset) -> None:
    fit_recommender(Modern(Modern.space.defaults()), data.ratings, data.catalogue)  # type: ignore[type-var]
    assert Modern.calls == [{"measured": None, "shared": None}]


def test_what_is_shared_is_made_once_and_the_oldest_goes() -> None:
    shared = SharedFits()
    made: list[int] = []

    def make(key: int) -> int:
        made.append(key)
        return key

    for key in (*range(MAX_ENTRIES), 0, MAX_ENTRIES, 0, 1):
        assert shared.get(key, partial(make, key)) == key
    assert made == [*range(MAX_ENTRIES), MAX_ENTRIES, 1]


def test_what_failed_is_not_kept() -> None:
    shared = SharedFits()

    def failing() -> int:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        shared.get("key", failing)
    assert shared.get("key", lambda: 3) == 3


def test_another_process_begins_with_nothing_shared() -> None:
    shared = SharedFits()
    shared.get("key", lambda: 1)
    assert pickle.loads(pickle.dumps(shared)).get("key", lambda: 2) == 2
