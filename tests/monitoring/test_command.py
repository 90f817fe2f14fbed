"""The command that monitors production, on data whose latest ratings come in later."""

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from reeltune.cli.console import progress_bar, remark_console
from reeltune.commands.versions import model_versioning
from reeltune.db.connection import Connection, connection, transaction
from reeltune.db.dataset import load_dataset
from reeltune.db.test_evaluations import load_reference
from reeltune.domain.study import StudyConfig
from reeltune.importers.demo import import_demo
from reeltune.importers.demo_settings import DemoSettings
from reeltune.ratings.dataset import Dataset
from reeltune.versioning.request import RetrainingRequest
from reeltune.versioning.retraining import retrain

Rows = list[tuple[int, int, float, int]]


def latest(conn: Connection, n: int) -> Rows:
    rows = conn.execute(
        "SELECT user_id, movie_id, rating, rated_at FROM ratings ORDER BY rated_at DESC LIMIT :n",
        {"n": n},
    )
    return [tuple(row) for row in rows]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Rows]:
    """A version in production that has not seen the latest ratings; and these."""
    path = tmp_path_factory.mktemp("monitored") / "movies.db"
    settings = DemoSettings(users=400, movies=120, ratings=12_000, seed=3)
    with connection(path, create=True) as conn, progress_bar(remark_console(quiet=True), "") as bar:
        import_demo(conn, settings, bar)
        rows = latest(conn, 2_400)
        with transaction(conn):
            conn.executemany(
                "DELETE FROM ratings WHERE user_id = ? AND movie_id = ?", [row[:2] for row in rows]
            )
        retrain(
            conn, load_dataset(conn), RetrainingRequest(study=StudyConfig(), accuracy_threshold=0.0)
        )
    return path, rows


@pytest.fixture
def promoted(made: tuple[Path, Rows], tmp_path: Path) -> tuple[Path, Rows]:
    """A copy of that, to be changed."""
    shutil.copytree(made[0].parent, tmp_path / "copy")
    return tmp_path / "copy" / "movies.db", made[1]


def insert(path: Path, rows: Rows) -> None:
    with connection(path) as conn, transaction(conn):
        conn.executemany("INSERT INTO ratings VALUES (?, ?, ?, ?)", rows)


def monitor(path: Path, *options: str) -> Result:
    return CliRunner().invoke(model_versioning, ["monitor", "--db", str(path), *options])


def test_without_new_ratings_it_cannot_tell(promoted: tuple[Path, Rows]) -> None:
    path, _ = promoted
    done = monitor(path, "--json")
    found = json.loads(done.stdout)
    assert (done.exit_code, found["health"], found["n_new_ratings"]) == (0, "cannot tell", 0)


def test_ratings_of_the_same_kind_find_production_well(promoted: tuple[Path, Rows]) -> None:
    path, rows = promoted
    insert(path, rows)
    done = monitor(path)
    assert done.exit_code == 0
    assert "Version 1: no degradation" in done.stdout
    assert f"{len(rows):,} ratings are newer" in done.stdout


def test_tastes_turned_round_leave_with_5(promoted: tuple[Path, Rows]) -> None:
    path, rows = promoted
    insert(path, [(user, movie, 5.5 - rating, at) for user, movie, rating, at in rows])
    done = monitor(path, "--json")
    assert done.exit_code == 5
    assert "error: version 1 has degraded: accuracy 0." in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    found = json.loads(done.stdout)
    assert found["accuracy"]["fallen"]
    assert {each["name"]: each["drifted"] for each in found["drift"]}["ratings"]


def test_a_fall_is_told_to_the_users_command_and_health_is_not(
    promoted: tuple[Path, Rows], tmp_path: Path
) -> None:
    path, rows = promoted
    message = tmp_path / "message"
    monitor(path, "--notify", f"cat > {message}")
    assert not message.exists()
    insert(path, [(user, movie, 5.5 - rating, at) for user, movie, rating, at in rows])
    assert monitor(path, "--quiet", "--notify", f"cat > {message}").exit_code == 5
    told = json.loads(message.read_text())
    assert (told["command"], told["exit_code"]) == ("monitor", 5)
    assert told["said"].startswith("accuracy 0.")
    assert told["result"]["accuracy"]["fallen"]


def test_with_nothing_in_production_there_is_nothing_to_monitor(world: Path) -> None:
    done = monitor(world)
    assert done.exit_code == 1
    assert "no version is in production" in done.stderr


FAR = 4_102_444_000  # in 2099


def test_a_rating_that_lies_in_the_future_hides_nothing_whenever_it_came(
    promoted: tuple[Path, Rows],
) -> None:
    path, rows = promoted
    inverted = [(user, movie, 5.5 - rating, at) for user, movie, rating, at in rows]
    insert(path, [(900_001, 1, 4.0, FAR)])
    assert "1 ratings have a time in the future" in monitor(path).stdout
    with connection(path) as conn:
        retrain(
            conn,
            load_dataset(conn),
            RetrainingRequest(study=StudyConfig(), force=True, accuracy_threshold=0.0),
        )
        assert load_reference(conn, 2, "accuracy").newest_rated_at < FAR  # type: ignore[union-attr]
    insert(path, inverted)
    done = monitor(path, "--json")
    assert (done.exit_code, json.loads(done.stdout)["n_new_ratings"]) == (5, len(rows))


def test_a_version_of_a_program_that_believed_any_time_is_watched_all_the_same(
    promoted: tuple[Path, Rows],
) -> None:
    path, rows = promoted
    with connection(path) as conn:
        conn.execute("INSERT INTO ratings VALUES (900001, 1, 4.0, :far)", {"far": FAR})
        conn.execute("UPDATE version_references SET newest_rated_at = :far", {"far": FAR})
        conn.execute("UPDATE training_runs SET n_ratings = n_ratings + 1")
    insert(path, [(user, movie, 5.5 - rating, at) for user, movie, rating, at in rows])
    done = monitor(path, "--json")
    assert done.exit_code == 5
    assert json.loads(done.stdout)["n_new_ratings"] == len(rows)


def test_it_reads_as_of_one_moment_whoever_is_erased_meanwhile(
    promoted: tuple[Path, Rows], monkeypatch: pytest.MonkeyPatch
) -> None:
    path, rows = promoted
    insert(path, rows)
    before = json.loads(monitor(path, "--json").stdout)

    def load_and_erase(conn: Connection) -> Dataset:
        data = load_dataset(conn)
        with connection(path) as other, transaction(other):
            other.execute("DELETE FROM version_references")
        return data

    monkeypatch.setattr("reeltune.db.dataset.load_dataset", load_and_erase)
    assert json.loads(monitor(path, "--json").stdout) == before
    monkeypatch.undo()
    assert not monitor(path, "--json").stdout  # there is nothing left to watch it against
