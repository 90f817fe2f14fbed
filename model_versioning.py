"""Registers, promotes, rolls back and verifies versions: the only writer of what is in production.

What is in production is one row of the database. Its artifact is on the disk before the row says
so, and its exported file is written right after; readers follow the row.
"""

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np

from db.artifacts import find_orphans, load_artifact, save_artifact
from db.connection import Connection, transaction
from db.deployed import check_export, check_production, export_deployed, live_history
from db.versions import (
    Fault,
    check_database,
    check_version,
    database_path,
    load_events,
    load_production,
    load_version,
    load_versions,
    save_event,
    save_training_run,
    save_version,
    set_version_status,
)
from domain.arrays import AnyArray, Ints
from domain.clock import stamp
from domain.errors import BusyError, InputError, NotFoundError, StorageError
from domain.ratings import RatingTable
from domain.recommender import Recommender
from domain.version import EventKind, TrainingRun, Version, VersionEvent, VersionStatus
from model import model_class

_MODEL = "model."  # prefix of the model's own arrays in an artifact


class _Expected(enum.Enum):
    ANY = "any"


ANY: Final = _Expected.ANY  # whatever is in production


@dataclass(frozen=True)
class LoadedModel:
    """A fitted model of a version, and whom and what its positions mean."""

    version: Version
    model: Recommender
    user_ids: Ints  # (U,) ascending
    movie_ids: Ints  # (M,) ascending


def register(
    conn: Connection,
    training: TrainingRun,
    model: Recommender,
    ratings: RatingTable,
    evidence: Mapping[str, Any],
    reason: str,
) -> int:
    """Keep a model fitted to all of `ratings` as a candidate; the number of its version.

    Raises:
        InputError: what the model gives as its arrays is not all that it scores by.
        StorageError: the disk does not take it.
    """
    arrays = {_MODEL + name: array for name, array in model.arrays().items()}
    arrays |= {"user_ids": ratings.user_ids, "movie_ids": ratings.movie_ids}
    manifest = {
        "model": training.model,
        "hyperparameters": dict(training.hyperparameters),
        "space_fingerprint": model.space.fingerprint,
        "data_fingerprint": training.data_fingerprint,
        "n_ratings": training.n_ratings,
        "code_version": training.code_version,
        "seed": training.seed,
        "environment": dict(training.environment),
    }
    database = database_path(conn)
    with transaction(conn):
        artifact = save_artifact(database, manifest, arrays)
        _check_scores(model, training, load_artifact(database, *artifact)[1])
        return _save(conn, training, "candidate", artifact, ("registered", reason, evidence))


def refuse(
    conn: Connection, training: TrainingRun, evidence: Mapping[str, Any], reason: str
) -> int:
    """Record a retraining that the gate refused; the number of its version, which has no model."""
    with transaction(conn):
        return _save(conn, training, "refused", (None, None), ("refused", reason, evidence))


def promote(
    conn: Connection,
    version: int,
    reason: str,
    evidence: Mapping[str, Any] | None = None,
    *,
    expected_production: int | Literal[_Expected.ANY] | None = ANY,
) -> bool:
    """Put a version in production and export its hyperparameters; false if it was there already.

    Args:
        conn: the database.
        version: a candidate, or one that was in production before.
        reason: why, for people.
        evidence: what the decision rests on.
        expected_production: what the version was compared with, None for nothing.

    Raises:
        BusyError: another version than the expected one is in production by now.
        InputError: the version may not be promoted.
        NotFoundError: there is no such version.
        StorageError: its artifact cannot be trusted, or the export cannot be written.
    """
    with transaction(conn):
        production = load_production(conn)
        _check_expected(production, expected_production)
        changed = production is None or production.version != version
        if changed:
            _check_promotable(conn, load_version(conn, version))
            _replace(conn, production, version, "replaced", reason, evidence or {})
    export_deployed(conn)
    return changed


def rollback(conn: Connection, to: int | None = None, *, reason: str) -> int:
    """Take production back to what it was before, or to version `to`; the version it now is.

    Rolling back twice goes back twice: what was rolled back from is not returned to. With `to`,
    all that came after that version was last promoted counts as undone.

    Raises:
        InputError: `to` is in production, or never was.
        NotFoundError: nothing was in production before.
        StorageError: the artifact of that version cannot be trusted.
    """
    with transaction(conn):
        production = load_production(conn)
        if production is None:
            raise NotFoundError("no version is in production: promote one first")
        target = load_version(conn, _before(conn, production.version) if to is None else to)
        _check_rollback(conn, target)
        evidence = {"rolled_back_from": production.version}
        _replace(conn, production, target.version, "rolled back", reason, evidence)
    export_deployed(conn)
    return target.version


def load_model(conn: Connection, version: int | None = None) -> LoadedModel:
    """The fitted model of a version, by default of the one in production.

    Raises:
        InputError: it was refused, so that nothing was kept of it.
        NotFoundError: there is no such version, or none is in production.
        StorageError: its artifact cannot be trusted, or does not fit this code.
    """
    found = load_production(conn) if version is None else load_version(conn, version)
    if found is None:
        raise NotFoundError("no version is in production: run `retrain_model.py` first")
    manifest, arrays = _load_artifact(conn, found)
    kind = model_class(found.training.model)
    faults = kind.space.faults(found.training.hyperparameters)
    try:
        if faults:
            raise ValueError("; ".join(faults))
        model = kind(found.training.hyperparameters).load(_model_arrays(arrays))
        return LoadedModel(found, model, _ids(arrays, "user_ids"), _ids(arrays, "movie_ids"))
    except (KeyError, TypeError, ValueError) as error:
        raise StorageError(
            f"version {found.version} was made by other code ({manifest.get('code_version')}):"
            f" {error}; check out that code, or retrain"
        ) from error


def verify(conn: Connection) -> list[Fault]:
    """All that is wrong with the versions: artifacts, production, its export, the database."""
    database = database_path(conn)
    found = check_database(conn)
    if found:
        return found  # what is read from such a database means nothing
    with transaction(conn):  # nobody registers or promotes meanwhile
        versions = load_versions(conn)
        orphans = find_orphans(database, [v.artifact for v in versions if v.artifact])
        found = check_production(conn) + check_export(conn)
    found += [fault for version in versions for fault in check_version(conn, version)]
    remedy = "remove that directory, unless a copy of the database names it"
    found += [Fault(name, "no version names this artifact", remedy) for name in orphans]
    return found


def _save(
    conn: Connection,
    training: TrainingRun,
    status: VersionStatus,
    artifact: tuple[str, str] | tuple[None, None],
    event: tuple[EventKind, str, Mapping[str, Any]],
) -> int:
    """Add the training, its version and the event, within the caller's transaction."""
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
    _save_event(conn, version, *event)
    return version


def _save_event(
    conn: Connection, version: int, kind: EventKind, reason: str, evidence: Mapping[str, Any]
) -> None:
    event = VersionEvent(
        version=version, event=kind, happened_at=stamp(), reason=reason, evidence=evidence
    )
    save_event(conn, event)


def _replace(
    conn: Connection,
    old: Version | None,
    new: int,
    old_event: EventKind,
    reason: str,
    evidence: Mapping[str, Any],
) -> None:
    """Production goes from `old` to `new`, within the caller's transaction."""
    if old is not None:
        set_version_status(conn, old.version, "archived")
        _save_event(conn, old.version, old_event, reason, {"by": new})
    set_version_status(conn, new, "production")
    _save_event(conn, new, "promoted", reason, evidence)


def _before(conn: Connection, production: int) -> int:
    """What was in production before `production`, of what has not been undone."""
    live = live_history(load_events(conn))
    if not live or live[-1] != production:
        raise StorageError(
            f"version_events does not say how version {production} came into production:"
            " name a version, `rollback --to N`"
        )
    if len(live) == 1:
        raise NotFoundError(f"nothing was in production before version {production}")
    return live[-2]


def _check_expected(
    production: Version | None, expected: int | Literal[_Expected.ANY] | None
) -> None:
    found = production.version if production else None
    if expected is not ANY and found != expected:
        raise BusyError(
            f"production changed meanwhile from {_named(expected)} to {_named(found)}:"
            " compare with that one, by running this again"
        )


def _named(version: int | None) -> str:
    return "nothing" if version is None else f"version {version}"


def _check_promotable(conn: Connection, version: Version) -> None:
    if version.status == "refused":
        raise InputError(f"version {version.version} was refused and cannot be promoted")
    metrics = version.training.test_metrics
    if "accuracy" in metrics and metrics["accuracy"] is None:
        raise InputError(f"version {version.version} has no test accuracy: it is never promoted")
    _load_artifact(conn, version)


def _check_rollback(conn: Connection, target: Version) -> None:
    if target.status == "production":
        raise InputError(f"version {target.version} is in production already")
    if target.status != "archived":
        raise InputError(
            f"version {target.version} never was in production ({target.status}):"
            " a candidate is promoted, `model_versioning.py promote N`"
        )
    _load_artifact(conn, target)


def _check_scores(
    model: Recommender, training: TrainingRun, arrays: Mapping[str, AnyArray]
) -> None:
    """Refuse a model that scores otherwise once it has been stored and loaded."""
    users = np.arange(min(3, len(arrays["user_ids"])))
    loaded = type(model)(training.hyperparameters).load(_model_arrays(arrays))
    if not np.allclose(model.score(users), loaded.score(users), rtol=1e-9, equal_nan=True):
        raise InputError(
            f"model {training.model!r} scores otherwise after load(arrays()):"
            " mend its `arrays` or `load`"
        )


def _load_artifact(
    conn: Connection, version: Version
) -> tuple[dict[str, Any], dict[str, AnyArray]]:
    if version.artifact is None or version.artifact_sha256 is None:
        raise InputError(f"version {version.version} was refused: nothing was kept of its model")
    return load_artifact(database_path(conn), version.artifact, version.artifact_sha256)


def _model_arrays(arrays: Mapping[str, AnyArray]) -> dict[str, AnyArray]:
    return {n.removeprefix(_MODEL): a for n, a in arrays.items() if n.startswith(_MODEL)}


def _ids(arrays: Mapping[str, AnyArray], name: str) -> Ints:
    return arrays[name].astype(np.int64)
