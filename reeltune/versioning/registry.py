"""Registers, promotes and rolls back versions: the only writer of what is in production.

What is in production is one row of the database. Its artifact is on the disk before the row says
so, and its exported file is written right after; readers follow the row.
"""

import enum
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

import numpy as np

from reeltune.db.connection import Connection, transaction
from reeltune.db.deployed import export_deployed, live_history
from reeltune.db.erasures import load_version_erasures
from reeltune.db.ratings import load_ratings
from reeltune.db.test_evaluations import Reference, save_reference
from reeltune.db.training_epochs import save_training_epochs
from reeltune.db.versions import (
    add_version,
    database_path,
    load_events,
    load_production,
    load_version,
    replace_production,
)
from reeltune.domain.arrays import AnyArray, Ints
from reeltune.domain.errors import BusyError, InputError, NotFoundError, StorageError
from reeltune.domain.version import EventKind, TrainingRun, Version
from reeltune.metrics.ranking_metrics import EVENTS_OBJECTIVE
from reeltune.ratings.calls import load_recommender
from reeltune.ratings.recommender import Recommender
from reeltune.ratings.table import RatingTable
from reeltune.storage.artifacts import load_artifact, save_artifact
from reeltune.training.recording import RecordedEpoch
from reeltune.versioning.contents import LoadedModel, artifact_contents, model_arrays
from reeltune.versioning.positions import over_movies, over_users


class _Expected(enum.Enum):
    ANY = "any"


ANY: Final = _Expected.ANY  # whatever is in production


def register(
    conn: Connection,
    training: TrainingRun,
    model: Recommender,
    ratings: RatingTable,
    evidence: Mapping[str, Any],
    reason: str,
    references: Mapping[str, Reference] | None = None,
    epochs: Sequence[RecordedEpoch] = (),
) -> int:
    """Keep a model fitted to all of `ratings` as a candidate; the number of its version.

    `references` is what it is watched against, by metric: it is there as soon as the version is;
    `epochs` those by which it was trained.

    Raises:
        InputError: what the model gives as its arrays is not all that it scores by.
        StorageError: the disk does not take it.
    """
    manifest, arrays = artifact_contents(training, model, ratings)
    database = database_path(conn)
    with transaction(conn):
        artifact = save_artifact(database, manifest, arrays)
        _check_scores(model, training, load_artifact(database, *artifact)[1], ratings)
        event: tuple[EventKind, str, Mapping[str, Any]] = ("registered", reason, evidence)
        version = add_version(conn, training, "candidate", artifact, event)
        for metric, reference in (references or {}).items():
            save_reference(conn, version, metric, reference)
        save_training_epochs(conn, version, epochs)
        return version


def refuse(
    conn: Connection, training: TrainingRun, evidence: Mapping[str, Any], reason: str
) -> int:
    """Record a retraining that the gate refused; return its version, which has no model."""
    with transaction(conn):
        return add_version(conn, training, "refused", (None, None), ("refused", reason, evidence))


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
            replace_production(conn, production, version, "replaced", reason, evidence or {})
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
        replace_production(conn, production, target.version, "rolled back", reason, evidence)
    export_deployed(conn)
    return target.version


def load_model(conn: Connection, version: int | None = None) -> LoadedModel:
    """Return the fitted model of a version, by default of the one in production.

    Raises:
        InputError: it was refused, so that nothing was kept of it.
        NotFoundError: there is no such version, or none is in production.
        StorageError: its artifact cannot be trusted, or does not fit this code.
    """
    # Here: a rollback need not wait for models.
    from reeltune.rating_models.registry import model_class

    found, manifest, arrays = _load_found(conn, version)
    kind = model_class(found.training.model)
    faults = kind.space.faults(found.training.hyperparameters)
    try:
        if faults:
            raise ValueError("; ".join(faults))
        ids = _ids(arrays, "user_ids"), _ids(arrays, "movie_ids")
        model = load_recommender(
            kind(found.training.hyperparameters),
            model_arrays(arrays),
            lambda: over_users(over_movies(load_ratings(conn), ids[1]), ids[0]),
        )
        return LoadedModel(found, model, *ids)
    except (KeyError, TypeError, ValueError) as error:
        raise StorageError(
            f"version {found.version} was made by other code ({manifest.get('code_version')}):"
            f" {error}; check out that code, or retrain"
        ) from error


def _before(conn: Connection, production: int) -> int:
    """Return what was in production before `production`, of what has not been undone."""
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
    of_events = bool(metrics.get(EVENTS_OBJECTIVE))  # these have no accuracy, but lists
    if "accuracy" in metrics and metrics["accuracy"] is None and not of_events:
        raise InputError(f"version {version.version} has no test accuracy: it is never promoted")
    load_artifact_of(conn, version)


def _check_rollback(conn: Connection, target: Version) -> None:
    if target.status == "production":
        raise InputError(f"version {target.version} is in production already")
    if target.status != "archived":
        raise InputError(
            f"version {target.version} never was in production ({target.status}):"
            " a candidate is promoted, `model_versioning.py promote N`"
        )
    load_artifact_of(conn, target)


def _check_scores(
    model: Recommender,
    training: TrainingRun,
    arrays: Mapping[str, AnyArray],
    ratings: RatingTable,
) -> None:
    """Refuse a model that scores otherwise once it has been stored and loaded."""
    users = np.arange(min(3, len(arrays["user_ids"])))
    unloaded = type(model)(training.hyperparameters)
    loaded = load_recommender(unloaded, model_arrays(arrays), lambda: ratings)
    if not np.allclose(model.score(users), loaded.score(users), rtol=1e-9, equal_nan=True):
        raise InputError(
            f"model {training.model!r} gives other scores after load(arrays()):"
            " correct its `arrays` or `load`"
        )


def load_artifact_of(
    conn: Connection, version: Version
) -> tuple[dict[str, Any], dict[str, AnyArray]]:
    """Load manifest and arrays of a version.

    Raises:
        InputError: it was refused, so that nothing was kept of it.
        StorageError: its artifact is gone or cannot be trusted.
    """
    if version.artifact is None or version.artifact_sha256 is None:
        raise InputError(f"version {version.version} was refused: nothing was kept of its model")
    erased = load_version_erasures(conn, version.version) if version.removed_at else []
    if erased:
        raise StorageError(f"version {version.version} has no model: {erased[-1]}; retrain")
    if version.removed_at is not None:
        raise StorageError(
            f"the model of version {version.version} was removed at {version.removed_at}: make it"
            f" again, `model_versioning.py reproduce {version.version} --restore`"
        )
    return load_artifact(database_path(conn), version.artifact, version.artifact_sha256)


def _load_found(
    conn: Connection, version: int | None
) -> tuple[Version, dict[str, Any], dict[str, AnyArray]]:
    """Load the artifact of a version; the new one, where it was refitted while it was looked up."""
    while True:
        found = find_version(conn, version)
        try:
            return found, *load_artifact_of(conn, found)
        except StorageError:
            if find_version(conn, version).artifact_sha256 == found.artifact_sha256:
                raise


def _ids(arrays: Mapping[str, AnyArray], name: str) -> Ints:
    return arrays[name].astype(np.int64)


def find_version(conn: Connection, version: int | None) -> Version:
    """Return a version, by default the one in production.

    Raises:
        NotFoundError: there is no such version, or none is in production.
    """
    found = load_production(conn) if version is None else load_version(conn, version)
    if found is None:
        raise NotFoundError("no version is in production: run `retrain_model.py` first")
    return found
