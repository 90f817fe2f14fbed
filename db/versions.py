"""The tables of training runs, versions and what happened to them."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from db.connection import Connection, Row
from domain.errors import NotFoundError
from domain.version import TrainingRun, Version, VersionEvent, VersionStatus


def save_training_run(conn: Connection, training: TrainingRun) -> int:
    """Add a training run; its number."""
    written = {
        "hyperparameters": json.dumps(dict(training.hyperparameters)),
        "environment": json.dumps(dict(training.environment)),
        "test_metrics": json.dumps(dict(training.test_metrics), allow_nan=False),
    }
    cursor = conn.execute(
        """
        INSERT INTO training_runs (
            created_at, experiment_id, model, hyperparameters, split, data_fingerprint, n_ratings,
            code_version, seed, environment, test_metrics, duration_seconds
        ) VALUES (
            :created_at, :experiment_id, :model, :hyperparameters, :split, :data_fingerprint,
            :n_ratings, :code_version, :seed, :environment, :test_metrics, :duration_seconds
        )
        """,
        asdict(training) | written,
    )
    return int(cursor.lastrowid)


def save_version(
    conn: Connection,
    *,
    training_run_id: int,
    created_at: str,
    parent_version: int | None,
    status: VersionStatus,
    artifact: str | None,
    artifact_sha256: str | None,
) -> int:
    """Add a version; its number."""
    cursor = conn.execute(
        """
        INSERT INTO model_versions (
            training_run_id, created_at, parent_version, status, artifact, artifact_sha256
        ) VALUES (
            :training_run_id, :created_at, :parent_version, :status, :artifact, :artifact_sha256
        )
        """,
        {
            "training_run_id": training_run_id,
            "created_at": created_at,
            "parent_version": parent_version,
            "status": status,
            "artifact": artifact,
            "artifact_sha256": artifact_sha256,
        },
    )
    return int(cursor.lastrowid)


def set_version_status(conn: Connection, version: int, status: VersionStatus) -> None:
    """Say where a version stands."""
    conn.execute(
        "UPDATE model_versions SET status = :status WHERE version = :version",
        {"version": version, "status": status},
    )


def save_event(conn: Connection, event: VersionEvent) -> None:
    """Add to what happened to a version."""
    conn.execute(
        """
        INSERT INTO version_events (version, event, happened_at, reason, evidence)
        VALUES (:version, :event, :happened_at, :reason, :evidence)
        """,
        asdict(event) | {"evidence": json.dumps(event.evidence, allow_nan=False)},
    )


def load_version(conn: Connection, version: int) -> Version:
    """One version.

    Raises:
        NotFoundError: there is none with that number.
    """
    row = conn.execute(
        """
        SELECT v.*, t.created_at AS trained_at, t.experiment_id, t.model, t.hyperparameters,
               t.split, t.data_fingerprint, t.n_ratings, t.code_version, t.seed, t.environment,
               t.test_metrics, t.duration_seconds
          FROM model_versions AS v JOIN training_runs AS t USING (training_run_id)
         WHERE v.version = :version
        """,
        {"version": version},
    ).fetchone()
    if row is None:
        raise NotFoundError(
            f"there is no version {version}: `model_versioning.py list` names those there are"
        )
    return _version(row)


def load_versions(conn: Connection) -> list[Version]:
    """All versions, the earliest first."""
    rows = conn.execute("SELECT version FROM model_versions ORDER BY version").fetchall()
    return [load_version(conn, row["version"]) for row in rows]


def load_production(conn: Connection) -> Version | None:
    """The version in production, if any is."""
    row = conn.execute("SELECT version FROM model_versions WHERE status = 'production'").fetchone()
    return None if row is None else load_version(conn, row["version"])


def load_events(conn: Connection, version: int | None = None) -> list[VersionEvent]:
    """What happened, to one version or to all, in order."""
    rows = conn.execute(
        """
        SELECT version, event, happened_at, reason, evidence
          FROM version_events
         WHERE :version IS NULL OR version = :version
         ORDER BY event_id
        """,
        {"version": version},
    )
    return [VersionEvent(**{**dict(row), "evidence": json.loads(row["evidence"])}) for row in rows]


def database_path(conn: Connection) -> Path:
    """The file that `conn` is open on."""
    return Path(conn.execute("PRAGMA database_list").fetchone()["file"])


_TRAINING_FIELDS = tuple(TrainingRun.__dataclass_fields__)


def _version(row: Row) -> Version:
    training: dict[str, Any] = {
        name: row[name] for name in _TRAINING_FIELDS if name != "created_at"
    }
    for name in ("hyperparameters", "environment", "test_metrics"):
        training[name] = json.loads(training[name])
    return Version(
        version=row["version"],
        created_at=row["created_at"],
        parent_version=row["parent_version"],
        status=row["status"],
        artifact=row["artifact"],
        artifact_sha256=row["artifact_sha256"],
        training=TrainingRun(created_at=row["trained_at"], **training),
    )
