import math
import threading
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pysqlite3
import pytest

from reeltune.db.connection import Connection, connect, transaction
from reeltune.db.deployed import check_export, export_deployed, export_path, live_history
from reeltune.db.versions import (
    add_version,
    load_events,
    load_production,
    load_version,
    load_versions,
    replace_production,
    save_event,
    set_version_status,
)
from reeltune.domain.errors import NotFoundError, StorageError
from reeltune.domain.version import EventKind, TrainingRun, VersionEvent


@pytest.fixture
def conn(tmp_path: Path) -> Connection:
    return connect(tmp_path / "movies.db", create=True)


def training(**values: Any) -> TrainingRun:
    usual: dict[str, Any] = {
        "created_at": "2026-11-20T21:40:00Z",
        "experiment_id": None,
        "model": "hand-weighted",
        "hyperparameters": {"genre_weight": 0.4},
        "split": "user-time",
        "data_fingerprint": "d" * 64,
        "n_ratings": 7,
        "code_version": "c0de",
        "seed": 3,
        "environment": {"python": "3.11"},
        "test_metrics": {"accuracy": 0.7},
        "duration_seconds": 1.5,
    }
    return TrainingRun(**usual | values)


def added(conn: Connection, run: TrainingRun | None = None, reason: str = "new") -> int:
    sha256 = "a" * 64
    artifact = (f"movies.versions/{sha256[:16]}", sha256)
    with transaction(conn):
        return add_version(
            conn, run or training(), "candidate", artifact, ("registered", reason, {})
        )


def produced(conn: Connection) -> int:
    version = added(conn)
    with transaction(conn):
        replace_production(conn, load_production(conn), version, "replaced", "better", {})
    return version


def event(version: int, kind: EventKind, **evidence: Any) -> VersionEvent:
    return VersionEvent(version=version, event=kind, happened_at="", reason="", evidence=evidence)


def test_a_version_comes_back_as_it_was_stored(conn: Connection) -> None:
    run = training(hyperparameters=MappingProxyType({"b": 1, "a": 0.1}))
    found = load_version(conn, added(conn, run))
    assert found.training.hyperparameters == {"b": 1, "a": 0.1}
    assert list(found.training.hyperparameters) == ["b", "a"]
    assert found.training.created_at == run.created_at
    assert (found.status, found.parent_version) == ("candidate", None)
    assert load_versions(conn) == [found]


def test_a_version_that_is_not_there_is_named(conn: Connection) -> None:
    with pytest.raises(NotFoundError, match="no version 5"):
        load_version(conn, 5)


def test_the_parent_is_what_was_in_production_at_that_moment(conn: Connection) -> None:
    first = produced(conn)
    assert load_version(conn, added(conn)).parent_version == first


def test_two_versions_cannot_be_in_production(conn: Connection) -> None:
    produced(conn)
    other = added(conn)
    with pytest.raises(pysqlite3.IntegrityError, match="UNIQUE"):
        set_version_status(conn, other, "production")


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE version_events SET reason = 'other'",
        "DELETE FROM version_events",
        "INSERT OR REPLACE INTO version_events"
        " SELECT event_id, version, 'refused', happened_at, '', '{}' FROM version_events",
    ],
)
def test_what_happened_can_be_neither_changed_nor_deleted(conn: Connection, sql: str) -> None:
    added(conn)
    conn.execute("PRAGMA recursive_triggers = ON")  # else a REPLACE deletes without asking
    before = load_events(conn)
    with pytest.raises(pysqlite3.IntegrityError, match="append-only"):
        conn.execute(sql)
    assert load_events(conn) == before


def test_evidence_may_hold_numpy_numbers_and_what_is_not_finite_becomes_null(
    conn: Connection,
) -> None:
    version = added(conn)
    said = {"p": np.float32(0.5), "n": [np.int64(3), math.nan], "in": {"x": -math.inf}, "t": (1,)}
    save_event(conn, event(version, "promoted", **said))
    assert load_events(conn)[-1].evidence == {
        "p": 0.5,
        "n": [3, None],
        "in": {"x": None},
        "t": [1],
    }


def test_a_reader_never_finds_production_empty_or_archived_while_it_changes(
    conn: Connection, tmp_path: Path
) -> None:
    produced(conn)
    done, wrong = threading.Event(), []

    def read() -> None:
        mine = connect(tmp_path / "movies.db")
        while not done.is_set():
            found = load_production(mine)
            if found is None or found.status != "production":
                wrong.append(found)
        mine.close()

    reader = threading.Thread(target=read)
    reader.start()
    for _ in range(60):
        produced(conn)
    done.set()
    reader.join()
    assert wrong == []


def test_the_history_of_production_forgets_what_was_rolled_back() -> None:
    events = [event(v, "promoted") for v in (1, 2, 3, 1)]
    assert live_history(events) == [1, 2, 3, 1]
    assert live_history([*events, event(3, "promoted", rolled_back_from=1)]) == [1, 2, 3]
    assert live_history([*events, event(2, "promoted", rolled_back_from=1)]) == [1, 2]
    again = [*events, event(2, "promoted", rolled_back_from=1), event(3, "promoted")]
    assert live_history(again) == [1, 2, 3]


def test_the_exported_file_follows_production_and_is_written_only_when_it_differs(
    conn: Connection,
) -> None:
    assert not export_deployed(conn)
    assert not export_path(conn).exists()
    produced(conn)
    assert [fault.what for fault in check_export(conn)] == ["is missing"]
    assert export_deployed(conn)
    assert not export_deployed(conn)
    export_path(conn).write_text("{}")
    assert [fault.what for fault in check_export(conn)] == [
        "does not match the version in production"
    ]
    assert export_deployed(conn)
    assert check_export(conn) == []


def test_a_file_that_cannot_be_written_is_told_and_the_old_one_stays(
    conn: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    produced(conn)
    export_deployed(conn)
    old = export_path(conn).read_bytes()
    produced(conn)

    def fail(self: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(StorageError, match="version 2 is in production, but"):
        export_deployed(conn)
    assert export_path(conn).read_bytes() == old
    assert not [f for f in export_path(conn).parent.iterdir() if f.name.startswith(".")]
