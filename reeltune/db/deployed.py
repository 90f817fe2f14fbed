"""Deployed configuration: the version in production, else its exported copy, else defaults."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reeltune.db.connection import Connection, transaction
from reeltune.db.versions import (
    Fault,
    database_path,
    load_events,
    load_production,
    load_versions,
)
from reeltune.domain.completion import with_defaults
from reeltune.domain.errors import InputError, StorageError
from reeltune.domain.space import Space
from reeltune.domain.strict_json import MAX_CHARACTERS, read_object
from reeltune.domain.version import Version, VersionEvent
from reeltune.storage.artifacts import sync_directory, write_synced
from reeltune.storage.files import read_text

EXPORT_NAME = "hyperparameters.json"
DEFAULTS = "defaults"
OWN_DEFAULTS = "its own defaults"  # of a model that is not deployed: another one is


@dataclass(frozen=True, slots=True)
class Deployed:
    """Deployed configuration, and where it is known from."""

    hyperparameters: dict[str, Any]
    source: str
    version: int | None = None


def load_deployed(conn: Connection, space: Space, model: str) -> Deployed:
    """Return the configuration a tuning run starts from and is measured against.

    A production version of another model says nothing of this one's hyperparameters. What has been
    declared since a version was made is at its default.

    Raises:
        InputError: the exported file is needed and wrong.
    """
    production = load_production(conn)
    if production is not None and production.training.model == model:
        values = space.checked(with_defaults(space, production.training.hyperparameters))
        return Deployed(values, f"version {production.version}", production.version)
    export = export_path(conn)
    exported = None
    if production is None and export.is_file():
        exported = _read_export(export, space, model)
    if exported is not None:
        return Deployed(exported, export.name)
    is_other = production is not None or export.is_file()
    return Deployed(space.defaults(), OWN_DEFAULTS if is_other else DEFAULTS)


def export_path(conn: Connection) -> Path:
    """Return where the deployed configuration is exported to: beside the database.

    `movies.db` has `hyperparameters.json`; another database beside it has a file of its own, so
    that none takes another's for its own.
    """
    database = database_path(conn)
    if database.name == "movies.db":
        return database.with_name(EXPORT_NAME)
    is_first = database.suffix == ".db" or not database.with_suffix(".db").exists()
    return database.with_name(f"{database.stem if is_first else database.name}.{EXPORT_NAME}")


def export_deployed(conn: Connection) -> bool:
    """Make the exported file say what is in production; whether it had to be written.

    It is written under the database's write lock, so that of two promotions at once the later one
    is what the file says in the end. A reader finds the old file or the new one.

    Raises:
        StorageError: the file cannot be written.
    """
    path = export_path(conn)
    with transaction(conn):
        production = load_production(conn)
        if production is None or not _differs(path, production):
            return False
        try:
            _write_export(path, database_path(conn), export_text(production))
        except OSError as error:
            raise StorageError(
                f"version {production.version} is in production, but {str(path)!r} cannot be"
                f" written: {error}; then promote version {production.version} again"
            ) from error
    return True


def check_export(conn: Connection) -> list[Fault]:
    """Return what is wrong with the exported file, if it is not that of production."""
    production, path = load_production(conn), export_path(conn)
    if production is None or not _differs(path, production):
        return []
    what = "does not match the version in production" if path.exists() else "is missing"
    remedy = f"promote version {production.version} again, which writes it"
    return [Fault(path.name, what, remedy)]


def check_production(conn: Connection) -> list[Fault]:
    """Return whether versions and events agree on what is in production."""
    found = [v.version for v in load_versions(conn) if v.status == "production"]
    by_events = live_history(load_events(conn))[-1:]
    if found == by_events:
        return []
    what = f"versions in production are {found}, but {by_events} by the events"
    return [Fault("production", what, "promote the version that is meant")]


def live_history(events: Iterable[VersionEvent]) -> list[int]:
    """Return what was in production and not undone, the earliest first; the last one still is.

    >>> def event(version, kind, evidence={}):
    ...     return VersionEvent(
    ...         version=version, event=kind, happened_at="", reason="", evidence=evidence)
    >>> live_history([event(1, "promoted"), event(1, "replaced"), event(2, "promoted")])
    [1, 2]
    >>> live_history([event(1, "promoted"), event(1, "replaced"), event(2, "promoted"),
    ...               event(2, "rolled back"), event(1, "promoted", {"rolled_back_from": 2})])
    [1]
    """
    live: list[int] = []
    for event in events:
        if event.event != "promoted":
            continue
        if "rolled_back_from" in event.evidence and event.version in live:
            while live[-1] != event.version:
                live.pop()
        else:
            live.append(event.version)
    return live


def export_text(version: Version) -> str:
    """Return what the exported file says of a version: one line per value, the same every time."""
    training = version.training
    described = {
        "model": training.model,
        "version": version.version,
        "hyperparameters": dict(training.hyperparameters),
        "n_ratings": training.n_ratings,
        "data_fingerprint": training.data_fingerprint,
        "code_version": training.code_version,
        "artifact_sha256": version.artifact_sha256,
    }
    return json.dumps(described, indent=2, ensure_ascii=False) + "\n"


def _differs(path: Path, production: Version) -> bool:
    try:
        return read_text(path, MAX_CHARACTERS) != export_text(production)
    except InputError:  # missing, or whatever lies there
        return True


def _write_export(path: Path, database: Path, text: str) -> None:
    unfinished = path.with_name(f".{database.name}.{path.name}")
    try:
        write_synced(unfinished, text.encode())
        unfinished.replace(path)
    except OSError:
        unfinished.unlink(missing_ok=True)
        raise
    sync_directory(path.parent)


def _read_export(path: Path, space: Space, model: str) -> dict[str, Any] | None:
    """Return the configuration in the exported file; None where it is of another model."""
    written = read_object(read_text(path, MAX_CHARACTERS), str(path))
    if written.get("model") != model:
        return None
    values = written.get("hyperparameters")
    if not isinstance(values, dict):
        raise InputError(f"{str(path)!r} must have an object 'hyperparameters'")
    try:
        return space.checked(with_defaults(space, values))
    except InputError as error:
        raise InputError(f"{str(path)!r}: {error}") from error
