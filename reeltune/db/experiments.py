"""Table of experiments."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields

from reeltune.db.connection import Connection, Row
from reeltune.domain.arrays import Floats
from reeltune.domain.direction import Direction
from reeltune.domain.errors import NotFoundError
from reeltune.domain.experiment import (
    Experiment,
    Measurement,
    PairedGain,
    Pruned,
    Result,
    TaskKey,
    gains_as_bytes,
    gains_from_bytes,
)
from reeltune.domain.guardrail_figure import GuardrailFigure


def save_experiment(conn: Connection, experiment: Experiment) -> None:
    """Add an experiment."""
    conn.execute(
        """
        INSERT INTO hp_experiments (
            experiment_id, tuning_run_id, number, status, created_at, completed_at,
            completion_number, hyperparameters, objective_value, validation_accuracy,
            test_accuracy, improvement_from_baseline, recommendation_quality_score, metrics,
            tuning_method, parent_experiment_id, exploration_phase, seed, duration_seconds,
            attempts, error, direction, client_id
        ) VALUES (
            :experiment_id, :tuning_run_id, :number, :status, :created_at, :completed_at,
            :completion_number, :hyperparameters, :objective_value, :validation_accuracy,
            :test_accuracy, :improvement_from_baseline, :recommendation_quality_score, :metrics,
            :tuning_method, :parent_experiment_id, :exploration_phase, :seed, :duration_seconds,
            :attempts, :error, :direction, :client_id
        )
        """,
        {field.name: getattr(experiment, field.name) for field in fields(experiment)}
        | {
            "hyperparameters": _json(experiment.hyperparameters),
            "metrics": _json(experiment.metrics) if experiment.metrics else None,
        },
    )


def delete_experiment(conn: Connection, experiment_id: str) -> None:
    """Take back an experiment that was stored but never begun."""
    conn.execute(
        "DELETE FROM hp_experiments WHERE experiment_id = :id AND status = 'pending'",
        {"id": experiment_id},
    )


def mark_running(conn: Connection, experiment_id: str) -> None:
    """Say that an experiment is being tried, once more."""
    conn.execute(
        """
        UPDATE hp_experiments SET status = 'running', attempts = attempts + 1
         WHERE experiment_id = :id
        """,
        {"id": experiment_id},
    )


def load_running(conn: Connection, run_id: str) -> list[int]:
    """Return the numbers of a run's experiments that are recorded as running."""
    rows = conn.execute(
        """
        SELECT number
          FROM hp_experiments
         WHERE tuning_run_id = :run AND status = 'running'
         ORDER BY number
        """,
        {"run": run_id},
    )
    return [row["number"] for row in rows]


def release_running(conn: Connection, run_id: str) -> None:
    """Make pending again what a dead or stopped run left running."""
    conn.execute(
        """
        UPDATE hp_experiments SET status = 'pending'
         WHERE tuning_run_id = :run AND status = 'running'
        """,
        {"run": run_id},
    )


def complete_experiment(
    conn: Connection,
    experiment_id: str,
    found: Measurement,
    completed_at: str,
    gain: PairedGain | None = None,
    *,
    of_ratings: bool = True,
) -> None:
    """Record what an experiment found, and how sure its gain is if that is known already.

    Accuracy and the quality score have columns of their own, in experiments `of_ratings`.
    """
    named = found.metrics if of_ratings else {}
    conn.execute(
        """
        UPDATE hp_experiments
           SET status = 'completed', completed_at = :completed_at,
               completion_number =
                   (SELECT ifnull(max(completion_number), 0) + 1 FROM hp_experiments),
               objective_value = :objective_value, validation_accuracy = :accuracy,
               recommendation_quality_score = :quality, metrics = :metrics,
               duration_seconds = :seconds, improvement_error = :error, gains_by_group = :groups
         WHERE experiment_id = :id
        """,
        {
            "id": experiment_id,
            "completed_at": completed_at,
            "objective_value": found.objective_value,
            "accuracy": named.get("accuracy"),
            "quality": named.get("ndcg@10"),
            "metrics": _json(found.metrics),
            "seconds": found.seconds,
            **_gain(gain),
        },
    )


def save_gain(conn: Connection, experiment_id: str, gain: PairedGain) -> None:
    """Record how sure an experiment's gain over the baseline is."""
    conn.execute(
        """
        UPDATE hp_experiments SET improvement_error = :error, gains_by_group = :groups
         WHERE experiment_id = :id
        """,
        {"id": experiment_id, **_gain(gain)},
    )


def save_guardrails(
    conn: Connection, experiment_id: str, figures: Mapping[str, GuardrailFigure]
) -> None:
    """Record what each guardrail says of an experiment."""
    conn.execute(
        """
        UPDATE hp_experiments SET guardrails = :figures, is_feasible = :is_feasible
         WHERE experiment_id = :id
        """,
        {
            "id": experiment_id,
            "figures": json.dumps(
                {name: asdict(figure) for name, figure in figures.items()}, allow_nan=False
            ),
            "is_feasible": all(figure.is_kept for figure in figures.values()),
        },
    )


def load_group_gains(conn: Connection, run_id: str) -> dict[str, Floats]:
    """Return mean gains (G,) by group of users, of those experiments that they are kept of.

    Of pruned ones only the first groups.
    """
    rows = conn.execute(
        """
        SELECT experiment_id, gains_by_group
          FROM hp_experiments
         WHERE tuning_run_id = :run AND gains_by_group IS NOT NULL
        """,
        {"run": run_id},
    )
    return {row["experiment_id"]: gains_from_bytes(row["gains_by_group"]) for row in rows}


def _gain(gain: PairedGain | None) -> dict[str, object]:
    if gain is None:
        return {"error": None, "groups": None}
    return {"error": gain.error, "groups": gains_as_bytes(gain.by_group)}


def fail_experiment(
    conn: Connection, experiment_id: str, error: str, seconds: float, completed_at: str
) -> None:
    """Record that an experiment failed, and why."""
    conn.execute(
        """
        UPDATE hp_experiments
           SET status = 'failed', completed_at = :completed_at,
               completion_number =
                   (SELECT ifnull(max(completion_number), 0) + 1 FROM hp_experiments),
               error = :error, duration_seconds = :seconds
         WHERE experiment_id = :id
        """,
        {"id": experiment_id, "completed_at": completed_at, "error": error, "seconds": seconds},
    )


def prune_experiment(
    conn: Connection, experiment_id: str, found: Pruned, completed_at: str
) -> None:
    """Record that an experiment was stopped, and what it was worth; it has no objective value."""
    conn.execute(
        """
        UPDATE hp_experiments
           SET status = 'pruned', completed_at = :completed_at,
               completion_number =
                   (SELECT ifnull(max(completion_number), 0) + 1 FROM hp_experiments),
               metrics = :metrics, duration_seconds = :seconds, gains_by_group = :groups
         WHERE experiment_id = :id
        """,
        {
            "id": experiment_id,
            "completed_at": completed_at,
            "metrics": _json(pruned_metrics(found)),
            "seconds": found.seconds,
            "groups": None if found.by_group is None else gains_as_bytes(found.by_group),
        },
    )


def pruned_metrics(found: Pruned) -> dict[str, float | None]:
    """Return what is kept of a pruned experiment in the place of its metrics."""
    return {
        estimate_of(found.objective): found.estimate,
        "difference": found.difference,
        "users": float(found.n_users),
        "share_of_users": found.share_of_users,
    }


def estimate_of(objective: str) -> str:
    """Return the name under which a pruned experiment keeps what the objective seemed to be."""
    return f"{objective} (estimate)"


def set_improvement(conn: Connection, experiment_id: str, improvement: float) -> None:
    """Record by how much an experiment is better than the baseline."""
    conn.execute(
        """
        UPDATE hp_experiments SET improvement_from_baseline = :improvement
         WHERE experiment_id = :id
        """,
        {"id": experiment_id, "improvement": improvement},
    )


def set_test_accuracy(conn: Connection, experiment_id: str, accuracy: float) -> None:
    """Record what the test part said of a finalist."""
    conn.execute(
        "UPDATE hp_experiments SET test_accuracy = :accuracy WHERE experiment_id = :id",
        {"id": experiment_id, "accuracy": accuracy},
    )


def load_experiment(conn: Connection, experiment_id: str) -> Experiment:
    """Return one experiment.

    Raises:
        NotFoundError: there is none with that id.
    """
    row = conn.execute(
        "SELECT * FROM hp_experiments WHERE experiment_id = :id", {"id": experiment_id}
    ).fetchone()
    if row is None:
        raise NotFoundError(
            f"there is no experiment {experiment_id!r}: "
            "`retrain_model.py --tune-report` names those there are"
        )
    return _experiment(row)


def load_experiments(conn: Connection, run_id: str) -> list[Experiment]:
    """Return a run's experiments, by number."""
    rows = conn.execute(
        "SELECT * FROM hp_experiments WHERE tuning_run_id = :run ORDER BY number", {"run": run_id}
    )
    return [_experiment(row) for row in rows]


def load_finished_since(conn: Connection, run_id: str, completion_number: int) -> list[Experiment]:
    """Return a run's experiments that ended after that completion, in that order."""
    rows = conn.execute(
        """
        SELECT *
          FROM hp_experiments
         WHERE tuning_run_id = :run AND completion_number > :after
         ORDER BY completion_number
        """,
        {"run": run_id, "after": completion_number},
    )
    return [_experiment(row) for row in rows]


def load_history(
    conn: Connection, task: TaskKey, cutoff: int, further: Sequence[str] = ()
) -> list[Result]:
    """Return what experiments of the same task found up to completion `cutoff`, in that order.

    With the values of up to two `further` objectives.

    A failure counts where its run had the same limits on time and memory, and where something else
    was completed in it: then it was the configuration that failed, and it would again.
    """
    rows = conn.execute(
        """
        SELECT e.hyperparameters, e.status,
               CASE e.status WHEN 'pruned' THEN e.metrics ->> :estimate
                             ELSE e.objective_value END AS value,
               CASE :second WHEN 'seconds' THEN e.duration_seconds ELSE e.metrics ->> :second END,
               CASE :third WHEN 'seconds' THEN e.duration_seconds ELSE e.metrics ->> :third END,
               e.guardrails
          FROM hp_experiments AS e JOIN hp_tuning_runs AS r USING (tuning_run_id)
         WHERE e.completion_number <= :cutoff
           AND r.data_fingerprint = :data_fingerprint AND r.split = :split
           AND r.model = :model AND r.space_fingerprint = :space_fingerprint
           AND r.objective = :objective
           AND r.code_version IN (SELECT value FROM json_each(:code_versions))
           AND r.settings ->> 'panel' IS :panel
           AND (e.status <> 'failed'
                OR (r.settings ->> 'timeout_seconds' IS :timeout_seconds
                    AND r.settings ->> 'memory_bytes' IS :memory_bytes
                    AND EXISTS (SELECT 1 FROM hp_experiments AS x
                                 WHERE x.tuning_run_id = e.tuning_run_id
                                   AND x.status = 'completed' AND x.completion_number <= :cutoff)))
         ORDER BY e.completion_number
        """,
        asdict(task)
        | {"code_versions": json.dumps(task.code_versions)}
        | {"cutoff": cutoff, "estimate": estimate_of(task.objective)}
        | dict(zip(("second", "third"), (*further, None, None), strict=False)),
    )
    return [
        Result(
            json.loads(row[0]),
            row[1],
            row[2],
            tuple(row[3 : 3 + len(further)]),
            _guardrails(row["guardrails"]),
        )
        for row in rows
    ]


def last_completion_number(conn: Connection) -> int:
    """Return the highest completion number given out, 0 if none was."""
    found = conn.execute("SELECT ifnull(max(completion_number), 0) FROM hp_experiments")
    return int(found.fetchone()[0])


def mean_seconds(conn: Connection, model: str, data_fingerprint: str) -> float | None:
    """Return how long the latest experiments of a model on that data took; None without any."""
    found = conn.execute(
        """
        SELECT avg(duration_seconds)
          FROM (SELECT e.duration_seconds
                  FROM hp_experiments AS e JOIN hp_tuning_runs AS r USING (tuning_run_id)
                 WHERE e.status = 'completed' AND r.model = :model
                   AND r.data_fingerprint = :data
                 ORDER BY e.completion_number DESC LIMIT 50)
        """,
        {"model": model, "data": data_fingerprint},
    )
    seconds = found.fetchone()[0]
    return None if seconds is None else float(seconds)


def count_by_status(conn: Connection, run_id: str | None = None) -> dict[str, int]:
    """Return how many experiments, of one run or of all, are in each status that occurs."""
    rows = conn.execute(
        """
        SELECT status, count(*) AS n
          FROM hp_experiments
         WHERE :run IS NULL OR tuning_run_id = :run
         GROUP BY status
        """,
        {"run": run_id},
    )
    return {row["status"]: row["n"] for row in rows}


def _json(value: Mapping[str, float | None]) -> str:
    return json.dumps(dict(value), separators=(",", ":"), allow_nan=False)


_FIELDS = tuple(Experiment.__dataclass_fields__)


def _experiment(row: Row) -> Experiment:
    values = {name: row[name] for name in _FIELDS}
    values["hyperparameters"] = json.loads(row["hyperparameters"])
    values["metrics"] = json.loads(row["metrics"]) if row["metrics"] else {}
    values["direction"] = Direction(row["direction"])
    values["guardrails"] = _guardrails(row["guardrails"])
    return Experiment(**values)


def _guardrails(stored: str | None) -> dict[str, GuardrailFigure]:
    found = {} if stored is None else json.loads(stored)
    return {name: GuardrailFigure(**figure) for name, figure in found.items()}
