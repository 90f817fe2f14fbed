"""What `reeltune predict-ratings` prints, and what it refuses."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from reeltune.commands.predict_ratings import predict_ratings
from reeltune.db.connection import connection
from reeltune.db.dataset import load_dataset
from reeltune.domain.errors import InputError
from reeltune.rating_models.star_models import BiasedMeansModel
from reeltune.ratings.splits import SPLITS
from reeltune.tasks.examples import example_of_ratings
from reeltune.tasks.rating_prediction import (
    NEEDED_PACKAGES,
    installed_models,
    measure_predictions,
)


def asked(world: Path, *words: str) -> Result:
    return CliRunner().invoke(predict_ratings, [*words, "--db", str(world)])


def test_the_errors_are_those_of_the_validation_part(world: Path) -> None:
    (found,) = json.loads(asked(world, "--model", "biased-means", "--json", "--quiet").stdout)
    with connection(world) as conn:
        data = load_dataset(conn)
    split = SPLITS["user-time"](data.ratings)
    model = BiasedMeansModel(BiasedMeansModel.space.defaults()).fit(split.train, data.catalogue)
    held_out = split.validation
    stars = model.predict(held_out.users.astype(np.int64), held_out.movies.astype(np.int64))
    assert found["model"] == "biased-means"
    assert found["n_ratings"] == len(held_out)
    assert found["rmse"] == pytest.approx(np.sqrt(((stars - held_out.ratings) ** 2).mean()))
    assert len(found["bins"]) == 10


def test_the_table_has_a_line_for_each_model(world: Path) -> None:
    result = asked(world, "--model", "biased-means", "--split", "calendar", "--quiet")
    assert result.exit_code == 0, result.output
    assert "RMSE" in result.stdout
    assert "biased-means" in result.stdout
    assert result.stderr == ""


def test_a_model_that_predicts_no_stars_is_refused_in_one_line(world: Path) -> None:
    result = asked(world, "--model", "biased-means", "--model", "hybrid")
    assert result.exit_code == 1
    assert result.stdout == ""
    assert "model 'hybrid' predicts no stars: take one of biased-means, ridge" in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_all_that_are_installed_are_measured_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "reeltune.tasks.rating_prediction.find_spec", lambda name: None if name == "torch" else 1
    )
    assert installed_models() == ["biased-means", "ridge", "boosted-trees", "boosted-ranking"]
    assert set(NEEDED_PACKAGES.values()) == {"sklearn", "xgboost", "torch"}


def test_configurations_beside_the_defaults_are_measured_and_checked() -> None:
    data = example_of_ratings(0).data
    values = BiasedMeansModel.space.defaults() | {"bias_user_prior": 50.0}
    first, second = measure_predictions(data, [("biased-means", None), ("biased-means", values)])
    assert first.errors != second.errors
    with pytest.raises(InputError, match="bias_user_prior must be in"):
        list(measure_predictions(data, [("biased-means", values | {"bias_user_prior": 99})]))
