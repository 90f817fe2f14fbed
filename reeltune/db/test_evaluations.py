"""Tables of test-set evaluations, and of the references that versions are watched against."""

from dataclasses import asdict, dataclass

import numpy as np

from reeltune.db.connection import Connection, inserted_id
from reeltune.domain.arrays import Floats, Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class GateEvaluation:
    """Evaluation on the test set for a decision of the gate."""

    looked_at: str
    decision: str
    model: str
    split: str
    objective: str
    data_fingerprint: str
    experiment_id: str | None
    level: float  # spent of the budget
    difference: float | None  # gain of the candidate over the deployed, in units of the objective
    p_value: float | None  # one-sided, that it is no better
    verdict: str


@dataclass(frozen=True, eq=False)
class Reference:
    """Worth of a version, user by user, when it was made."""

    newest_rated_at: int  # of all ratings it was fitted to
    user_ids: Ints  # (E,) ascending
    values: Floats  # (E,)


def save_test_evaluation(conn: Connection, evaluation: GateEvaluation) -> int:
    """Save an evaluation on the test set; return its number."""
    cursor = conn.execute(
        """
        INSERT INTO test_looks (
            looked_at, decision, model, split, objective, data_fingerprint, experiment_id, level,
            difference, p_value, verdict
        ) VALUES (
            :looked_at, :decision, :model, :split, :objective, :data_fingerprint, :experiment_id,
            :level, :difference, :p_value, :verdict
        )
        """,
        asdict(evaluation),
    )
    return inserted_id(cursor)


def load_test_evaluations(conn: Connection) -> list[GateEvaluation]:
    """Return all evaluations on the test set, in order."""
    rows = conn.execute(
        """
        SELECT looked_at, decision, model, split, objective, data_fingerprint, experiment_id,
               level, difference, p_value, verdict
          FROM test_looks
         ORDER BY look_id
        """
    )
    return [GateEvaluation(**dict(row)) for row in rows]


def count_test_evaluations(conn: Connection, data_fingerprint: str) -> int:
    """Return how often these ratings were evaluated on a test set, under whichever split."""
    row = conn.execute(
        "SELECT count(*) FROM test_looks WHERE data_fingerprint = :data", {"data": data_fingerprint}
    ).fetchone()
    return int(row[0])


def load_verdicts(conn: Connection, decision: str) -> list[str]:
    """Return the verdicts of all decisions of a kind, the latest first."""
    rows = conn.execute(
        "SELECT verdict FROM test_looks WHERE decision = :decision ORDER BY look_id DESC",
        {"decision": decision},
    )
    return [row["verdict"] for row in rows]


def save_reference(conn: Connection, version: int, metric: str, reference: Reference) -> None:
    """Keep what a version is to be watched against."""
    conn.execute(
        """
        INSERT INTO version_references (version, metric, newest_rated_at, user_ids, "values")
        VALUES (:version, :metric, :newest, :user_ids, :values)
        """,
        {
            "version": version,
            "metric": metric,
            "newest": reference.newest_rated_at,
            "user_ids": reference.user_ids.astype("<i8").tobytes(),
            "values": reference.values.astype("<f8").tobytes(),
        },
    )


def load_reference(conn: Connection, version: int, metric: str) -> Reference | None:
    """Return what a version is to be watched against, if it was kept."""
    row = conn.execute(
        """
        SELECT newest_rated_at, user_ids, "values"
          FROM version_references
         WHERE version = :version AND metric = :metric
        """,
        {"version": version, "metric": metric},
    ).fetchone()
    if row is None:
        return None
    return Reference(
        row["newest_rated_at"],
        np.frombuffer(row["user_ids"], dtype="<i8").astype(np.int64),
        np.frombuffer(row["values"], dtype="<f8"),
    )


def load_watched(conn: Connection, version: int) -> tuple[str, Reference] | None:
    """Return the metric a version is to be watched by, and what it is to be watched against."""
    row = conn.execute(
        """
        SELECT metric
          FROM version_references
         WHERE version = :version
         ORDER BY metric <> 'accuracy', metric
         LIMIT 1
        """,
        {"version": version},
    ).fetchone()
    found = None if row is None else load_reference(conn, version, row["metric"])
    return None if found is None else (row["metric"], found)
