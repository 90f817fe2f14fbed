import json
import math
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import pytest
from click.testing import CliRunner, Result

from db.connection import Connection, connect, connection
from db.deployed import export_path
from db.versions import load_events, load_production, load_version, load_versions
from domain.arrays import AnyArray, Floats, Ints
from domain.catalogue import Catalogue
from domain.errors import BusyError, InputError, NotFoundError, StorageError
from domain.ratings import RatingTable
from domain.space import Configuration, Hyperparameter, Single, Space
from domain.version import TrainingRun
from model import HandWeighted
from model_versioning import (
    load_model,
    model_versioning,
    promote,
    refuse,
    register,
    rollback,
    verify,
)
from tests.evaluation.worlds import catalogue_of, table_of

ROOT = Path(__file__).parents[1]
RATINGS = table_of([(1, 10, 4.0, 1), (1, 20, 2.0, 2), (7, 30, 5.0, 1)], [10, 20, 30, 40])
CATALOGUE = catalogue_of([10, 20, 30, 40], [[0], [1], [0, 2], []])


class Constant:
    """Scores every movie with its one hyperparameter."""

    space: ClassVar[Space] = Space(
        (Single(Hyperparameter(name="level", default=0, low=0, high=10**6, meaning="the score")),)
    )

    def __init__(self, hyperparameters: Configuration) -> None:
        self.level = np.array([float(hyperparameters["level"])])
        self.n_movies = np.array([0])

    def fit(self, ratings: RatingTable, catalogue: Catalogue) -> Self:
        self.n_movies = np.array([ratings.n_movies])
        return self

    def score(self, users: Ints) -> Floats:
        return np.broadcast_to(self.level, (len(users), int(self.n_movies[0])))

    def arrays(self) -> dict[str, AnyArray]:
        return {"level": self.level, "n_movies": self.n_movies}

    def load(self, arrays: Mapping[str, AnyArray]) -> Self:
        self.level = arrays["level"].astype(np.float64)
        self.n_movies = arrays["n_movies"].astype(np.int64)
        return self


class Forgetful(Constant):
    """Does not store what it scores by."""

    def load(self, arrays: Mapping[str, AnyArray]) -> Self:
        super().load(arrays)
        self.level = self.level + 1
        return self


def training(level: int = 1, **values: Any) -> TrainingRun:
    usual: dict[str, Any] = {
        "created_at": "2026-11-20T21:40:00Z",
        "experiment_id": None,
        "model": "tests.test_model_versioning:Constant",
        "hyperparameters": {"level": level},
        "split": "user-time",
        "data_fingerprint": "d" * 64,
        "n_ratings": len(RATINGS),
        "code_version": "c0de",
        "seed": 0,
        "environment": {"python": "3.11"},
        "test_metrics": {"accuracy": 0.7, "ndcg@10": 0.1},
        "duration_seconds": 1.5,
    }
    return TrainingRun(**usual | values)


def registered(conn: Connection, level: int = 1, **values: Any) -> int:
    model = Constant({"level": level}).fit(RATINGS, CATALOGUE)
    return register(conn, training(level, **values), model, RATINGS, {"p": 0.01}, "tuned")


def produced(conn: Connection, n: int = 1) -> int:
    """Promote `n` new versions one after the other; the last."""
    for _ in range(n):
        version = registered(conn, 1 + len(load_versions(conn)))
        promote(conn, version, "better")
    return version


def in_production(conn: Connection) -> int | None:
    found = load_production(conn)
    return found.version if found else None


def events(conn: Connection, version: int) -> list[str]:
    return [event.event for event in load_events(conn, version)]


def exported(conn: Connection) -> Any:
    return json.loads(export_path(conn).read_text())


def artifact(conn: Connection, version: int) -> Path:
    found = load_version(conn, version).artifact
    assert found is not None
    return export_path(conn).parent / found


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
    with pytest.raises(InputError, match=r"scores otherwise after load\(arrays\(\)\)"):
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


def run_python(code: str, *args: str) -> "subprocess.Popen[str]":
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "PYTHONWARNINGS": "error"}
    command = [sys.executable, "-c", f"from tests.test_model_versioning import *; {code}", *args]
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)


def promote_many(db: str, n: str) -> None:
    """In another process: promote new versions, and now and then roll back."""
    with connection(Path(db)) as conn:
        for k in range(int(n)):
            produced(conn)
            if k % 5 == 4:
                rollback(conn, reason="bad")


def test_a_reader_sees_the_old_version_or_the_new_and_never_a_mixture(
    db: Path, conn: Connection
) -> None:
    produced(conn)
    writer = run_python("promote_many(sys.argv[1], sys.argv[2])", str(db), "40")
    seen: set[int] = set()
    with writer:
        while writer.poll() is None:
            loaded = load_model(conn)
            level = loaded.version.training.hyperparameters["level"]
            assert loaded.version.status == "production"
            assert float(loaded.model.score(np.array([0]))[0, 0]) == level == loaded.version.version
            said = exported(conn)
            assert said["hyperparameters"]["level"] == said["version"]
            seen.add(loaded.version.version)
    assert writer.returncode == 0
    assert len(seen) > 5
    assert verify(conn) == []


WRITES = {"execute", "fsync", "mkdir", "open", "rename", "replace", "rmdir", "unlink", "write"}


def at_call(number: int, act: Callable[[], None]) -> list[int]:
    """From now on, `act` before each call of WRITES from `number` on; how many there were."""
    seen = [0]

    def count(frame: object, event: str, arg: object) -> None:
        if event == "c_call" and getattr(arg, "__name__", "") in WRITES:
            seen[0] += 1
            if seen[0] > number:
                act()

    sys.setprofile(count)
    return seen


def kill_at_every_write(db: str) -> None:
    """In another process: kill one that promotes, at each of its writes; look at what is left."""
    with connection(Path(db)) as conn:
        produced(conn, 2)  # imports are done only once
        calls = at_call(0, lambda: None)
        produced(conn)
        sys.setprofile(None)
    for number in range(calls[0] + 1):
        reader, writer = os.pipe()
        if os.fork() == 0:
            produce_and_die(Path(db), writer, number)
        os.close(writer)
        with os.fdopen(reader) as pipe:
            acknowledged = [int(line) for line in pipe]  # until it is dead
        assert os.WTERMSIG(os.wait()[1]) == signal.SIGKILL
        print(json.dumps(left_after(Path(db), acknowledged)), flush=True)


def produce_and_die(db: Path, acknowledge: int, number: int) -> None:
    """Promote two new versions, the second no further than to its write `number`."""
    with connection(db) as conn:
        os.write(acknowledge, f"{produced(conn)}\n".encode())
        at_call(number, lambda: os.kill(os.getpid(), signal.SIGKILL))
        produced(conn)
    os.kill(os.getpid(), signal.SIGKILL)


HALVES = """
    SELECT (SELECT count(*) FROM training_runs
             WHERE training_run_id NOT IN (SELECT training_run_id FROM model_versions))
         + (SELECT count(*) FROM model_versions
             WHERE version NOT IN (SELECT version FROM version_events))
"""


def left_after(db: Path, acknowledged: list[int]) -> dict[str, Any]:
    """What is in the database after a kill, and after the next promotion."""
    with connection(db) as conn:
        known = {version.version for version in load_versions(conn)}
        before = [fault.subject for fault in verify(conn)]
        (halves,) = conn.execute(HALVES).fetchone()
        production = in_production(conn)
        if production is not None:
            promote(conn, production, "again")
        after = [fault.subject for fault in verify(conn)]
    lost = [v for v in acknowledged if v not in known or production is None or v > production]
    return {
        "done": len(acknowledged),
        "lost": lost,
        "halves": halves,
        "before": before,
        "after": after,
    }


def test_a_kill_at_any_write_leaves_no_more_than_an_orphan_or_an_old_export(db: Path) -> None:
    connect(db, create=True).close()
    with run_python("kill_at_every_write(sys.argv[1])", str(db)) as killer:
        assert killer.stdout is not None
        found = [json.loads(line) for line in killer.stdout]
    assert killer.returncode == 0
    assert len(found) > 30
    assert all(each["done"] == 1 for each in found)
    for each in found:
        assert each["lost"] == []
        assert each["halves"] == 0
        assert all(is_orphan(s) or s == "hyperparameters.json" for s in each["before"])
        assert all(is_orphan(subject) for subject in each["after"])
    before = {subject for each in found for subject in each["before"]}
    assert any(map(is_orphan, before))  # registrations were hit in the middle,
    assert "hyperparameters.json" in before  # and promotions
    assert found[-1]["after"] == []  # registering the same again took each orphan up


def is_orphan(subject: str) -> bool:
    return subject.startswith("movies.versions/")


def run(db: Path, *args: str) -> Result:
    result = CliRunner().invoke(model_versioning, [*args, "--db", str(db)])
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result


def test_the_commands_promote_roll_back_and_verify(db: Path, conn: Connection) -> None:
    registered(conn, 1)
    registered(conn, 2)
    assert run(db, "promote", "1").output == "version 1 is in production\n"
    assert run(db, "promote", "1").output == "version 1 is in production already\n"
    said = json.loads(run(db, "promote", "2", "--reason", "[red]best", "--json").output)
    assert said == {"version": 2, "changed": True}
    assert "[red]best" in run(db, "show").output
    assert run(db, "rollback").output == "rolled back: version 1 is in production\n"
    assert run(db, "rollback", "--to", "2", "--quiet").output == ""
    assert in_production(conn) == 2
    assert run(db, "verify").output.startswith("nothing is wrong with 2 versions")
    assert json.loads(run(db, "verify", "--json").output) == {"ok": True, "faults": []}


def test_verify_leaves_with_1_and_says_what_to_do(db: Path, conn: Connection) -> None:
    produced(conn)
    export_path(conn).unlink()
    result = run(db, "verify")
    assert result.exit_code == 1
    assert "hyperparameters.json: is missing" in result.output
    assert "promote version 1 again" in result.output
    (fault,) = json.loads(run(db, "verify", "--json").output)["faults"]
    assert fault["subject"] == "hyperparameters.json"


def test_an_expected_error_is_one_line(db: Path, conn: Connection) -> None:
    registered(conn)
    for args in (["show"], ["show", "9"], ["diff", "1", "9"], ["promote", "9"], ["rollback"]):
        result = run(db, *args)
        assert result.exit_code == 1
        assert result.output.startswith("error: ")
        assert result.output.count("\n") == 1
    assert run(db, "show", str(2**70)).exit_code == 2


def test_list_and_diff_show_what_differs(db: Path, conn: Connection) -> None:
    assert "no version yet" in run(db, "list").output
    registered(conn, 1)
    registered(conn, 5)
    refuse(conn, training(), {}, "too low")
    listed = json.loads(run(db, "list", "--json").output)
    assert [version["status"] for version in listed] == ["candidate", "candidate", "refused"]
    assert listed[1]["training"]["hyperparameters"] == {"level": 5}
    assert "refused" in run(db, "list").output
    said = json.loads(run(db, "diff", "1", "2", "--json").output)
    assert said["hyperparameters"]["level"] == {"a": 1, "b": 5, "changed": True}
    assert said["test_metrics"]["accuracy"]["changed"] is False
    marked = [line for line in run(db, "diff", "1", "2").output.splitlines() if "*" in line]
    assert len(marked) == 1
    assert "level" in marked[0]


HOSTILE = "[bold]x[/] \x1b[31m\u202eevil\nline"


def test_show_lists_a_users_best_movies_with_hostile_titles_made_visible(
    db: Path, conn: Connection
) -> None:
    for movie in (10, 20, 30, 40):
        conn.execute("INSERT INTO movies (movie_id, title) VALUES (?, ?)", (movie, HOSTILE))
    for user, movie in ((1, 10), (1, 30), (3, 40), (7, 30)):
        conn.execute("INSERT INTO ratings VALUES (?, ?, 4.0, 9)", (user, movie))
    values = HandWeighted.space.defaults()
    model = HandWeighted(values).fit(RATINGS, CATALOGUE)
    run_of = training(model="hand-weighted", hyperparameters=values)
    promote(conn, register(conn, run_of, model, RATINGS, {}, HOSTILE), HOSTILE)
    result = run(db, "show", "--user", "1")
    assert result.exit_code == 0
    assert "[bold]x[/] \\x1b[31m\\u202eevil\\nline" in result.output
    assert not {"\x1b", "\u202e"} & set(result.output)
    best = json.loads(run(db, "show", "--user", "1", "--json").output)["recommendations"]
    assert {each["movie_id"] for each in best} == {20, 40}  # not those rated by now
    assert set(best[0]["parts"]) == {"genre", "cast", "franchise", "rating", "popularity"}
    assert sum(best[0]["parts"].values()) == pytest.approx(best[0]["score"])
    assert best[0]["title"] == HOSTILE
    others = json.loads(run(db, "show", "--user", "7", "--json").output)["recommendations"]
    assert {each["movie_id"] for each in others} == {10, 20, 40}
    assert "user 3 had no ratings" in run(db, "show", "--user", "3").output


def test_a_second_process_that_promotes_at_the_same_time_is_waited_for(
    db: Path, conn: Connection
) -> None:
    first, second = registered(conn, 1), registered(conn, 2)
    code = (
        f"c = connect(Path(sys.argv[1])); [promote(c, k, 'mine') for k in [{first}, {second}] * 9]"
    )
    writers = [run_python(code, str(db)) for _ in range(2)]
    for writer in writers:
        with writer:
            writer.wait(60)
        assert writer.returncode == 0
    assert verify(conn) == []
