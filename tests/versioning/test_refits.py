"""Models that knew an erased user are refitted without the user, or dropped."""

import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reeltune.db.connection import connection, transaction
from reeltune.db.dataset import load_dataset
from reeltune.db.erasures import load_erasures
from reeltune.db.external_ids import find_id
from reeltune.db.versions import load_version
from reeltune.domain.errors import BusyError, InputError, NotFoundError, StorageError
from reeltune.domain.study import StudyConfig
from reeltune.rating_models.registry import model_class
from reeltune.serving import Recommendations
from reeltune.storage.artifacts import artifacts_directory, users_of
from reeltune.versioning import erasure
from reeltune.versioning.refits import refit
from reeltune.versioning.registry import load_model, rollback
from reeltune.versioning.reproduction import reproduce
from reeltune.versioning.request import RetrainingRequest
from reeltune.versioning.retraining import retrain
from tests.versioning.erased import ANNA, bring_in, erased, frames, number_of, traces


def test_refitted_models_are_those_of_the_data_without_the_user(path: Path) -> None:
    erased(path)
    with connection(path) as conn:
        data = load_dataset(conn)
        for number in (1, 2):
            loaded = load_model(conn, number)
            values = loaded.version.training.hyperparameters
            model = model_class("hand-weighted")(values).fit(data.ratings, data.catalogue)
            np.testing.assert_array_equal(
                loaded.model.score(np.arange(5)), model.score(np.arange(5))
            )
        served = Recommendations.open(path)
        assert served.for_user("u-1").source == "fitted"
        with pytest.raises(NotFoundError, match=f"user {ANNA} was erased"):
            served.for_user(ANNA)
        assert rollback(conn, reason="as before") == 1


def test_dropped_models_cannot_be_gone_back_to_and_production_goes_on(path: Path) -> None:
    proof = erased(path, models="drop")
    assert [(each.version, each.action) for each in proof.versions] == [
        (1, "dropped"),
        (2, "refitted"),
    ]
    with connection(path) as conn:
        assert len(Recommendations.open(path).for_user("u-1")) == 10
        with pytest.raises(StorageError, match="erased"):
            rollback(conn, reason="as before")
        with pytest.raises(InputError, match="erased"):
            reproduce(conn, 1, restore=True)


def test_lineage_says_that_and_why_the_version_is_not_reproduced(path: Path) -> None:
    with connection(path) as conn:
        original = load_version(conn, 2).artifact_sha256
    erased(path)
    with connection(path) as conn:
        found = reproduce(conn, 2)
    assert not found.identical
    assert found.expected_sha256 == original
    assert "erased" in found.changed[0]
    assert "reproduced to the bit" in found.changed[0]


def test_models_that_lie_aside_or_are_named_by_nobody_go_too(path: Path) -> None:
    number = number_of(path)
    some = next(p for p in artifacts_directory(path).iterdir() if users_of(p) is not None)
    aside = path.with_name("movies.db.aside") / "20261127T100000Z-1" / "1"
    aside.parent.mkdir(parents=True)
    subprocess.run(["cp", "-a", some, aside], check=True)
    subprocess.run(["cp", "-a", some, some.with_name("0123456789abcdef")], check=True)
    erased(path)
    assert traces(path.parent, number) == []


def test_a_model_that_another_database_needs_stays_and_is_named(path: Path) -> None:
    other = path.with_name("other.db")
    subprocess.run(["cp", "-a", path, other], check=True)
    proof = erased(path)
    kinds = sorted(each.kind for each in proof.left)
    assert kinds == ["database", "model", "model"]


def test_the_only_user_leaves_no_model(tmp_path: Path) -> None:
    path = tmp_path / "movies.db"
    with connection(path, create=True) as conn:
        found = frames()
        bring_in(conn, found | {"ratings": found["ratings"].query("user == @ANNA")})
        request = RetrainingRequest(study=StudyConfig(), force=True, accuracy_threshold=0.0)
        retrain(conn, load_dataset(conn), request)
    number = number_of(path)
    erased(path)
    assert traces(tmp_path, number) == []


@pytest.mark.parametrize("often", [1, 100])
def test_data_that_change_while_models_are_fitted_are_fitted_to_or_nothing_is_done(
    path: Path, monkeypatch: pytest.MonkeyPatch, often: int
) -> None:
    calls: list[int] = []

    def slowly(*args: Any) -> Any:
        calls.append(1)
        if len(calls) <= often:
            with connection(path) as other, transaction(other):
                other.execute("UPDATE ratings SET rated_at = rated_at + 1")
        return refit(*args)

    monkeypatch.setattr(erasure, "refit", slowly)
    if often > 1:
        with pytest.raises(BusyError):
            erased(path)
        with connection(path) as conn:
            assert find_id(conn, "user", ANNA) is not None
            assert load_erasures(conn) == []
        return
    proof = erased(path)
    with connection(path) as conn:
        fingerprint = load_dataset(conn).fingerprint
    assert {each.data_fingerprint for each in proof.versions} == {fingerprint}
