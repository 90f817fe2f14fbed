import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from reeltune.commands.versions import model_versioning
from reeltune.db.command_runs import CommandRun, save_command_run
from reeltune.db.connection import Connection, connect, connection, transaction
from reeltune.db.dataset import load_dataset
from reeltune.db.doctor import examine
from reeltune.db.versions import load_version, load_versions
from reeltune.domain.clock import stamp
from reeltune.domain.errors import StorageError
from reeltune.domain.study import StudyConfig
from reeltune.versioning import history as moments
from reeltune.versioning.registry import load_model, promote, rollback
from reeltune.versioning.request import RetrainingRequest
from reeltune.versioning.retraining import retrain
from reeltune.versioning.verification import verify
from tests.versioning.versions import artifact, in_production, produced


def run(path: Path, *words: str, expect: int = 0) -> Result:
    result = CliRunner().invoke(model_versioning, [*words, "--db", str(path)])
    assert result.exit_code == expect, result.output
    return result


def said(path: Path, *words: str, expect: int = 0) -> Any:
    return json.loads(run(path, *words, "--json", expect=expect).stdout)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "movies.db"


@pytest.fixture
def conn(path: Path) -> Connection:
    return connect(path, create=True)


def retrained(path: Path) -> int:
    with connection(path) as conn:
        order = RetrainingRequest(study=StudyConfig(), force=True, accuracy_threshold=0.0)
        version = retrain(conn, load_dataset(conn), order).version
    assert version is not None
    return version


def test_a_version_is_reproduced_to_the_last_bit(world: Path) -> None:
    version = retrained(world)
    assert "to the last bit" in run(world, "reproduce", str(version)).output
    found = said(world, "reproduce", str(version))
    assert found["identical"]
    assert found["found_sha256"] == found["expected_sha256"]
    assert found["changed"] == []


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        ("DELETE FROM ratings WHERE user_id = 1", "the data: -"),
        ("UPDATE ratings SET rating = 6 - rating WHERE user_id = 1", "the data: as many ratings"),
        ("UPDATE training_runs SET code_version = 'old'", "the program: old then"),
        (
            """UPDATE training_runs SET environment = json_set(environment, '$.numpy', '1.0')""",
            "the environment: numpy 1.0 then",
        ),
    ],
)
def test_what_keeps_a_version_from_being_reproduced_is_named(
    world: Path, statement: str, named: str
) -> None:
    version = retrained(world)
    with connection(world) as conn:
        conn.execute(statement)
    result = run(world, "reproduce", str(version), expect=1)
    assert named in result.output
    assert len(result.output.splitlines()) == 2


def test_old_models_go_and_production_and_the_one_before_stay(path: Path, conn: Connection) -> None:
    produced(conn, 6)
    rollback(conn, 2, reason="bad")
    assert said(path, "gc", "--keep", "1", "--dry-run")["versions"] == [3, 4, 5]
    assert len(list(artifact(conn, 1).parent.iterdir())) == 6
    assert said(path, "gc", "--keep", "1")["kept"] == [1, 2, 6]
    assert len(list(artifact(conn, 1).parent.iterdir())) == 3
    assert verify(conn) == []
    assert examine(conn, idle=True) == []
    assert said(path, "gc", "--keep", "1")["versions"] == []
    assert rollback(conn, reason="bad too") == 1


def test_nothing_that_is_shared_with_a_version_that_stays_is_removed(
    path: Path, conn: Connection
) -> None:
    produced(conn, 3)
    conn.execute(
        """UPDATE model_versions SET (artifact, artifact_sha256) =
               (SELECT artifact, artifact_sha256 FROM model_versions WHERE version = 3)
            WHERE version = 1"""
    )
    said(path, "gc", "--keep", "0")
    assert load_model(conn).version.version == 3


def test_a_removed_model_is_refused_with_the_way_back_and_comes_back(world: Path) -> None:
    for _ in range(3):
        retrained(world)
    with connection(world) as conn:
        produced(conn, 3)
        run(world, "gc", "--keep", "0")
        with pytest.raises(StorageError, match="reproduce 1 --restore"):
            promote(conn, 1, "back")
        run(world, "reproduce", "1", "--restore")
        assert load_version(conn, 1).removed_at is None
        assert promote(conn, 1, "back")
        assert verify(conn) == []


def test_a_model_that_cannot_be_made_again_is_not_put_back(world: Path) -> None:
    version = retrained(world)
    with connection(world) as conn:
        conn.execute("DELETE FROM ratings WHERE user_id = 1")
    assert "the data" in run(world, "reproduce", str(version), "--restore", expect=1).output


def test_a_copy_made_by_hand_never_removes_models_of_the_original(
    path: Path, conn: Connection
) -> None:
    produced(conn, 4)
    copy = path.with_name("copy.db")
    with connection(copy, create=True) as target:
        conn.backup(target)
    run(copy, "gc", "--keep", "0")
    assert verify(conn) == []
    produced(conn, 2)
    copy.unlink()


def test_at_a_moment_what_was_promoted_last_before_it_was_live(
    path: Path, conn: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    for day in (1, 3, 5):
        monkeypatch.setattr(
            "reeltune.db.versions.stamp", lambda day=day: f"2026-11-0{day}T04:00:00Z"
        )
        produced(conn)
    monkeypatch.setattr("reeltune.db.versions.stamp", lambda: "2026-11-06T04:00:00Z")
    rollback(conn, reason="bad")
    for moment, version in {
        "2026-11-01": 1,
        "2026-11-03T03:59:59": 1,
        "2026-11-03T05:00+01:00": 2,
        "2026-11-05": 3,
        "2026-11-06": 2,
        "2030-01-01": 2,
    }.items():
        assert said(path, "at", moment)["version"] == version
    assert "nothing was in production at" in run(path, "at", "2026-10-31", expect=1).output
    for wrong in ("yesterday", "2026-13-01", "9999-12-31T23:59:59-23:00", "\x1b[2J", ""):
        assert run(path, "at", wrong, expect=1).output.startswith("error: a moment is like")
    assert moments.read_moment("2026-11-01T00:00") == "2026-11-01T00:00:00Z"


def ended(conn: Connection, code: int = 0, hours_ago: float = 1.0) -> None:
    at = stamp(datetime.now(UTC) - timedelta(hours=hours_ago))
    with transaction(conn):
        run_of = CommandRun(command="tune", started_at=at, ended_at=at, exit_code=code, said="x")
        save_command_run(conn, run_of)


def test_status_tells_sound_from_unsound_and_late(path: Path, conn: Connection) -> None:
    assert said(path, "status", expect=6)["verdict"] == "production is not sound"
    produced(conn)
    assert "ended well ever" in run(path, "status", expect=7).output
    ended(conn, hours_ago=40)
    run(path, "status", expect=7)
    run(path, "status", "--max-age", "50")
    ended(conn, code=3)
    assert said(path, "status")["verdict"] == "healthy"
    ended(conn, code=1)
    run(path, "status", "--quiet")
    (artifact(conn, in_production(conn) or 0) / "manifest.json").unlink()
    assert "is missing" in run(path, "status", expect=6).output


def test_a_missed_night_and_a_lost_database_are_told_to_the_users_command(
    path: Path, conn: Connection, tmp_path: Path
) -> None:
    message = tmp_path / "message"
    notify = ("--notify", f"cat > {message}")
    produced(conn)
    ended(conn)
    run(path, "status", *notify)
    assert not message.exists()
    run(path, "status", "--max-age", "0.5", "--json", *notify, expect=7)
    told = json.loads(message.read_text())
    assert (told["command"], told["exit_code"]) == ("status", 7)
    assert told["said"].startswith("no recent run: no tuning or retraining ended well since 2")
    assert told["result"]["verdict"] == "no recent run"
    run(tmp_path / "moved.db", "status", *notify, expect=1)
    assert json.loads(message.read_text())["said"].startswith("no database at")


def test_a_clock_set_back_makes_no_run_older(path: Path, conn: Connection) -> None:
    produced(conn)
    ended(conn, hours_ago=-24)
    assert said(path, "status")["age_hours"] == 0


def test_a_run_that_ended_far_in_the_future_does_not_hide_that_the_nights_have_stopped(
    path: Path, conn: Connection
) -> None:
    produced(conn)
    ended(conn, hours_ago=-240)
    found = json.loads(run(path, "status", "--json", expect=7).stdout)
    assert (found["verdict"], found["age_hours"]) == ("no recent run", 0)
    assert "lies in the future" in found["wrong"][0]
    assert len(load_versions(conn)) == 1
