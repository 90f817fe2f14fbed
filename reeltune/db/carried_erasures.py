"""Carries erasures over to an older database that takes the place of a newer one.

The older one holds users again who were erased since it was saved. They are kept out of imports
from the moment it takes its place, and are to be erased again.
"""

import glob
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from reeltune.db.connection import Connection
from reeltune.db.erasures import (
    load_erasures,
    load_key,
    load_tombstones,
    save_key,
    set_unfinished,
)
from reeltune.db.external_ids import load_external_names
from reeltune.db.versions import Fault, database_path
from reeltune.domain.erasure import RECORD_FORMAT, Erasure, ErasureKind, user_hash
from reeltune.domain.errors import InputError
from reeltune.domain.strict_json import MAX_CHARACTERS, read_object
from reeltune.storage.files import read_text

AGAIN = "run `reeltune erase again`"


@dataclass(frozen=True, slots=True)
class HeldAgain:
    """User who was erased, and whom the data hold."""

    name: str  # as the source writes it
    kind: ErasureKind
    kept_out_until: int | None  # Unix seconds; None: for good


def carry_erasures(old: Connection, new: Connection) -> None:
    """Take over whom `old` keeps out, within a transaction of `new`.

    The erasures of those whom `new` holds again are no longer finished.

    Raises:
        InputError: `new` has a key of its own, and cannot know whom `old` keeps out.
    """
    found = load_erasures(old)
    key = load_key(old)
    if not found or key is None:
        return
    save_key(new, key)
    if load_key(new) != key:
        raise InputError(
            "the backup is of another database, and cannot take over whom this one keeps out after"
            " `reeltune erase`: restore it under another name, with --db NEW"
        )
    there = {_identity(each) for each in load_erasures(new)}
    for each in found:
        if _identity(each) in there:
            _readmit_too(new, each)
        else:
            _insert(new, each)
    held = {user_hash(key, each.name) for each in held_again(new)}
    for each in load_erasures(new):
        if each.user_hash in held and each.readmitted_at is None:
            set_unfinished(new, each.erasure_id)


def held_again(conn: Connection) -> list[HeldAgain]:
    """Return the users whom the data hold though they were erased."""
    tombstones = load_tombstones(conn)
    if not tombstones:
        return []
    names = load_external_names(conn, "user")
    rows = conn.execute("SELECT user_id, min(rated_at) AS first FROM ratings GROUP BY user_id")
    first: dict[str, float] = dict.fromkeys(names.values(), float("inf"))
    first |= {names.get(row["user_id"], str(row["user_id"])): row["first"] for row in rows}
    found: list[HeldAgain] = []
    for name, rated_at in first.items():
        cutoff = tombstones.cutoff(name)
        if cutoff is not None and rated_at <= cutoff:
            is_for_good = cutoff == float("inf")
            kind: ErasureKind = "user" if is_for_good else "ratings"
            found.append(HeldAgain(name, kind, None if is_for_good else int(cutoff)))
    return found


def check_held_again(conn: Connection) -> list[Fault]:
    """Return what tells that an older file was put in the place of the database."""
    held = len(held_again(conn))
    what = f"keep {held:,} users out whom the data hold again"
    return ([Fault("erasures", what, AGAIN)] if held else []) + [
        Fault(
            path.name,
            "tells of an erasure that this database does not know: an older file is in its place,"
            " and may hold the user",
            "run `reeltune erase user ID` for that user; then remove this account, if it is left",
        )
        for path in _unknown_accounts(conn)
    ]


def _identity(erasure: Erasure) -> tuple[str, str, str]:
    return erasure.user_hash, erasure.kind, erasure.erased_at


def _insert(conn: Connection, erasure: Erasure) -> None:
    conn.execute(
        """
        INSERT INTO erasures (
            kind, user_hash, erased_at, finished_at, kept_out_until, readmitted_at, removed
        ) VALUES (
            :kind, :user_hash, :erased_at, :finished_at, :kept_out_until, :readmitted_at, :removed
        )
        """,
        {
            "kind": erasure.kind,
            "user_hash": erasure.user_hash,
            "erased_at": erasure.erased_at,
            "finished_at": erasure.finished_at,
            "kept_out_until": erasure.kept_out_until,
            "readmitted_at": erasure.readmitted_at,
            "removed": json.dumps(dict(erasure.removed)),
        },
    )


def _readmit_too(conn: Connection, erasure: Erasure) -> None:
    conn.execute(
        """
        UPDATE erasures
           SET readmitted_at = coalesce(readmitted_at, :readmitted_at)
         WHERE user_hash = :user_hash AND kind = :kind AND erased_at = :erased_at
        """,
        {
            "readmitted_at": erasure.readmitted_at,
            "user_hash": erasure.user_hash,
            "kind": erasure.kind,
            "erased_at": erasure.erased_at,
        },
    )


def _unknown_accounts(conn: Connection) -> Iterator[Path]:
    """Yield the accounts beside a database of users whom it does not know to be erased."""
    known = {each.user_hash for each in load_erasures(conn)}
    database = database_path(conn)
    for path in sorted(database.parent.glob(f"{glob.escape(database.stem)}.erasure-*.json")):
        try:
            said = read_object(read_text(path, MAX_CHARACTERS), path.name)
        except InputError:
            continue
        if said.get("format") == RECORD_FORMAT and said.get("user_hash") not in known:
            yield path
