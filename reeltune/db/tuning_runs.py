"""Tables of tuning runs and of their history."""

import json
from dataclasses import asdict, dataclass
from typing import get_args

from reeltune.db.connection import Connection, Row
from reeltune.domain.errors import NotFoundError
from reeltune.domain.experiment import ExperimentStatus, Progress, RunStatus, TaskKey, TuningRun

IDLE_SECONDS = (
    60  # a longer pause between two results, beyond the experiment's own time, is no work
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunTotals:
    """Figures of a run's experiments."""

    n_by_status: dict[ExperimentStatus, int]  # statuses that occur only
    baseline_value: float | None  # objective of the deployed configuration
    best_value: float | None  # objective of the best
    best_experiment_id: str | None  # the surest feasible one; of equals the earliest
    seconds: float | None  # from the start to the last result without long pauses; None before one


def save_run(conn: Connection, run: TuningRun) -> None:
    """Add a run."""
    conn.execute(
        """
        INSERT INTO hp_tuning_runs (
            tuning_run_id, created_at, started_at, finished_at, method, objective, task, model,
            split, space_fingerprint, seed, n_configs, settings, data_fingerprint, code_version,
            history_cutoff, status, stop_reason
        ) VALUES (
            :tuning_run_id, :created_at, :started_at, :finished_at, :method, :objective,
            :task, :model, :split, :space_fingerprint, :seed, :n_configs, :settings,
            :data_fingerprint, :code_version, :history_cutoff, :status, :stop_reason
        )
        """,
        asdict(run) | {"settings": json.dumps(run.settings)},
    )


def start_run(conn: Connection, run: TuningRun) -> None:
    """Turn a planned run into `run`, which has all that is known only at the start."""
    conn.execute(
        """
        UPDATE hp_tuning_runs
           SET started_at = :started_at, n_configs = :n_configs, settings = :settings,
               data_fingerprint = :data_fingerprint, code_version = :code_version,
               history_cutoff = :history_cutoff, seed = :seed, status = :status
         WHERE tuning_run_id = :tuning_run_id
        """,
        asdict(run) | {"settings": json.dumps(run.settings)},
    )


def set_run_status(
    conn: Connection,
    run_id: str,
    status: RunStatus,
    *,
    finished_at: str | None = None,
    stop_reason: str | None = None,
) -> None:
    """Say where a run stands; a running one has neither an end nor a reason for it."""
    conn.execute(
        """
        UPDATE hp_tuning_runs
           SET status = :status, finished_at = :finished_at, stop_reason = :stop_reason
         WHERE tuning_run_id = :run
        """,
        {"run": run_id, "status": status, "finished_at": finished_at, "stop_reason": stop_reason},
    )


def set_run_process(conn: Connection, run_id: str, process_id: int | None) -> None:
    """Say which process works on a run; None where none does any more."""
    conn.execute(
        "UPDATE hp_tuning_runs SET process_id = :process WHERE tuning_run_id = :run",
        {"run": run_id, "process": process_id},
    )


def load_run_process(conn: Connection, run_id: str) -> int | None:
    """Return the process that last began work on a run, if it has not recorded an end."""
    row = conn.execute(
        "SELECT process_id FROM hp_tuning_runs WHERE tuning_run_id = :run", {"run": run_id}
    ).fetchone()
    return None if row is None or row["process_id"] is None else int(row["process_id"])


def load_run(conn: Connection, run_id: str) -> TuningRun:
    """Return one run.

    Raises:
        NotFoundError: there is none with that id.
    """
    row = conn.execute(
        "SELECT * FROM hp_tuning_runs WHERE tuning_run_id = :run", {"run": run_id}
    ).fetchone()
    if row is None:
        raise NotFoundError(
            f"there is no tuning run {run_id!r}: "
            "`tune_orchestrator.py --summary` names those there are"
        )
    return _run(row)


def load_runs(conn: Connection) -> list[TuningRun]:
    """Return all runs, the earliest first."""
    return [_run(row) for row in conn.execute("SELECT * FROM hp_tuning_runs ORDER BY rowid")]


def load_comparable_runs(conn: Connection, key: TaskKey) -> list[TuningRun]:
    """Return the runs with results that can be compared by `key`, but for its panel and limits."""
    rows = conn.execute(
        """
        SELECT r.*
          FROM hp_tuning_runs AS r
         WHERE data_fingerprint = :data_fingerprint AND split = :split
           AND model = :model AND space_fingerprint = :space_fingerprint
           AND objective = :objective
           AND code_version IN (SELECT value FROM json_each(:code_versions))
           AND EXISTS (SELECT 1 FROM hp_experiments AS e
                        WHERE e.tuning_run_id = r.tuning_run_id AND e.status = 'completed')
         ORDER BY r.rowid
        """,
        asdict(key) | {"code_versions": json.dumps(key.code_versions)},
    )
    return [_run(row) for row in rows]


def load_run_totals(conn: Connection) -> dict[str, RunTotals]:
    """Return the figures of every run that has experiments, by its id."""
    rows = conn.execute(
        """
        WITH timed AS (
            SELECT e.*,  -- seconds: since the result before
                   unixepoch(completed_at) - lag(
                       unixepoch(completed_at), 1,
                       min(unixepoch(started_at), unixepoch(completed_at) - duration_seconds)
                   ) OVER (PARTITION BY tuning_run_id, completion_number IS NULL
                               ORDER BY completion_number) AS seconds
              FROM hp_experiments AS e JOIN hp_tuning_runs AS r USING (tuning_run_id)
        )
        SELECT tuning_run_id,
               count(*) FILTER (WHERE status = 'pending') AS pending,
               count(*) FILTER (WHERE status = 'running') AS running,
               count(*) FILTER (WHERE status = 'completed') AS completed,
               count(*) FILTER (WHERE status = 'failed') AS failed,
               count(*) FILTER (WHERE status = 'pruned') AS pruned,
               max(objective_value) FILTER (WHERE status = 'completed' AND number = 0)
                   AS baseline_value,
               (SELECT objective_value FROM hp_experiments AS b
                 WHERE b.tuning_run_id = timed.tuning_run_id AND b.status = 'completed'
                 ORDER BY is_feasible IS 0, worth DESC, number LIMIT 1) AS best_value,
               (SELECT experiment_id FROM hp_experiments AS b
                 WHERE b.tuning_run_id = timed.tuning_run_id AND b.status = 'completed'
                 ORDER BY is_feasible IS 0, worth DESC, number LIMIT 1) AS best_experiment_id,
               sum(max(0, min(seconds, ifnull(duration_seconds, 0) + :idle)))
                   FILTER (WHERE completion_number IS NOT NULL) AS seconds
          FROM timed
         GROUP BY tuning_run_id
        """,
        {"idle": IDLE_SECONDS},
    )
    return {row["tuning_run_id"]: _totals(row) for row in rows}


def load_planned_run(
    conn: Connection, method: str, model: str, split: str, objective: str
) -> TuningRun | None:
    """Return the run of this kind with stored candidates that was never started, if any."""
    row = conn.execute(
        """
        SELECT *
          FROM hp_tuning_runs
         WHERE status = 'planned'
           AND method = :method AND model = :model AND split = :split AND objective = :objective
         ORDER BY rowid
         LIMIT 1
        """,
        {"method": method, "model": model, "split": split, "objective": objective},
    ).fetchone()
    return None if row is None else _run(row)


def count_runs_like(conn: Connection, prefix: str) -> int:
    """Return how many runs have an id that starts with `prefix`."""
    found = conn.execute(
        "SELECT count(*) FROM hp_tuning_runs WHERE substr(tuning_run_id, 1, :n) = :prefix",
        {"n": len(prefix), "prefix": prefix},
    )
    return int(found.fetchone()[0])


def save_progress(conn: Connection, progress: Progress) -> None:
    """Add a line to a run's history; the same iteration again replaces it."""
    conn.execute(
        """
        INSERT OR REPLACE INTO hp_tuning_history (
            tuning_run_id, iteration, timestamp, best_accuracy, best_experiment_id,
            exploration_phase
        ) VALUES (
            :tuning_run_id, :iteration, :timestamp, :best_accuracy, :best_experiment_id,
            :exploration_phase
        )
        """,
        asdict(progress),
    )


def load_progress(conn: Connection, run_id: str) -> list[Progress]:
    """Return a run's history, in order."""
    rows = conn.execute(
        "SELECT * FROM hp_tuning_history WHERE tuning_run_id = :run ORDER BY iteration",
        {"run": run_id},
    )
    return [Progress(**dict(row)) for row in rows]


_FIELDS = tuple(TuningRun.__dataclass_fields__)


def _run(row: Row) -> TuningRun:
    values = {name: row[name] for name in _FIELDS}
    return TuningRun(**values | {"settings": json.loads(row["settings"])})


def _totals(row: Row) -> RunTotals:
    return RunTotals(
        n_by_status={s: row[s] for s in get_args(ExperimentStatus) if row[s]},
        baseline_value=row["baseline_value"],
        best_value=row["best_value"],
        best_experiment_id=row["best_experiment_id"],
        seconds=row["seconds"],
    )
