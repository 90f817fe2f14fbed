"""Tables of training runs, versions and what happened to them."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reeltune.db.connection import Connection, Row, inserted_id
from reeltune.domain.clock import stamp
from reeltune.domain.errors import NotFoundError
from reeltune.domain.version import EventKind, TrainingRun, Version, VersionEvent, VersionStatus
from reeltune.storage.artifacts import check_artifact


@dataclass(frozen=True, slots=True)
class Fault:
    """Fault in what is stored, and what to do about it."""

    subject: str
    what: str
    remedy: str


def save_training_run(conn: Connection, training: TrainingRun) -> int:
    """Add a training run; its number."""
    values = {name: getattr(training, name) for name in _TRAINING_FIELDS}
    written = {name: _json(values[name]) for name in _OBJECTS}
    cursor = conn.execute(
        """
        INSERT INTO training_runs (
            created_at, experiment_id, model, hyperparameters, split, data_fingerprint, n_ratings,
            code_version, seed, environment, test_metrics, duration_seconds, last_change,
            tuning_run_id, experiment_number, was_best
        )
        SELECT :created_at, :experiment_id, :model, :hyperparameters, :split, :data_fingerprint,
               :n_ratings, :code_version, :seed, :environment, :test_metrics, :duration_seconds,
               :last_change, e.tuning_run_id, e.number,
               e.experiment_id = (SELECT b.experiment_id FROM hp_experiments AS b
                                   WHERE b.tuning_run_id = e.tuning_run_id
                                     AND b.status = 'completed'
                                   ORDER BY b.is_feasible IS 0, b.worth DESC, b.number
                                    LIMIT 1)
          FROM (SELECT 1) LEFT JOIN hp_experiments AS e ON e.experiment_id = :experiment_id
        """,
        values | written,
    )
    return inserted_id(cursor)


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
    return inserted_id(cursor)


def set_version_status(conn: Connection, version: int, status: VersionStatus) -> None:
    """Say where a version stands."""
    conn.execute(
        "UPDATE model_versions SET status = :status WHERE version = :version",
        {"version": version, "status": status},
    )


def name_artifacts(conn: Connection, root: str) -> None:
    """Make all versions name their artifacts in the directory `root`."""
    conn.execute(
        """
        UPDATE model_versions
           SET artifact = :root || substr(artifact, instr(artifact, '/'))
         WHERE substr(artifact, 1, instr(artifact, '/') - 1) <> :root
        """,
        {"root": root},
    )


def set_artifact(conn: Connection, sha256: str, artifact: str) -> None:
    """Say where the artifact of that hash lies."""
    conn.execute(
        "UPDATE model_versions SET artifact = :artifact WHERE artifact_sha256 = :sha256",
        {"artifact": artifact, "sha256": sha256},
    )


def set_version_artifact(conn: Connection, version: int, artifact: str, sha256: str) -> None:
    """Say which artifact is that of a version."""
    conn.execute(
        """
        UPDATE model_versions
           SET artifact = :artifact, artifact_sha256 = :sha256
         WHERE version = :version
        """,
        {"version": version, "artifact": artifact, "sha256": sha256},
    )


def save_event(conn: Connection, event: VersionEvent) -> None:
    """Add to what happened to a version; a NaN in the evidence is written as null."""
    conn.execute(
        """
        INSERT INTO version_events (version, event, happened_at, reason, evidence)
        VALUES (:version, :event, :happened_at, :reason, :evidence)
        """,
        {
            "version": event.version,
            "event": event.event,
            "happened_at": event.happened_at,
            "reason": event.reason,
            "evidence": _json(event.evidence),
        },
    )


def add_version(
    conn: Connection,
    training: TrainingRun,
    status: VersionStatus,
    artifact: tuple[str, str] | tuple[None, None],
    event: tuple[EventKind, str, Mapping[str, Any]],
) -> int:
    """Add a training run, its version and what is said of it, in the caller's transaction."""
    production = load_production(conn)
    version = save_version(
        conn,
        training_run_id=save_training_run(conn, training),
        created_at=stamp(),
        parent_version=production.version if production else None,
        status=status,
        artifact=artifact[0],
        artifact_sha256=artifact[1],
    )
    _add_event(conn, version, *event)
    return version


def replace_production(
    conn: Connection,
    old: Version | None,
    new: int,
    old_event: EventKind,
    reason: str,
    evidence: Mapping[str, Any],
) -> None:
    """Move production from `old` to `new`, in the caller's transaction."""
    if old is not None:
        set_version_status(conn, old.version, "archived")
        _add_event(conn, old.version, old_event, reason, {"by": new})
    set_version_status(conn, new, "production")
    _add_event(conn, new, "promoted", reason, evidence)


def load_version(conn: Connection, version: int) -> Version:
    """Return one version.

    Raises:
        NotFoundError: there is none with that number.
    """
    found = _select(conn, version=version)
    if not found:
        raise NotFoundError(
            f"there is no version {version}: `model_versioning.py list` names those there are"
        )
    return found[0]


def load_versions(conn: Connection) -> list[Version]:
    """Return all versions, the earliest first."""
    return _select(conn)


def load_production(conn: Connection) -> Version | None:
    """Return the version in production, if any is."""
    found = _select(conn, status="production")
    return found[0] if found else None


def load_events(conn: Connection, version: int | None = None) -> list[VersionEvent]:
    """Return what happened, to one version or to all, in order."""
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


def load_event(conn: Connection, event_id: int) -> VersionEvent:
    """Return one event by its number.

    Raises:
        NotFoundError: there is none with that number.
    """
    row = conn.execute(
        """
        SELECT version, event, happened_at, reason, evidence
          FROM version_events
         WHERE event_id = :id
        """,
        {"id": event_id},
    ).fetchone()
    if row is None:
        raise NotFoundError(f"there is no event {event_id}")
    return VersionEvent(**{**dict(row), "evidence": json.loads(row["evidence"])})


def database_path(conn: Connection) -> Path:
    """Return the file that `conn` is open on."""
    return Path(conn.execute("PRAGMA database_list").fetchone()["file"])


def check_database(conn: Connection) -> list[Fault]:
    """Return what SQLite finds wrong with the file, and references that lead nowhere."""
    restore = "restore the database from a backup"
    integrity = [row[0] for row in conn.execute("PRAGMA integrity_check")]
    found = [Fault("database", text, restore) for text in integrity if text != "ok"]
    for row in conn.execute("PRAGMA foreign_key_check"):
        what = f"row {row['rowid']} of {row['table']} names a row of {row['parent']} that is gone"
        found.append(Fault("database", what, restore))
    return found


def check_version(conn: Connection, version: Version) -> list[Fault]:
    """Return what is wrong with the artifact of a version; a refused or removed one has none."""
    if version.artifact is None or version.artifact_sha256 is None or version.removed_at:
        return []
    found = check_artifact(database_path(conn), version.artifact, version.artifact_sha256)
    remedy = (
        "roll back, then restore it from a backup"
        if version.status == "production"
        else "restore it from a backup; until then the version cannot be promoted"
    )
    return [Fault(f"version {version.version}", what, remedy) for what in found]


_TRAINING_FIELDS = tuple(TrainingRun.__dataclass_fields__)
_OBJECTS = ("hyperparameters", "environment", "test_metrics")


def _add_event(
    conn: Connection, version: int, kind: EventKind, reason: str, evidence: Mapping[str, Any]
) -> None:
    event = VersionEvent(
        version=version, event=kind, happened_at=stamp(), reason=reason, evidence=evidence
    )
    save_event(conn, event)


def _select(
    conn: Connection, *, version: int | None = None, status: VersionStatus | None = None
) -> list[Version]:
    """Return the versions of that number and status, as of one moment."""
    rows = conn.execute(
        """
        SELECT v.*, t.created_at AS trained_at, t.experiment_id, t.model, t.hyperparameters,
               t.split, t.data_fingerprint, t.n_ratings, t.code_version, t.seed, t.environment,
               t.test_metrics, t.duration_seconds, t.tuning_run_id, t.experiment_number, t.was_best,
               t.last_change, r.removed_at
          FROM model_versions AS v
          JOIN training_runs AS t USING (training_run_id)
          LEFT JOIN removed_artifacts AS r USING (version)
         WHERE (:version IS NULL OR v.version = :version)
           AND (:status IS NULL OR v.status = :status)
         ORDER BY v.version
        """,
        {"version": version, "status": status},
    )
    return [_version(row) for row in rows]


def _version(row: Row) -> Version:
    training: dict[str, Any] = {
        name: row[name] for name in _TRAINING_FIELDS if name != "created_at"
    }
    for name in _OBJECTS:
        training[name] = json.loads(training[name])
    if training["was_best"] is not None:
        training["was_best"] = bool(training["was_best"])
    return Version(
        version=row["version"],
        created_at=row["created_at"],
        parent_version=row["parent_version"],
        status=row["status"],
        artifact=row["artifact"],
        artifact_sha256=row["artifact_sha256"],
        removed_at=row["removed_at"],
        training=TrainingRun(created_at=row["trained_at"], **training),
    )


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(_finite(value), allow_nan=False)


def _finite(value: Any) -> Any:
    """Return `value` as JSON can say it: what is not finite, in whatever depth, as None."""
    if isinstance(value, Mapping):
        return {str(name): _finite(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    if hasattr(value, "item"):  # a NumPy number
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value
