"""Erases a user: from every table in one transaction, then from the files beside the database.

The models that held the user are fitted again before anything is changed, and take the place of
the old ones in the same transaction. What is left then are files that nobody names any more. They
are removed once no reader sees the database as it was; an erasure that is cut off before goes on
when it is asked for again.
"""

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from reeltune import __version__
from reeltune.db.carried_erasures import held_again
from reeltune.db.claims import claims_of_others
from reeltune.db.columns import snapshot
from reeltune.db.command_runs import mark_removed
from reeltune.db.connection import Connection, transaction
from reeltune.db.data_version import ensure_data_version, load_data_version
from reeltune.db.dataset import load_dataset
from reeltune.db.deployed import export_deployed
from reeltune.db.erasing import ErasedUser, count_rows, erase_rows, find_subject
from reeltune.db.erasures import (
    find_erasures,
    hash_of,
    load_version_erasures,
    save_erasure,
    save_version_erasure,
    set_readmitted,
    set_removed,
)
from reeltune.db.holders import Holder, find_holders, models_with
from reeltune.db.ratings import has_ratings
from reeltune.db.serving_erasing import count_served_rows, erase_served_rows
from reeltune.db.sources import reset_sources
from reeltune.db.vacuum import overwrite_deleted, rewrite, wait_for_readers
from reeltune.db.versions import database_path, set_version_artifact
from reeltune.domain.clock import stamp
from reeltune.domain.erasure import (
    RECORD_FORMAT,
    Erasure,
    ErasureKind,
    VersionErasure,
    removed_json,
)
from reeltune.domain.errors import BusyError, NotFoundError
from reeltune.domain.version import Version
from reeltune.ratings.dataset import Dataset
from reeltune.storage.array_cache import ArrayCache
from reeltune.storage.artifacts import (
    artifacts_directory,
    find_artifact,
    remove_artifact,
    remove_unfinished,
    save_artifact,
)
from reeltune.versioning.refits import (
    Models,
    Replacement,
    holds_models,
    known_users,
    refit,
    versions_with,
    without_user,
)

_MAX_ATTEMPTS = 3  # while somebody changes the data


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """Account of an erasure, to be kept; it names nobody."""

    erasure: Erasure
    versions: tuple[VersionErasure, ...]
    left: tuple[Holder, ...]  # what holds the user and is not touched
    dry_run: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Return what the file of a proof says."""
        said = asdict(self.erasure) | {"removed": removed_json(self.erasure.removed)}
        del said["readmitted_at"]
        return {
            "format": RECORD_FORMAT,
            "program": f"reeltune {__version__}",
            "user_hash_is": "BLAKE2b, 256 bits, of the id, with a key that only the database has",
            **said,
            "dry_run": self.dry_run,
            "models": [asdict(each) for each in self.versions],
            "still_held_by": [asdict(each) for each in self.left],
        }


class _UndoneError(Exception):
    """Ends a transaction so that nothing of it stays."""


@dataclass(frozen=True, slots=True)
class _Order:
    """Erasure that is asked for."""

    subject: ErasedUser
    kind: ErasureKind
    models: Models
    until: int | None = None  # Unix seconds; of 'ratings', None: now


def erase(
    conn: Connection,
    user: str,
    *,
    kind: ErasureKind = "user",
    models: Models = "refit",
    places: Sequence[Path] = (),
    until: int | None = None,
) -> Proof:
    """Erase a user, or go on with an erasure that was cut off; the caller holds the run lock.

    Args:
        conn: the database.
        user: the id as its source writes it.
        kind: 'user' keeps the user out of later imports for good; 'ratings' keeps out those
            ratings that were given until now.
        models: what becomes of the models of versions that are not in production; that one is
            always refitted.
        places: directories and files, besides those beside the database, that may hold the user.
        until: of 'ratings', up to when they are kept out, in Unix seconds; None: up to now.

    Raises:
        BusyError: somebody goes on changing the data, or reading them as they were before.
        InputError: the model in production cannot be fitted without the user.
        NotFoundError: nothing here holds such a user.
    """
    order = _Order(find_subject(conn, user), kind, models, until)
    overwrite_deleted(conn)
    if _is_needed(conn, order):
        _erase_rows(conn, order)
    for each in find_erasures(conn, order.subject.name):
        if each.finished_at is None:
            _finish(conn, order.subject, each)
    export_deployed(conn)  # also where all is done, but the disk has lost the file
    last = find_erasures(conn, order.subject.name)[-1]
    versions = load_version_erasures(conn, erasure_id=last.erasure_id)
    return Proof(erasure=last, versions=tuple(versions), left=_left(conn, order.subject, places))


def erase_again(conn: Connection) -> list[Proof]:
    """Erase whom the data hold though they were erased; the caller holds the run lock.

    That is so after an older backup was restored.

    Raises:
        BusyError, InputError: as `erase` does.
    """
    return [
        erase(conn, each.name, kind=each.kind, until=each.kept_out_until)
        for each in held_again(conn)
    ]


def foresee(
    conn: Connection,
    user: str,
    *,
    kind: ErasureKind = "user",
    models: Models = "refit",
    places: Sequence[Path] = (),
) -> Proof:
    """Return what `erase` would do; nothing is changed.

    Raises:
        NotFoundError: nothing here holds such a user.
    """
    order = _Order(find_subject(conn, user), kind, models)
    _is_needed(conn, order)
    data = load_dataset(conn) if has_ratings(conn, 1) else None
    rest = without_user(data, order.subject)
    now, removed, hashed = stamp(), {}, ""
    with suppress(_UndoneError), transaction(conn):
        removed = erase_rows(conn, order.subject, -1, known_users(data))
        hashed = hash_of(conn, order.subject.name)
        raise _UndoneError
    removed["serving_store"] = count_served_rows(database_path(conn), order.subject.name)
    versions = tuple(
        VersionErasure(
            version=each.version,
            erasure_id=0,
            erased_at=now,
            action="refitted" if _is_refitted(each, rest, models) else "dropped",
            artifact_sha256=each.artifact_sha256 or "",
            data_fingerprint=None if rest is None else rest.fingerprint,
        )
        for each in versions_with(conn, order.subject)
    )
    erasure = Erasure(
        erasure_id=0,
        kind=kind,
        user_hash=hashed,
        erased_at=now,
        finished_at=None,
        kept_out_until=None,
        readmitted_at=None,
        removed=removed,
    )
    left = find_holders(database_path(conn), order.subject, places)
    return Proof(erasure=erasure, versions=versions, left=tuple(left), dry_run=True)


def readmit(conn: Connection, user: str) -> bool:
    """Let imports bring a user in again; false if nothing keeps the user out.

    Sources that `sync` reads are read from their beginning the next time.
    """
    subject = find_subject(conn, user)
    with transaction(conn):
        found = [e for e in find_erasures(conn, subject.name) if e.readmitted_at is None]
        for each in found:
            set_readmitted(conn, each.erasure_id)
        if found:
            reset_sources(conn)
    return bool(found)


def _is_needed(conn: Connection, order: _Order) -> bool:
    """Tell whether anything has to be erased that no erasure under way has seen to.

    Raises:
        NotFoundError: nothing here holds such a user, and nobody like that was erased.
    """
    subject = order.subject
    known = [e for e in find_erasures(conn, subject.name) if e.readmitted_at is None]
    if count_rows(conn, subject) or count_served_rows(database_path(conn), subject.name):
        return True
    if any(each.finished_at is None for each in known):
        return False
    if holds_models(conn, subject):
        return True
    if not known:
        raise NotFoundError(f"nothing here holds a user {subject.name!r}: nothing was erased")
    return order.kind == "user" and all(each.kind == "ratings" for each in known)


def _erase_rows(conn: Connection, order: _Order) -> None:
    """Refit, then erase from all tables at once; of data that did not change meanwhile."""
    for _ in range(_MAX_ATTEMPTS):
        ensure_data_version(conn)
        with snapshot(conn):
            before = load_data_version(conn)
            data = load_dataset(conn) if has_ratings(conn, 1) else None
        rest = without_user(data, order.subject)
        versions = versions_with(conn, order.subject)
        replacements = refit(versions, rest, order.models)
        with transaction(conn):
            if before == load_data_version(conn):
                _commit(conn, order, data, rest, replacements)
                return
    raise BusyError("the data are being changed by somebody else: run this again")


def _commit(
    conn: Connection,
    order: _Order,
    data: Dataset | None,
    rest: Dataset | None,
    replacements: list[Replacement],
) -> None:
    """Erase all rows and name the new models, in a transaction of the caller's."""
    until = (order.until or int(time.time())) if order.kind == "ratings" else None
    erasure_id = save_erasure(conn, order.kind, order.subject.name, until)
    removed = erase_rows(conn, order.subject, -erasure_id, known_users(data))
    for each in replacements:
        version, old = each.version.version, each.version.artifact_sha256 or ""
        if each.contents is None:
            mark_removed(conn, [version])
            save_version_erasure(conn, version, erasure_id, "dropped", old, None)
        else:
            artifact = save_artifact(database_path(conn), *each.contents)
            set_version_artifact(conn, version, *artifact)
            fingerprint = None if rest is None else rest.fingerprint
            save_version_erasure(conn, version, erasure_id, "refitted", old, fingerprint)
    set_removed(conn, erasure_id, removed, None)


def _finish(conn: Connection, subject: ErasedUser, erasure: Erasure) -> None:
    """Remove what no row names any more, and rewrite the file, so that the bytes are gone too."""
    export_deployed(conn)
    wait_for_readers(conn)
    database = database_path(conn)
    removed = dict(erasure.removed)
    removed["models"] = removed.get("models", 0) + _remove_models(conn, subject, erasure)
    served = erase_served_rows(database, subject.name)
    removed["serving_store"] = removed.get("serving_store", 0) + served
    removed["cached_arrays"] = removed.get("cached_arrays", 0) + ArrayCache.beside(database).clear()
    with transaction(conn):
        set_removed(conn, erasure.erasure_id, removed, None)
    rewrite(conn)
    with transaction(conn):
        set_removed(conn, erasure.erasure_id, removed, stamp())
    wait_for_readers(conn)


def _remove_models(conn: Connection, subject: ErasedUser, erasure: Erasure) -> int:
    """Remove the models that hold the user, but for those that other databases need."""
    database = database_path(conn)
    with transaction(conn):  # nobody is registering a model
        remove_unfinished(database)
    claims = claims_of_others(database)
    named = load_version_erasures(conn, erasure_id=erasure.erasure_id)
    root = artifacts_directory(database).name
    old = (
        find_artifact(database, f"{root}/{e.artifact_sha256[:16]}", e.artifact_sha256)
        for e in named
    )
    places = {p for p in (*models_with(database, subject), *old) if p is not None}
    doomed = [] if claims.unread else sorted(p for p in places if not claims.need(p))
    for place in doomed:
        remove_artifact(database, place)
    return len(doomed)


def _left(conn: Connection, subject: ErasedUser, places: Sequence[Path]) -> tuple[Holder, ...]:
    """Return what holds the user still."""
    database = database_path(conn)
    models = (
        Holder(str(place), "model", "another database needs it, or may")
        for place in models_with(database, subject)
    )
    return (*models, *find_holders(database, subject, places))


def _is_refitted(version: Version, rest: Dataset | None, models: Models) -> bool:
    return rest is not None and (models == "refit" or version.status == "production")
