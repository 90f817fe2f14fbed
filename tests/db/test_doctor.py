import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from reeltune.commands.database import db as command
from reeltune.db.connection import Connection, connect, connection, transaction
from reeltune.db.dead_runs import DIED, load_dead_runs
from reeltune.db.deployed import export_path
from reeltune.db.experiments import load_experiments
from reeltune.db.tuning_runs import load_run, load_run_process, set_run_process, set_run_status
from reeltune.domain.experiment import TuningRun
from reeltune.storage.run_lock import run_lock
from reeltune.versioning.registry import load_model
from reeltune.versioning.verification import verify
from tests.commands.test_tune import tuned
from tests.db.test_backup import flip
from tests.versioning.versions import artifact, produced


def run(path: Path, *words: str, expect: int = 0) -> Result:
    result = CliRunner().invoke(command, [*words, "--db", str(path)])
    assert result.exit_code == expect, result.output
    return result


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "movies.db"


@pytest.fixture
def conn(path: Path) -> Connection:
    return connect(path, create=True)


def test_a_sound_database_passes(path: Path, conn: Connection) -> None:
    produced(conn, 2)
    assert run(path, "check").output.startswith("nothing is wrong")
    assert run(path, "doctor").output == "nothing is wrong\n"


def leave_running(world: Path) -> TuningRun:
    """A run as a killed process leaves it."""
    run_id = tuned(world, "random", 2).tuning_run_id
    with connection(world) as conn, transaction(conn):
        set_run_status(conn, run_id, "running")
        conn.execute(
            """UPDATE hp_experiments SET status = 'running', completion_number = NULL
                WHERE number = 2"""
        )
        return load_run(conn, run_id)


def test_a_dead_run_is_closed_and_can_be_resumed(world: Path) -> None:
    dead = leave_running(world)
    said = run(world, "doctor", expect=1)
    assert dead.tuning_run_id in said.stdout
    assert "--resume" in said.stdout
    assert "doctor --fix" in said.stderr
    run(world, "doctor", "--fix")
    with connection(world) as conn:
        assert load_run(conn, dead.tuning_run_id).status == "interrupted"
        found = [e.status for e in load_experiments(conn, dead.tuning_run_id)]
    assert found == ["completed", "completed", "pending"]


def test_a_new_run_closes_those_of_dead_processes(world: Path) -> None:
    dead = leave_running(world)
    with connection(world) as conn:
        set_run_process(conn, dead.tuning_run_id, 1)
    tuned(world, "random", 1)
    with connection(world) as conn:
        closed = load_run(conn, dead.tuning_run_id)
        assert load_run_process(conn, dead.tuning_run_id) is None
        assert load_dead_runs(conn) == []
    assert (closed.status, closed.stop_reason) == ("interrupted", DIED)
    assert run(world, "doctor").output == "nothing is wrong\n"


def test_a_run_that_is_alive_is_left_alone(world: Path) -> None:
    leave_running(world)
    with run_lock(world):
        said = run(world, "doctor")
        run(world, "doctor", "--fix", expect=4)
    assert "is in use by process" in said.stderr


def test_what_died_in_the_middle_is_cleared_away(path: Path, conn: Connection) -> None:
    produced(conn, 2)
    orphan = artifact(conn, 1).with_name("0123456789abcdef")
    (orphan / "deep").mkdir(parents=True)
    (orphan.parent / ".movies.db.unfinished").mkdir()
    export_path(conn).unlink()
    for name in (".movies.db.restoring", ".movies.db.hyperparameters.json"):
        path.with_name(name).touch()
    assert len(json.loads(run(path, "doctor", "--json", expect=1).stdout)["faults"]) == 5
    said = json.loads(run(path, "doctor", "--fix", "--json").stdout)
    assert said["ok"]
    assert len(said["mended"]) == 5
    assert verify(conn) == []
    assert sorted(p.name for p in path.parent.glob(".*")) == []


def test_models_that_only_a_copy_of_the_database_names_are_no_orphans(
    path: Path, conn: Connection, tmp_path: Path
) -> None:
    produced(conn, 2)
    run(path, "backup", str(tmp_path / "saved"))
    produced(conn)
    copy = path.with_name("copy.db")
    with connection(copy, create=True) as target:
        conn.backup(target)
    run(path, "restore", str(tmp_path / "saved"), "--force")
    run(path, "doctor", "--fix")
    with connection(copy) as kept:
        assert load_model(kept, 3).version.version == 3
        model = artifact(kept, 3)
    hidden = copy.rename(path.with_name("moved.old"))
    run(path, "doctor", "--fix")
    assert model.exists()
    hidden.unlink()
    said = run(path, "doctor", "--fix").output
    assert said.index(str(model)) < said.index("repaired: movies.versions/")
    assert len(list(artifact(conn, 2).parent.iterdir())) == 2
    assert run(path, "undo").output == f"put back: {model}\n"
    assert (model / "manifest.json").exists()


def test_what_cannot_be_mended_is_told_and_left(path: Path, conn: Connection) -> None:
    produced(conn, 2)
    flip(artifact(conn, 1) / "arrays.safetensors")
    assert "was changed" in run(path, "doctor", "--fix", expect=1).output


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE migrations SET sha256 = 'x' WHERE number = 2", "migration 2 is not the program's"),
        ("DELETE FROM migrations WHERE number = 1", "migration 1 is not recorded"),
        ("INSERT INTO movie_genres VALUES (99, 99, 'demo')", "names a row of"),
    ],
)
def test_check_names_what_is_wrong(path: Path, conn: Connection, statement: str, said: str) -> None:
    conn.execute("PRAGMA foreign_keys = OFF")
    conn.execute(statement)
    assert said in run(path, "check", expect=1).output
    assert not json.loads(run(path, "check", "--json", expect=1).stdout)["ok"]


def test_check_names_a_table_that_is_not_as_it_was_made_and_leaves_alone_what_users_add(
    path: Path, conn: Connection
) -> None:
    conn.execute("CREATE VIEW mine AS SELECT count(*) FROM ratings")
    run(path, "check")
    conn.execute("ALTER TABLE people RENAME COLUMN name TO nbme")
    assert "tables differ" in run(path, "check", expect=1).output
