"""Erasure of a user: what was removed, and what became of the models that held the user."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, Literal

ErasureKind = Literal["user", "ratings"]
ModelAction = Literal["refitted", "dropped"]
RECORD_FORMAT = "reeltune erasure 1"
HIDDEN = "(of a user who was erased)"  # in place of a rejected row
_SEPARATORS = re.compile(r"[\s,;|\t\"':=]+")
_FIELDS = re.compile(r"[,;|\t]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure:
    """Erasure of a user, as it is recorded."""

    erasure_id: int
    kind: ErasureKind
    user_hash: str
    erased_at: str
    finished_at: str | None
    kept_out_until: int | None
    readmitted_at: str | None
    removed: Mapping[str, int]  # rows and files, by table or kind of file


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionErasure:
    """Change of a version's model because of an erasure."""

    version: int
    erasure_id: int
    erased_at: str
    action: ModelAction
    artifact_sha256: str  # of the model that held the user
    data_fingerprint: str | None  # of the data that it was refitted to

    def __str__(self) -> str:
        """Return one sentence for people."""
        what = "refitted without them" if self.action == "refitted" else "dropped"
        return (
            f"the ratings of a user were erased at {self.erased_at} (erasure {self.erasure_id}) and"
            f" the model {what}: the original can no longer be reproduced to the bit"
        )


@dataclass(frozen=True, slots=True)
class Tombstones:
    """Users whom imports leave out, by the keyed hash of their id; empty where nobody was erased.

    >>> Tombstones(b"key", {user_hash(b"key", "13"): 500}).leaves_out("13", 400)
    True
    """

    key: bytes = b""
    until: Mapping[str, int | None] = field(default_factory=dict)  # Unix seconds; None: for good

    def __bool__(self) -> bool:
        return bool(self.until)

    def cutoff(self, name: str) -> float | None:
        """Return up to when ratings of a user are left out; infinity for all, None for none."""
        found = user_hash(self.key, name)
        if found not in self.until:
            return None
        until = self.until[found]
        return float("inf") if until is None else float(until)

    def leaves_out(self, name: str, rated_at: int) -> bool:
        """Tell whether a rating of a user is left out."""
        cutoff = self.cutoff(name)
        return cutoff is not None and rated_at <= cutoff

    def is_named_in(self, text: str) -> bool:
        """Tell whether a text of an import has the id of somebody who was erased as a word."""
        return any(user_hash(self.key, word) in self.until for word in words(text))


def user_hash(key: bytes, name: str) -> str:
    """Return the hash, 64 hex digits, that stands for the user whom a source calls `name`."""
    return blake2b(f"user\n{name}".encode(), key=key, digest_size=32).hexdigest()


def words(text: str) -> set[str]:
    """Return what may be an id in a row of a file, or in what is said of one.

    >>> sorted(words('user 13, movie 7'))
    ['13', '7', 'movie', 'movie 7', 'user', 'user 13']
    """
    fields = (part.strip().strip("\"'") for part in _FIELDS.split(text))
    return {word for word in (*_SEPARATORS.split(text), *fields) if word}


def removed_json(removed: Mapping[str, int]) -> dict[str, Any]:
    """Return counts without those that are nothing."""
    return {name: n for name, n in removed.items() if n}
