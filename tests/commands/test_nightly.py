"""Nights by one command, as cron runs them: real processes on a database of their own."""

import json
import re
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pysqlite3 as sqlite
import pytest

from reeltune.db.connection import connection, transaction
from reeltune.db.ratings import count_ratings
from reeltune.db.restore import load_backup
from reeltune.db.sources import save_source
from reeltune.db.tuning_runs import load_runs
from reeltune.db.versions import load_production
from reeltune.storage.run_lock import run_lock
from tests.docs.workplace import write_app, write_movielens
from tests.running import command, environment, run

pytestmark = pytest.mark.slow

SETTINGS = """
[search]
method = "random"
configs = 2
jobs = 1
[gate]
accuracy_threshold = 0.0
"""
LINE = re.compile(
    r"\d{4}-\d\d-\d\d (changed|renewed|kept): version \d+ in production; .+; "
    r"\d+ ratings behind; (failed: [\w, ]+; )?\d+\.\d s"
)
MAPPING = {
    "ratings": [
        {
            "table": "votes",
            "user": "user_id",
            "movie": "film_id",
            "rating": "vote",
            "scale": "1-10",
            "time": "voted_at",
            "time_format": "iso",
        }
    ],
    "movies": [{"table": "films", "movie": "id", "title": "title", "year": "year"}],
}


@pytest.fixture
def night_world(world: Path) -> Path:
    """A world with settings beside it."""
    world.with_suffix(".toml").write_text(SETTINGS)
    return world


def night(world: Path, *words: str | Path, expect: int = 0) -> list[str]:
    """The lines that a night prints, the last of which is checked to sum it up."""
    done = run("-m", "reeltune", "nightly", "--db", world, *words, expect=expect)
    lines = done.stdout.splitlines()
    assert LINE.fullmatch(lines[-1]), done.stdout
    return lines


def night_json(world: Path, *words: str | Path, expect: int = 0) -> Any:
    done = run("-m", "reeltune", "nightly", "--db", world, *words, "--json", expect=expect)
    return json.loads(done.stdout)


def steps(lines: list[str]) -> dict[str, str]:
    """The messages of a night's steps, by step."""
    return {line.split(" ", 1)[1].split(": ")[0]: line.split(": ", 1)[1] for line in lines[:-1]}


def rate(world: Path, user: int, n: int = 12) -> None:
    """Let a user rate some movies now, liked ones and others."""
    with connection(world) as conn, transaction(conn):
        conn.execute(
            "INSERT INTO ratings (user_id, movie_id, rating, rated_at)"
            " SELECT :user, movie_id, 2.0 + movie_id % 7 / 2.0, :now + movie_id"
            " FROM movies ORDER BY movie_id LIMIT :n",
            {"user": user, "now": int(time.time()) - 10_000, "n": n},
        )


def version(world: Path) -> tuple[int, int]:
    """The version in production, and how many ratings it was fitted to."""
    with connection(world) as conn:
        found = load_production(conn)
    assert found is not None
    return found.version, found.training.n_ratings


def backups(world: Path) -> list[Path]:
    return sorted(world.with_name("movies.backups").iterdir())


def test_three_nights_renew_what_is_served_and_end_in_one_line_each(night_world: Path) -> None:
    first = night(night_world)
    assert list(steps(first)) == ["monitor", "tune", "deploy", "backup"]
    assert first[-1].split()[1] == "changed:"
    before, n = version(night_world)
    for user in (901, 902):
        rate(night_world, user)
        lines = night(night_world)
        assert lines[-1].split()[1] in ("changed:", "renewed:")
        assert "; 0 ratings behind;" in lines[-1]
        assert version(night_world) > (before, n)
        assert version(night_world)[1] == n + 12
        before, n = version(night_world)
        shown = run("-m", "reeltune", "versions", "show", "--user", str(user), "--db", night_world)
        assert str(user) in shown.stdout
    run("-m", "reeltune", "status", "--db", night_world)
    run("-m", "reeltune", "versions", "verify", "--db", night_world)
    (backup,) = backups(night_world)  # of a day the latest
    assert load_backup(backup).database == "movies.db"


def test_a_night_that_is_run_again_does_no_harm(night_world: Path) -> None:
    night(night_world)
    before = version(night_world)
    again = night_json(night_world)
    assert (again["night"]["verdict"], again["night"]["exit_code"]) in (("kept", 0), ("changed", 0))
    if again["night"]["verdict"] == "kept":
        assert version(night_world) == before
    assert "experiments_run" not in again["tuning"]  # nothing speaks for another search
    assert [each["step"] for each in again["steps"]] == ["monitor", "tune", "deploy", "backup"]
    assert len(backups(night_world)) == 1


def test_a_source_is_read_first_and_a_broken_one_stops_nothing(tmp_path: Path, world: Path) -> None:
    app, path = tmp_path / "app.db", tmp_path / "own" / "movies.db"
    path.parent.mkdir()
    write_app(world, app)
    with connection(path, create=True) as conn, transaction(conn):
        save_source(conn, "app", str(app), MAPPING, 0.05)
        save_source(conn, "gone", str(tmp_path / "gone.csv"), MAPPING, 0.05)
    path.with_suffix(".toml").write_text(SETTINGS)
    lines = night(path, expect=1)
    assert steps(lines)["import app"] == "4,000 new ratings"
    assert "gone.csv" in steps(lines)["import gone"]
    assert "; failed: import gone; " in lines[-1]
    assert version(path)[1] == 4_000
    assert len(backups(path)) == 1
    vote(app, "u-901", 10)
    assert steps(night(path, expect=1))["import app"] == "10 new ratings"
    assert version(path)[1] == 4_010


def vote(app: Path, user: str, n: int, votes: str = "1 + id % 10") -> None:
    conn = sqlite.connect(str(app))
    conn.execute(
        f"INSERT INTO votes SELECT ?, id, {votes}, '2026-11-27T10:00:00+00:00' FROM films LIMIT ?",
        (user, n),
    )
    conn.commit()
    conn.close()


def test_a_source_of_which_most_is_rejected_ends_the_night_with_8_and_renews(
    tmp_path: Path, world: Path
) -> None:
    app, path = tmp_path / "app.db", tmp_path / "own" / "movies.db"
    path.parent.mkdir()
    write_app(world, app)
    with connection(path, create=True) as conn, transaction(conn):
        save_source(conn, "app", str(app), MAPPING, 0.05)
    path.with_suffix(".toml").write_text(SETTINGS)
    night(path)
    vote(app, "u-902", 240, "'often'")
    vote(app, "u-903", 100)
    rate(path, 99_999)
    before = version(path)[1]
    lines = night(path, expect=8)
    assert "of 4,340 rows" in steps(lines)["import app"]
    assert "; failed: import app; " in lines[-1]
    assert version(path)[1] == before + 12


def test_movielens_files_are_imported_before_the_night(tmp_path: Path, world: Path) -> None:
    write_movielens(world, tmp_path / "files")
    path = tmp_path / "own.db"
    path.with_suffix(".toml").write_text(f"{SETTINGS}\n[import]\nmovielens = 'files'\n")
    assert steps(night(path))["import"].startswith("4,000 new ratings of ")
    assert steps(night(path))["import"].startswith("0 new ratings of ")
    with connection(path) as conn:
        assert count_ratings(conn) == 4_000


def test_a_backup_that_cannot_be_written_is_told_of_and_production_is_renewed(
    night_world: Path, tmp_path: Path
) -> None:
    night(night_world)
    rate(night_world, 901)
    (tmp_path / "file").touch()
    with night_world.with_suffix(".toml").open("a") as file:
        file.write(f"[backup]\ndirectory = '{tmp_path}/file/kept'\n")
    lines = night(night_world, expect=1)
    assert "cannot be written" in steps(lines)["backup"]
    assert "; failed: backup; " in lines[-1]
    assert lines[-1].split()[1] in ("changed:", "renewed:")


def test_a_search_that_cannot_begin_still_renews_and_backs_up(night_world: Path) -> None:
    night(night_world)
    rate(night_world, 901)
    words = ("--model", "no.such:Model", "--keep-backups", "3")
    lines = night(night_world, *words, expect=1)
    assert "cannot be imported" in steps(lines)["tune"]
    assert lines[-1].split()[1] == "renewed:"
    assert "; failed: tune; " in lines[-1]
    assert "backup" in steps(lines)
    assert version(night_world)[1] == 4_012


def test_a_first_version_that_the_gate_refuses_ends_with_3(night_world: Path) -> None:
    done = run(
        *("-m", "reeltune", "nightly", "--db", night_world, "--accuracy-threshold", "1"),
        *("--keep-backups", "0"),
        expect=3,
    )
    line = done.stdout.splitlines()[-1]
    assert "kept: nothing in production; searched: nothing is in production; the change was" in line
    assert not night_world.with_name("movies.backups").exists()


def test_another_run_that_holds_the_database_ends_it_at_once_with_4(
    night_world: Path, tmp_path: Path
) -> None:
    message = tmp_path / "message"
    with run_lock(night_world):
        words = ("nightly", "--db", night_world, "--notify", f"cat > {message}")
        done = run("-m", "reeltune", *words, expect=4)
    assert (done.stdout, len(done.stderr.splitlines())) == ("", 1)
    assert json.loads(message.read_text())["exit_code"] == 4
    with connection(night_world) as conn:
        assert load_runs(conn) == []


def test_how_a_night_ended_is_told(night_world: Path, tmp_path: Path) -> None:
    message = tmp_path / "message"
    lines = night(night_world, "--notify", f"cat > {message}")
    told = json.loads(message.read_text())
    assert (told["command"], told["exit_code"]) == ("nightly", 0)
    assert told["said"][:40] == lines[-1][:40]
    assert told["result"]["night"]["verdict"] == "changed"


def test_a_log_of_json_has_an_object_a_line_and_the_night_last(night_world: Path) -> None:
    done = run("-m", "reeltune", "nightly", "--db", night_world, "--log-format", "json")
    results = [json.loads(line) for line in done.stdout.splitlines()]
    assert [each["event"] for each in results] == ["step"] * 4 + ["night"]
    assert LINE.fullmatch(results[-1]["line"])
    assert (results[-1]["verdict"], results[-1]["exit_code"]) == ("changed", 0)
    assert all(json.loads(line)["time"] for line in done.stderr.splitlines())


def begun(world: Path) -> subprocess.Popen[str]:
    """A night in a process of its own, in the middle of its search."""
    words = ("-m", "reeltune", "nightly", "--db", world, "--configs", "20000")
    process = subprocess.Popen(
        command(*words),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    )
    assert process.stderr is not None
    for line in process.stderr:
        if re.search(r"no\. \d+  completed", line):
            return process
    raise AssertionError("the search ended")


def test_a_killed_night_leaves_nothing_that_hinders_the_next(night_world: Path) -> None:
    process = begun(night_world)
    process.kill()
    process.communicate()
    lines = night(night_world)
    assert lines[-1].split()[1] == "changed:"
    run("-m", "reeltune", "db", "doctor", "--db", night_world)


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT])
def test_a_night_that_is_asked_to_end_says_so_in_its_line(
    night_world: Path, sent: signal.Signals
) -> None:
    process = begun(night_world)
    process.send_signal(sent)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    last = output.splitlines()[-1]
    assert re.match(r"\d{4}-\d\d-\d\d interrupted: tune: ", last)
    assert "resume" in last
    assert not night_world.with_name("movies.backups").exists()
    night(night_world)
