import json
from pathlib import Path
from typing import Any

import pysqlite3 as sqlite
import pytest

from reeltune.db.connection import Connection, connection, transaction
from reeltune.db.tuning_runs import load_run, load_runs, save_run
from reeltune.domain.experiment import TuningRun
from tests.torture.schemas import make_at

BEFORE_TASKS = 12  # the last schema in which all runs tuned for ratings
RUN: dict[str, Any] = {
    "created_at": "2026-01-01T00:00:00Z",
    "method": "random",
    "objective": "accuracy",
    "model": "hand-weighted",
    "split": "calendar",
    "space_fingerprint": "s",
    "seed": 1,
    "n_configs": 3,
    "settings": "{}",
    "data_fingerprint": "d",
    "history_cutoff": 0,
    "status": "completed",
    "process_id": 7,
}


def insert(conn: Connection, table: str, **values: Any) -> None:
    """Add a row."""
    names = ", ".join(values)
    marks = ", ".join(f":{name}" for name in values)
    conn.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", values)


def rows(conn: Connection, sql: str) -> list[dict[str, Any]]:
    """All rows of a query."""
    return [dict(row) for row in conn.execute(sql)]


@pytest.fixture
def earlier(tmp_path: Path) -> Path:
    """A database of before there were tasks, with rows that refer to runs, out of order."""
    path = tmp_path / "movies.db"
    make_at(path, BEFORE_TASKS)
    conn = sqlite.connect(str(path), isolation_level=None)
    conn.execute("PRAGMA foreign_keys = ON")
    for place, run in ((9, "b"), (2, "c"), (5, "a")):
        insert(conn, "hp_tuning_runs", rowid=place, tuning_run_id=run, **RUN)
        insert(
            conn,
            "hp_experiments",
            experiment_id=f"{run}_0",
            tuning_run_id=run,
            number=0,
            status="pending",
            created_at="2026-01-01T00:00:00Z",
            hyperparameters="{}",
            tuning_method="random",
            exploration_phase="baseline",
            seed=1,
        )
        insert(
            conn,
            "hp_patterns",
            pattern_id=place,
            tuning_run_id=run,
            created_at="2026-01-01T00:00:00Z",
            model="hand-weighted",
            objective="accuracy",
            split="calendar",
            space_fingerprint="s",
            profile=json.dumps({"log10_users": 2.0}),
            best="[]",
        )
    insert(conn, "hp_warmstarts", experiment_id="a_0", pattern_id=9, similarity=1, trust=0.5)
    conn.close()
    return path


def test_runs_of_before_there_were_tasks_keep_all_that_they_had(earlier: Path) -> None:
    tables = ("hp_experiments", "hp_patterns", "hp_warmstarts", "hp_tuning_runs")
    conn = sqlite.connect(str(earlier))
    conn.row_factory = sqlite.Row
    before = {name: rows(conn, f"SELECT * FROM {name} ORDER BY 1") for name in tables}
    conn.close()
    with connection(earlier) as conn:
        assert [run.tuning_run_id for run in load_runs(conn)] == ["c", "a", "b"]
        after = {name: rows(conn, f"SELECT * FROM {name} ORDER BY 1") for name in tables}
        assert {row.pop("task") for row in after["hp_tuning_runs"]} == {"ratings"}
        for later in ("client_id", "guardrails", "is_feasible"):
            assert {row.pop(later) for row in after["hp_experiments"]} == {None}
        assert after == before
        assert rows(conn, "PRAGMA foreign_key_check") == []
        assert rows(conn, "PRAGMA integrity_check") == [{"integrity_check": "ok"}]


def test_rows_still_may_not_refer_to_runs_that_are_not_there(earlier: Path) -> None:
    with connection(earlier) as conn:
        for sql in (
            "DELETE FROM hp_tuning_runs WHERE tuning_run_id = 'a'",
            "UPDATE hp_patterns SET tuning_run_id = 'x' WHERE pattern_id = 2",
            "DELETE FROM hp_patterns WHERE pattern_id = 9",
        ):
            with pytest.raises(sqlite.IntegrityError, match="FOREIGN KEY"):
                conn.execute(sql)


def test_splits_of_ratings_are_checked_and_those_of_other_tasks_are_their_own(
    tmp_path: Path,
) -> None:
    stored = {name: value for name, value in RUN.items() if name != "process_id"}
    own = {"tuning_run_id": "f", "settings": {}, "task": "function", "split": "none"}
    run = TuningRun(**stored | own)
    with connection(tmp_path / "study.db", create=True) as conn:
        with transaction(conn):
            save_run(conn, run)
        assert load_run(conn, "f") == run
        with pytest.raises(sqlite.IntegrityError, match="CHECK"):
            conn.execute("UPDATE hp_tuning_runs SET task = 'ratings'")
