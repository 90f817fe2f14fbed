"""Recommenders by predicted stars: found by name, and the same as their predictors."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reeltune.components.learned_component import History
from reeltune.components.pair_features import N_PAIR_FOLDS, PairFeatures
from reeltune.components.rating_predictors import RATING_PREDICTORS
from reeltune.domain.errors import InputError
from reeltune.domain.study import STAR_MODELS
from reeltune.rating_models.registry import model_class
from reeltune.rating_models.star_models import PredictsStars, StarModel
from reeltune.ratings.dataset import Dataset
from reeltune.ratings.shared_fits import SharedFits
from reeltune.tasks.examples import example_of_ratings
from reeltune.tracking.lineage import code_version
from tests.running import run_json


@pytest.fixture(scope="module")
def data() -> Dataset:
    return example_of_ratings(0).data


def star_model(name: str) -> Any:
    return model_class(name)


def test_each_predictor_is_a_model() -> None:
    kinds = [star_model(name).component for name in STAR_MODELS]
    assert kinds == list(RATING_PREDICTORS.values())


def test_their_code_is_hashed_apart_from_the_program() -> None:
    versions = {code_version(name) for name in (*STAR_MODELS, "hybrid", "hand-weighted")}
    assert len(versions) == 3


def test_a_model_is_asked_only_after_it_was_fitted() -> None:
    model = star_model("biased-means")
    with pytest.raises(InputError, match="not fitted"):
        model(model.space.defaults()).score(np.array([0]))


def test_its_scores_are_the_stars_of_its_predictor(data: Dataset) -> None:
    kind = star_model("biased-means")
    model = kind(kind.space.defaults()).fit(data.ratings, data.catalogue)
    assert isinstance(model, PredictsStars)
    assert isinstance(model, StarModel)
    scores = model.score(np.array([3, 1]))
    np.testing.assert_allclose(scores[1, [4, 7]], model.predict(np.array([1, 1]), np.array([4, 7])))
    loaded = kind(kind.space.defaults()).load(model.arrays())
    np.testing.assert_array_equal(loaded.score(np.array([3, 1])), scores)


@pytest.mark.skipif(find_spec("sklearn") is None, reason="scikit-learn is not here")
def test_experiments_share_the_features(data: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    kind, shared, fits = star_model("ridge"), SharedFits(), []
    whole = PairFeatures.fit

    def counted(history: History) -> PairFeatures:
        fits.append(1)
        return whole(history)

    monkeypatch.setattr(PairFeatures, "fit", counted)
    for penalty in (1.0, 10.0, 100.0):
        values = kind.space.defaults() | {"ridge_penalty": penalty}
        kind(values).fit(data.ratings, data.catalogue, shared=shared)
    assert len(fits) == 1 + N_PAIR_FOLDS


@pytest.mark.slow
@pytest.mark.skipif(find_spec("torch") is None, reason="torch is not here")
def test_a_run_tunes_one(world: Path) -> None:
    found = run_json(
        *("tune_orchestrator.py", "--model", "matrix-factorization", "--method", "random"),
        *("--configs", "2", "--jobs", "1", "--db", world),
    )
    assert set(found["best_hyperparameters"]) == set(
        star_model("matrix-factorization").space.hyperparameters
    )
    assert (found["experiments_completed"], found["experiments_failed"]) == (3, 0)
