"""What `db/` tells of the database is true of a freshly made one."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reeltune.components.hyperparameters import SPACE
from reeltune.db.connection import Connection, connection, transaction
from reeltune.db.dataset import load_dataset
from reeltune.db.imports import RejectedRow, save_rejected_rows, start_batch
from reeltune.db.schema import load_columns
from reeltune.db.versions import load_production
from reeltune.domain.study import StudyConfig
from reeltune.reports.schema_page import schema_page
from reeltune.tuning.ratings import TuningOrchestrator
from reeltune.versioning.request import RetrainingRequest
from reeltune.versioning.retraining import retrain
from tests.docs.pages import ROOT
from tests.running import run

PAGE = ROOT / "db" / "README.md"
SCHEMA = ROOT / "db" / "schema.sql"
QUERIES = sorted((ROOT / "db" / "queries").glob("*.sql"))
PROGRAM = ("-m", "reeltune.reports.schema_page")

_TABLE = re.compile(r"^### `(\w+)`\n(.*?)(?=^##|\Z)", re.MULTILINE | re.DOTALL)
_ROW = re.compile(r"^\| `(\w+)` \| (.+) \|$", re.MULTILINE)


def described() -> dict[str, dict[str, str]]:
    """The meaning of each column that the page names, by table."""
    text = PAGE.read_text(encoding="utf-8")
    return {name: dict(_ROW.findall(section)) for name, section in _TABLE.findall(text)}


def test_the_page_names_every_table_and_column_and_nothing_else(tmp_path: Path) -> None:
    with connection(tmp_path / "movies.db", create=True) as conn:
        declared = {name: set(columns) for name, columns in load_columns(conn).items()}
    assert {name: set(columns) for name, columns in described().items()} == declared


def test_the_page_names_each_column_once_with_a_meaning() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for name, section in _TABLE.findall(text):
        rows = _ROW.findall(section)
        assert len({column for column, _ in rows}) == len(rows), name
        assert all(len(meaning.strip()) > 2 for _, meaning in rows), name
    assert len(_TABLE.findall(text)) == len(described())


def test_hyperparameters_mean_what_they_are_declared_to() -> None:
    columns = described()["hp_experiments"]
    for name, member in SPACE.hyperparameters.items():
        assert columns[name] == member.meaning


def test_the_schema_is_that_of_a_fresh_database() -> None:
    assert SCHEMA.read_text(encoding="utf-8") == schema_page()
    run(*PROGRAM, "--check", SCHEMA)


def test_a_schema_that_differs_is_told_in_one_line(tmp_path: Path) -> None:
    page = tmp_path / "schema.sql"
    page.write_text(SCHEMA.read_text(encoding="utf-8") + " ", encoding="utf-8")
    said = run(*PROGRAM, "--check", page, expect=1).stderr
    assert said.startswith("error: ")
    assert said.count("\n") == 1
    run(*PROGRAM, page)
    run(*PROGRAM, "--check", page)


def test_the_page_names_every_query_and_make_checks_the_schema() -> None:
    named = re.findall(r"\(queries/(\w+\.sql)\)", PAGE.read_text(encoding="utf-8"))
    assert sorted(named) == [query.name for query in QUERIES]
    assert "schema_page --check db/schema.sql" in (ROOT / "Makefile").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def lived_in(
    small_world: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Connection, str]]:
    """A database with a run, a version in production, a refusal, and what came after them."""
    path = tmp_path_factory.mktemp("lived_in") / "movies.db"
    path.write_bytes(small_world.read_bytes())
    with connection(path) as conn:
        data = load_dataset(conn)
        run_id = TuningOrchestrator(conn, data, StudyConfig(seed=1)).run_full_tuning("random", 3)
        study, other = StudyConfig(), SPACE.defaults() | {"genre_boost_low": -0.25}
        retrain(conn, data, RetrainingRequest(study=study, accuracy_threshold=0.0))
        retrain(
            conn,
            data,
            RetrainingRequest(study=study, hyperparameters=other, accuracy_threshold=1.0),
        )
        assert load_production(conn) is not None
        with transaction(conn):
            _add_what_a_night_leaves(conn)
        yield conn, run_id.tuning_run_id


def _add_what_a_night_leaves(conn: Connection) -> None:
    """A failed experiment, a rejected row, an ended command, and two users with new ratings."""
    conn.execute(
        "UPDATE hp_experiments SET status = 'failed', error = 'out of memory' WHERE number = 2"
    )
    batch = start_batch(conn, "movielens", "ratings.csv", "0" * 64)
    save_rejected_rows(conn, batch, [RejectedRow(7, "rating out of range", "9.5")])
    conn.execute(
        "INSERT INTO command_runs (command, started_at, ended_at, exit_code, said)"
        " VALUES ('tune', '2026-11-20T23:00:00Z', '2026-11-20T23:01:30Z', 0, 'done')"
    )
    for user, n in ((900_001, 3), (900_002, 1)):
        conn.execute(
            "INSERT INTO ratings (user_id, movie_id, rating, rated_at)"
            " SELECT :user, movie_id, 4.0, 4000000000 FROM movies LIMIT :n",
            {"user": user, "n": n},
        )


def answer(conn: Connection, name: str) -> list[dict[str, Any]]:
    text = (ROOT / "db" / "queries" / f"{name}.sql").read_text(encoding="utf-8")
    return [dict(row) for row in conn.execute(text)]


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.stem)
def test_a_query_says_what_it_shows_and_returns_rows(
    query: Path, lived_in: tuple[Connection, str]
) -> None:
    assert query.read_text(encoding="utf-8").startswith("-- ")
    assert len(answer(lived_in[0], query.stem)) > 0


def test_the_best_experiments_are_of_one_run_and_the_surest_is_first(
    lived_in: tuple[Connection, str],
) -> None:
    conn, run_id = lived_in
    found = answer(conn, "best_experiments")
    assert {row["number"] for row in found} == {0, 1, 3}
    assert all(row["experiment_id"].startswith(run_id) for row in found)
    bounds = [row["lower_bound"] for row in found]
    assert bounds == sorted(bounds, reverse=True)


def test_the_best_hyperparameters_are_shown_beside_the_deployed(
    lived_in: tuple[Connection, str],
) -> None:
    conn, _ = lived_in
    best = answer(conn, "best_experiments")[0]["experiment_id"]
    rows = answer(conn, "best_hyperparameters")
    assert {row["hyperparameter"]: row["deployed"] for row in rows} == pytest.approx(
        SPACE.defaults()
    )
    weight = "SELECT genre_weight FROM hp_experiments WHERE experiment_id = :id"
    (expected,) = conn.execute(weight, {"id": best}).fetchone()
    assert {row["hyperparameter"]: row["best"] for row in rows}["genre_weight"] == expected


def test_a_refusal_names_the_rule_that_was_not_met(lived_in: tuple[Connection, str]) -> None:
    (row,) = answer(lived_in[0], "refusals")
    assert (row["rule"], row["threshold"]) == ("accuracy", 1.0)
    assert row["figure"] < 1.0


def test_production_and_decisions_tell_what_happened(lived_in: tuple[Connection, str]) -> None:
    conn, _ = lived_in
    (version,) = answer(conn, "production_history")
    assert (version["version"], version["status_now"]) == (1, "production")
    verdicts = [row["verdict"] for row in answer(conn, "test_part_decisions")]
    assert verdicts == ["refused", "promote"]


def test_a_night_counts_its_runs_and_experiments(lived_in: tuple[Connection, str]) -> None:
    (night,) = answer(lived_in[0], "runs_per_night")
    assert night["runs"] == 1
    assert (night["completed_experiments"], night["failed_experiments"]) == (3, 1)
    assert (night["interrupted"], night["failed"]) == (0, 0)
    (failure,) = answer(lived_in[0], "failures")
    assert (failure["error"], failure["experiments"]) == ("out of memory", 1)
    assert answer(lived_in[0], "night_commands")[0]["seconds"] == 90


def test_users_are_ordered_by_their_new_ratings(lived_in: tuple[Connection, str]) -> None:
    found = answer(lived_in[0], "users_with_new_ratings")
    assert [(row["user_id"], row["new_ratings"]) for row in found] == [(900_001, 3), (900_002, 1)]
