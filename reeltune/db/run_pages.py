"""Tables of tuning runs, a bounded piece at a time: what pages show of very many of them."""

from collections.abc import Sequence
from dataclasses import dataclass

from reeltune.db.connection import Connection, Row

MAX_POINTS = 4_000  # of a run's history that are drawn; more are thinned


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRow:
    """Run as a list shows it, with the figures of its experiments."""

    place: int  # in the order of creation
    tuning_run_id: str
    method: str
    objective: str
    task: str
    model: str
    status: str
    stop_reason: str | None
    created_at: str
    started_at: str | None
    finished_at: str | None
    n_configs: int
    n_waiting: int
    n_running: int
    n_completed: int
    n_failed: int
    n_pruned: int
    baseline_value: float | None
    best_value: float | None
    best_experiment_id: str | None
    best_gain: float | None
    best_error: float | None  # standard error of that gain; None: not known

    @property
    def n_done(self) -> int:
        """Number of experiments that have ended, the baseline among them."""
        return self.n_completed + self.n_failed + self.n_pruned

    @property
    def n_total(self) -> int:
        """Number of experiments that there will be, the baseline among them."""
        return max(self.n_done, self.n_configs + 1)


_SELECT = """
    SELECT r.rowid AS place, r.tuning_run_id, r.method, r.objective, r.task, r.model, r.status,
           r.stop_reason, r.created_at, r.started_at, r.finished_at, r.n_configs,
           (SELECT objective_value FROM hp_experiments AS b
             WHERE b.tuning_run_id = r.tuning_run_id AND b.number = 0 AND b.status = 'completed')
               AS baseline_value,
           best.objective_value AS best_value, best.experiment_id AS best_experiment_id,
           best.improvement_from_baseline AS best_gain, best.improvement_error AS best_error,
           counts.*
      FROM (SELECT rowid, * FROM hp_tuning_runs AS r {where}) AS r
      JOIN (SELECT tuning_run_id AS run_of_counts,
                   count(*) FILTER (WHERE e.status = 'pending') AS n_waiting,
                   count(*) FILTER (WHERE e.status = 'running') AS n_running,
                   count(*) FILTER (WHERE e.status = 'completed') AS n_completed,
                   count(*) FILTER (WHERE e.status = 'failed') AS n_failed,
                   count(*) FILTER (WHERE e.status = 'pruned') AS n_pruned
              FROM hp_tuning_runs AS c LEFT JOIN hp_experiments AS e USING (tuning_run_id)
             WHERE tuning_run_id IN (SELECT tuning_run_id FROM hp_tuning_runs AS r {where})
             GROUP BY tuning_run_id) AS counts ON counts.run_of_counts = r.tuning_run_id
      LEFT JOIN hp_experiments AS best ON best.experiment_id = (
            SELECT experiment_id FROM hp_experiments AS b
             WHERE b.tuning_run_id = r.tuning_run_id AND b.status = 'completed'
             ORDER BY is_feasible IS 0, worth DESC, number LIMIT 1)
     ORDER BY r.rowid DESC
"""
_PAGE = """
     WHERE r.rowid < :before AND (:status IS NULL OR status = :status)
     ORDER BY r.rowid DESC LIMIT :limit
"""
_LAST = 2**62


def load_run_rows(
    conn: Connection, *, before: int | None = None, status: str | None = None, limit: int = 50
) -> list[RunRow]:
    """Return runs, the latest first, that were created before the one at a place."""
    rows = conn.execute(
        _SELECT.format(where=_PAGE),
        {"before": _LAST if before is None else before, "status": status, "limit": limit},
    )
    return [_run_row(row) for row in rows]


def load_run_row(conn: Connection, run_id: str) -> RunRow | None:
    """Return one run; None if there is none of that id."""
    rows = conn.execute(_SELECT.format(where="WHERE tuning_run_id = :run"), {"run": run_id})
    row = rows.fetchone()
    return None if row is None else _run_row(row)


def load_run_ids(conn: Connection, limit: int) -> list[str]:
    """Return the ids of the latest runs that have a completed experiment."""
    rows = conn.execute(
        """
        SELECT tuning_run_id
          FROM hp_tuning_runs AS r
         WHERE EXISTS (SELECT 1 FROM hp_experiments AS e
                        WHERE e.status = 'completed' AND e.tuning_run_id = r.tuning_run_id)
         ORDER BY rowid DESC LIMIT :limit
        """,
        {"limit": limit},
    )
    return [row["tuning_run_id"] for row in rows]


def _run_row(row: Row) -> RunRow:
    return RunRow(**{name: row[name] for name in RunRow.__dataclass_fields__})


@dataclass(frozen=True, slots=True, kw_only=True)
class ExperimentRow:
    """Experiment as a list shows it."""

    number: int
    experiment_id: str
    status: str
    phase: str
    value: float | None
    lower_bound: float | None
    gain: float | None
    gain_error: float | None
    seconds: float | None
    is_feasible: bool


def load_experiment_rows(
    conn: Connection, run_id: str, *, after: int = -1, limit: int = 50
) -> list[ExperimentRow]:
    """Return a run's experiments after a number, in order."""
    rows = conn.execute(
        """
        SELECT number, experiment_id, status, exploration_phase AS phase,
               objective_value AS value, lower_bound, improvement_from_baseline AS gain,
               improvement_error AS gain_error, duration_seconds AS seconds,
               is_feasible IS NOT 0 AS is_feasible
          FROM hp_experiments
         WHERE tuning_run_id = :run AND number > :after
         ORDER BY number LIMIT :limit
        """,
        {"run": run_id, "after": after, "limit": limit},
    )
    return [_experiment_row(row) for row in rows]


def load_best_rows(conn: Connection, run_id: str, limit: int = 10) -> list[ExperimentRow]:
    """Return the surest experiments of a run within the guardrails, the best first."""
    rows = conn.execute(
        """
        SELECT number, experiment_id, status, exploration_phase AS phase,
               objective_value AS value, lower_bound, improvement_from_baseline AS gain,
               improvement_error AS gain_error, duration_seconds AS seconds,
               is_feasible IS NOT 0 AS is_feasible
          FROM hp_experiments
         WHERE tuning_run_id = :run AND status = 'completed'
         ORDER BY is_feasible IS 0, worth DESC, number LIMIT :limit
        """,
        {"run": run_id, "limit": limit},
    )
    return [_experiment_row(row) for row in rows]


def _experiment_row(row: Row) -> ExperimentRow:
    return ExperimentRow(**dict(row) | {"is_feasible": bool(row["is_feasible"])})


@dataclass(frozen=True, slots=True)
class HistoryPoint:
    """Result of a run's history, as it is drawn."""

    number: int
    value: float
    best: float | None  # so far, by lower bound and within the guardrails
    is_feasible: bool


def load_history_points(conn: Connection, run_id: str) -> list[HistoryPoint]:
    """Return the completed experiments of a run by number, with the best so far.

    Of more than `MAX_POINTS` those stay that are the least, the greatest or the new best of their
    piece of the run.
    """
    rows = conn.execute(
        """
        SELECT number, objective_value AS value, worth, is_feasible IS NOT 0 AS fits
          FROM hp_experiments
         WHERE tuning_run_id = :run AND status = 'completed'
         ORDER BY number
        """,
        {"run": run_id},
    ).fetchall()
    found, top, best = [], float("-inf"), None
    for number, value, worth, fits in rows:
        if fits and worth is not None and worth > top:
            top, best = worth, value
        found.append(HistoryPoint(number, value, best, bool(fits)))
    return thinned_points(found, MAX_POINTS)


def thinned_points(points: Sequence[HistoryPoint], most: int) -> list[HistoryPoint]:
    """Return about `most` of the points: of each piece the least, the greatest and the last best.

    >>> points = [HistoryPoint(n, float(n % 7), 6.0, True) for n in range(100)]
    >>> thinned = thinned_points(points, 30)
    >>> len(thinned) <= 30, min(p.value for p in thinned), max(p.value for p in thinned)
    (True, 0.0, 6.0)
    """
    if len(points) <= most:
        return list(points)
    n_pieces = max(1, most // 3)
    kept: set[int] = set()
    for k in range(n_pieces):
        piece = range(k * len(points) // n_pieces, (k + 1) * len(points) // n_pieces)
        kept.add(min(piece, key=lambda n: points[n].value))
        kept.add(max(piece, key=lambda n: points[n].value))
        kept.add(piece[-1])
    return [points[n] for n in sorted(kept)]


@dataclass(frozen=True, slots=True)
class RejectedCount:
    """Number of rows of an imported file that were not taken for one reason."""

    file: str
    reason: str
    n_rows: int


def count_rejected_rows(conn: Connection, limit: int = 50) -> list[RejectedCount]:
    """Return how many rows were not taken, by file and reason, the most first."""
    rows = conn.execute(
        """
        SELECT file, reason, count(*) AS n_rows
          FROM rejected_rows JOIN import_batches USING (batch_id)
         GROUP BY batch_id, reason
         ORDER BY n_rows DESC, file, reason
         LIMIT :limit
        """,
        {"limit": limit},
    )
    return [RejectedCount(*row) for row in rows]


def load_run_of_process(conn: Connection, process_id: int) -> str | None:
    """Return the latest run that a process is at work on; None if there is none."""
    row = conn.execute(
        """
        SELECT tuning_run_id
          FROM hp_tuning_runs
         WHERE process_id = :process AND status = 'running'
         ORDER BY rowid DESC LIMIT 1
        """,
        {"process": process_id},
    ).fetchone()
    return None if row is None else str(row["tuning_run_id"])
