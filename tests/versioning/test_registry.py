"""Registering, promoting, rolling back, loading and verifying."""

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from reeltune.db.connection import Connection, connect
from reeltune.db.deployed import export_path
from reeltune.db.versions import load_events, load_version, load_versions
from reeltune.domain.errors import BusyError, InputError, NotFoundError, StorageError
from reeltune.rating_models.hand_weighted import HandWeighted
from reeltune.versioning.registry import load_model, promote, refuse, register, rollback
from reeltune.versioning.verification import verify
from tests.versioning.versions import (
    CATALOGUE,
    RATINGS,
    Forgetful,
    artifact,
    events,
    exported,
    in_production,
    produced,
    registered,
    training,
)


@pytest.fixture
def db(tmp_path: Path) -> Path:
    return tmp_path / "movies.db"


@pytest.fixture
def conn(db: Path) -> Connection:
    return connect(db, create=True)


def test_a_registered_model_is_a_candidate_and_nothing_is_exported(conn: Connection) -> None:
    version = registered(conn)
    assert load_version(conn, version).status == "candidate"
    assert events(conn, version) == ["registered"]
    assert load_events(conn)[0].evidence == {"p": 0.01}
    assert in_production(conn) is None
    assert not export_path(conn).exists()


def test_a_loaded_model_scores_to_the_last_bit_as_the_fitted_one_did(conn: Connection) -> None:
    values = HandWeighted.space.defaults()
    model = HandWeighted(values).fit(RATINGS, CATALOGUE)
    run = training(model="hand-weighted", hyperparameters=values)
    promote(conn, register(conn, run, model, RATINGS, {}, "first"), "first")
    loaded = load_model(conn)
    both = np.array([0, 1])
    assert np.array_equal(loaded.model.score(both), model.score(both))
    assert loaded.user_ids.tolist() == [1, 7]
    assert loaded.movie_ids.tolist() == [10, 20, 30, 40]


def test_a_model_that_forgets_what_it_learnt_is_not_registered(conn: Connection) -> None:
    model = Forgetful({"level": 1}).fit(RATINGS, CATALOGUE)
    with pytest.raises(InputError, match=r"gives other scores after load\(arrays\(\)\)"):
        register(conn, training(), model, RATINGS, {}, "new")
    assert load_versions(conn) == []


def test_a_refused_retraining_is_recorded_and_can_never_be_promoted(conn: Connection) -> None:
    version = refuse(conn, training(), {"accuracy": 0.5}, "too low")
    assert load_version(conn, version).artifact is None
    assert events(conn, version) == ["refused"]
    with pytest.raises(InputError, match="was refused"):
        promote(conn, version, "anyway")
    with pytest.raises(InputError, match="nothing was kept"):
        load_model(conn, version)


def test_promoting_replaces_what_was_there_and_exports_the_new(conn: Connection) -> None:
    first, second = produced(conn), produced(conn)
    assert load_version(conn, first).status == "archived"
    assert events(conn, first) == ["registered", "promoted", "replaced"]
    assert events(conn, second) == ["registered", "promoted"]
    assert load_version(conn, second).parent_version == first
    assert (exported(conn)["version"], exported(conn)["hyperparameters"]) == (second, {"level": 2})
    assert verify(conn) == []


def test_promoting_what_is_in_production_changes_nothing_but_mends_the_export(
    conn: Connection,
) -> None:
    version = produced(conn)
    export_path(conn).write_text("{}")
    before = load_events(conn)
    assert not promote(conn, version, "again")
    assert load_events(conn) == before
    assert exported(conn)["version"] == version


@pytest.mark.parametrize("expected", [None, 1, 99])
def test_nothing_is_promoted_that_was_compared_with_what_is_no_longer_in_production(
    conn: Connection, expected: int | None
) -> None:
    produced(conn, 2)
    candidate = registered(conn, 3)
    with pytest.raises(BusyError, match=r"changed meanwhile from .* to version 2"):
        promote(conn, candidate, "better", expected_production=expected)
    assert (in_production(conn), exported(conn)["version"]) == (2, 2)
    assert promote(conn, candidate, "better", expected_production=2)


def test_a_version_without_a_finite_accuracy_is_never_promoted(conn: Connection) -> None:
    version = registered(conn, test_metrics={"accuracy": math.nan})
    with pytest.raises(InputError, match="no test accuracy"):
        promote(conn, version, "better")


@pytest.mark.parametrize("name", ["arrays.safetensors", "manifest.json"])
def test_a_version_whose_artifact_was_changed_is_never_promoted_or_rolled_back_to(
    conn: Connection, name: str
) -> None:
    produced(conn, 2)
    (artifact(conn, 1) / name).write_bytes(b"\x80\x04K\x01.")  # a pickle of 1
    attempts: list[Callable[[], object]] = [
        lambda: promote(conn, 1, "back"),
        lambda: rollback(conn, reason="bad"),
    ]
    for attempt in attempts:
        with pytest.raises(StorageError, match="was changed"):
            attempt()
    assert (in_production(conn), exported(conn)["version"]) == (2, 2)


def test_rolling_back_twice_goes_back_twice_and_then_there_is_nothing_left(
    conn: Connection,
) -> None:
    produced(conn, 3)
    assert rollback(conn, reason="bad") == 2
    assert (in_production(conn), exported(conn)["version"]) == (2, 2)
    assert rollback(conn, reason="bad too") == 1
    assert events(conn, 3)[-1] == events(conn, 2)[-1] == "rolled back"
    with pytest.raises(NotFoundError, match="nothing was in production before version 1"):
        rollback(conn, reason="bad as well")
    assert in_production(conn) == 1
    assert verify(conn) == []


def test_a_promotion_after_a_rollback_goes_back_to_what_it_replaced(conn: Connection) -> None:
    produced(conn, 3)
    rollback(conn, reason="bad")
    produced(conn)
    assert rollback(conn, reason="bad") == 2


def test_rolling_back_to_a_version_is_for_those_that_were_in_production(conn: Connection) -> None:
    produced(conn, 3)
    candidate = registered(conn, 9)
    assert rollback(conn, 1, reason="bad") == 1
    with pytest.raises(InputError, match="version 1 is in production already"):
        rollback(conn, 1, reason="bad")
    with pytest.raises(InputError, match="never was in production"):
        rollback(conn, candidate, reason="bad")
    with pytest.raises(NotFoundError, match="nothing was in production before version 1"):
        rollback(conn, reason="bad")


def test_with_nothing_in_production_there_is_nothing_to_load_or_to_roll_back(
    conn: Connection,
) -> None:
    registered(conn)
    attempts: list[Callable[[], object]] = [
        lambda: load_model(conn),
        lambda: rollback(conn, reason="bad"),
    ]
    for attempt in attempts:
        with pytest.raises(NotFoundError, match="no version is in production"):
            attempt()


def test_a_version_made_by_other_code_is_refused_in_one_line(conn: Connection) -> None:
    version = registered(conn)
    conn.execute("""UPDATE training_runs SET hyperparameters = '{"gone": 1}'""")
    with pytest.raises(StorageError, match=r"other code \(c0de\).*unknown hyperparameter 'gone'"):
        load_model(conn, version)


def test_verify_names_each_fault_and_what_to_do(conn: Connection) -> None:
    produced(conn, 3)
    (artifact(conn, 1) / "arrays.safetensors").unlink()
    (artifact(conn, 3) / "manifest.json").write_text("{}")
    export_path(conn).unlink()
    orphan = artifact(conn, 2).with_name("0123456789abcdef")
    orphan.mkdir()
    conn.execute("PRAGMA foreign_keys = OFF")
    assert {fault.subject for fault in verify(conn)} == {
        "version 1",
        "version 3",
        "hyperparameters.json",
        "movies.versions/0123456789abcdef",
    }
    assert all(fault.remedy for fault in verify(conn))
    conn.execute("UPDATE model_versions SET status = 'archived'")
    assert "production" in {fault.subject for fault in verify(conn)}
    conn.execute("UPDATE model_versions SET parent_version = 99 WHERE version = 2")
    assert [fault.subject for fault in verify(conn)] == ["database"]
