"""Loader: reads the versions that are to be served, checks and warms them, off the event loop."""

from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from reeltune.db.changes import load_position
from reeltune.db.columns import snapshot
from reeltune.db.connection import Connection, connection
from reeltune.db.data_version import ensure_data_version
from reeltune.db.erasures import load_tombstones
from reeltune.db.versions import load_production, load_version
from reeltune.db.withdrawals import load_withdrawn
from reeltune.domain.errors import ReelTuneError
from reeltune.importers.serving_source import imported_ratings
from reeltune.serving.current_data import CurrentData, load_current_data
from reeltune.serving.live import LiveState, LiveVersion
from reeltune.serving.recommendations import Recommendations
from reeltune.versioning.registry import load_model

_WARMED_USERS = 50  # who asked last are served from kept lists at once


@dataclass(frozen=True, slots=True)
class Wanted:
    """Content of the database that decides what is served: a change means to load again."""

    production: int | None
    artifact: str | None  # hash
    data: tuple[object, ...]

    @classmethod
    def load(cls, conn: Connection) -> "Wanted":
        """Load what is wanted now."""
        with snapshot(conn):
            found = load_production(conn)
            data = (
                load_position(conn),
                tuple(sorted(load_withdrawn(conn))),
                repr(load_tombstones(conn)),
            )
        if found is None:
            return cls(None, None, data)
        return cls(found.version, found.artifact_sha256, data)


@dataclass(frozen=True, slots=True)
class Loaded:
    """State that was loaded, what it was loaded by, and what of it failed."""

    state: LiveState
    wanted: Wanted
    problem: str | None


def load_state(
    database: Path, before: Loaded | None = None, further: Collection[int] = ()
) -> Loaded:
    """Load the version in production and `further` ones; what has not changed is taken over.

    Where production cannot be loaded, what was served before goes on, and `problem` says why. The
    versions know the ratings of the database; those of the store come after `last_rating`.

    Raises:
        ReelTuneError: the database cannot be read.
    """
    with connection(database) as conn:
        ensure_data_version(conn)
        with snapshot(conn):
            wanted = Wanted.load(conn)
            is_same = before is not None and before.wanted.data == wanted.data
            kept = before.state if before is not None and is_same else None
            current = load_current_data(conn) if kept is None else kept.current
            warm = _users_to_warm(before)
            versions: dict[int, LiveVersion] = {}
            faults = []
            for number in (n for n in {wanted.production, *further} if n is not None):
                try:
                    versions[number] = _load_live(database, conn, number, current, kept, warm)
                except ReelTuneError as error:
                    faults.append(f"version {number} cannot be loaded: {error}")
            last = imported_ratings(conn)
    production = wanted.production
    if production not in versions and before is not None and wanted.production is not None:
        production = before.state.production
        if production is not None:
            versions.setdefault(production, before.state.versions[production])
    state = LiveState(
        current=current,
        production=production if production in versions else None,
        versions=versions,
        last_rating=last,
    )
    return Loaded(state, wanted, "; ".join(faults) or None)


def _users_to_warm(before: Loaded | None) -> list[str]:
    if before is None or before.state.production is None:
        return []
    return before.state.versions[before.state.production].kept.latest_users(_WARMED_USERS)


def _load_live(
    database: Path,
    conn: Connection,
    number: int,
    current: CurrentData,
    kept: LiveState | None,
    warm: Collection[str],
) -> LiveVersion:
    """Return a version, its hash checked and its first lists made; the old object if it is that."""
    old = None if kept is None else kept.versions.get(number)
    if old is not None:
        sha256 = old.recommendations.movies.loaded.version.artifact_sha256
        if sha256 == load_version(conn, number).artifact_sha256:
            return old
    made = LiveVersion.of(Recommendations.of(load_model(conn, number), current, database))
    for user in warm:
        with suppress(ReelTuneError):  # who was erased
            made.kept.make(user, made.recommendations)
    return made
