"""An older file in the place of the database: who was erased since stays out, erased again."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from reeltune.commands.main import main
from reeltune.db.carried_erasures import check_held_again, held_again
from reeltune.db.connection import Connection, connection, transaction
from reeltune.db.erasing import find_subject
from reeltune.db.erasures import hash_of, load_erasures, load_tombstones
from reeltune.db.holders import models_with
from reeltune.db.ratings import save_ratings
from reeltune.versioning.erasure import readmit
from reeltune.versioning.verification import verify
from tests.running import run


@pytest.fixture
def saved(world: Path) -> Path:
    """A backup of a world with a version in production, in which users 7 and 8 are erased since."""
    run("retrain_model.py", "--accuracy-threshold", "0", "--quiet", "--db", world)
    reeltune("db", "backup", world.with_name("saved"), "--db", world)
    reeltune("erase", "user", "7", "--models", "drop", "--db", world)
    reeltune("erase", "ratings", "8", "--models", "drop", "--db", world)
    return world


def reeltune(*words: str | Path, expect: int = 0) -> Result:
    done = CliRunner().invoke(main, [str(word) for word in words], prog_name="reeltune")
    assert done.exit_code == expect, f"{words}\n{done.output}\n{done.exception!r}"
    return done


def restore(path: Path, *words: str | Path, expect: int = 0) -> Result:
    where = path.with_name("saved")
    return reeltune("db", "restore", where, "--force", "--db", path, *words, expect=expect)


def users(conn: Connection) -> set[int]:
    return {row[0] for row in conn.execute("SELECT DISTINCT user_id FROM ratings")}


def is_nowhere(conn: Connection, path: Path, user: str) -> bool:
    return int(user) not in users(conn) and not models_with(path, find_subject(conn, user))


def test_a_restore_erases_again_whom_the_backup_holds(saved: Path) -> None:
    with connection(saved) as conn:
        before = load_tombstones(conn)
    assert "note: 2 users were erased again" in restore(saved).stderr
    with connection(saved) as conn:
        assert is_nowhere(conn, saved, "7")
        assert is_nowhere(conn, saved, "8")
        assert load_tombstones(conn) == before  # also until when ratings of 8 are left out
        assert verify(conn) == []
        assert held_again(conn) == []


def test_killed_before_it_erases_again_the_database_says_so_and_goes_on(
    saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reeltune.commands.database.erase_again", lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        CliRunner().invoke(
            main,
            ["db", "restore", str(saved.with_name("saved")), "--force", "--db", str(saved)],
            catch_exceptions=False,
        )
    with connection(saved) as conn:
        assert {each.name for each in held_again(conn)} == {"7", "8"}
        assert load_tombstones(conn).leaves_out("7", 0)
        found = [fault.remedy for fault in verify(conn)]
        assert "run `reeltune erase again`" in found
        assert sum("reeltune erase user ID" in remedy for remedy in found) == 1
    assert "erased again: 2 users" in reeltune("erase", "again", "--db", saved).stdout
    with connection(saved) as conn:
        assert verify(conn) == []
        assert is_nowhere(conn, saved, "7")


def test_who_was_let_in_again_stays_in(saved: Path) -> None:
    with connection(saved) as conn:
        assert readmit(conn, "7")
    restore(saved)
    with connection(saved) as conn:
        assert 7 in users(conn)
        assert is_nowhere(conn, saved, "8")
        assert held_again(conn) == []


def test_ratings_since_are_no_reason_to_erase_again(saved: Path) -> None:
    with connection(saved) as conn, transaction(conn):
        movie = conn.execute("SELECT min(movie_id) FROM movies").fetchone()[0]
        (_, of_8) = load_erasures(conn)
        assert of_8.kept_out_until is not None
        later = of_8.kept_out_until + 1
        row = (np.array([8]), np.array([movie]), np.array([4.0]), np.array([later]))
        save_ratings(conn, *row)
    with connection(saved) as conn:
        assert held_again(conn) == []


def test_a_file_that_is_put_back_by_hand_is_noticed(saved: Path) -> None:
    for ending in ("", "-wal", "-shm"):
        saved.with_name(saved.name + ending).unlink(missing_ok=True)
    shutil.copy(saved.with_name("saved") / "movies.db", saved)
    with connection(saved) as conn:
        subjects = [fault.subject for fault in check_held_again(conn)]
        assert subjects == ["movies.erasure-1.json", "movies.erasure-2.json"]
    told = reeltune("versions", "verify", "--db", saved, expect=1).stdout
    assert "an older file is in its place" in told
    reeltune("erase", "user", "7", "--db", saved)
    with connection(saved) as conn:  # its account was written anew
        assert [f.subject for f in check_held_again(conn)] == ["movies.erasure-2.json"]


def test_of_a_damaged_database_the_accounts_tell_whom_the_backup_may_hold(saved: Path) -> None:
    saved.write_bytes(b"no database" * 1000)
    assert "tells of an erasure that this database does not know" in restore(saved).stderr


def test_a_backup_with_another_key_is_refused_and_nothing_is_changed(saved: Path) -> None:
    shutil.rmtree(saved.with_name("saved"))
    other = saved.with_name("other") / "movies.db"
    other.parent.mkdir()
    reeltune(
        "import",
        "demo",
        "--users",
        "50",
        "--movies",
        "60",
        "--ratings",
        "1000",
        "--quiet",
        "--db",
        other,
    )
    with connection(other) as conn, transaction(conn):
        hash_of(conn, "x")
    reeltune("db", "backup", saved.with_name("saved"), "--db", other)
    with connection(saved) as conn:
        before = users(conn)
    assert "restore it under another name" in restore(saved, expect=1).stderr
    with connection(saved) as conn:
        assert users(conn) == before
