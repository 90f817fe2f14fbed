"""Puts the made-up world into a database, all of it or nothing, and its truth beside it."""

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.progress import Progress

from reeltune.db.connection import Connection, transaction
from reeltune.db.demo import count_world
from reeltune.db.imports import finish_batch, load_batches, start_batch
from reeltune.db.movies import (
    CastMember,
    Metadata,
    Movie,
    save_cast,
    save_collections,
    save_genres,
    save_metadata,
    save_movies,
    save_people,
)
from reeltune.db.ratings import load_movie_ids, save_ratings
from reeltune.domain.errors import InputError
from reeltune.importers.demo_genres import GENRES
from reeltune.importers.demo_settings import DemoSettings, truth
from reeltune.importers.demo_users import rate_in_blocks
from reeltune.importers.demo_world import DemoWorld, make_world

USERS_PER_BLOCK = 500  # written at once; bounds memory, changes no content
_BATCH = "demo world"


@dataclass(frozen=True, slots=True)
class DemoReport:
    """Report of what the database holds after an import."""

    changed: bool  # false: the same world was there already
    users: int
    movies: int
    ratings: int
    people: int
    franchises: int
    mean_rating: float  # stars


def import_demo(
    conn: Connection,
    settings: DemoSettings,
    bar: Progress,
    users_per_block: int = USERS_PER_BLOCK,
) -> DemoReport:
    """Make the world of `settings` in one transaction; the same world again changes nothing.

    Raises:
        InputError: the database holds something else.
    """
    fingerprint = hashlib.sha256(truth_text(settings).encode()).hexdigest()
    with transaction(conn):
        changed = not _holds(conn, fingerprint)
        if changed:
            batch_id = start_batch(conn, "demo", _BATCH, fingerprint)
            demo = make_world(settings)
            _save_catalogue(conn, demo)
            _save_ratings(conn, demo, settings, bar, users_per_block)
            finish_batch(conn, batch_id, settings.ratings, settings.ratings)
    counts = count_world(conn)
    return DemoReport(changed, **{name: counts[name] for name in counts.keys()})  # noqa: SIM118


def truth_text(settings: DemoSettings) -> str:
    """Return what the world's users are really like, as a JSON document."""
    return json.dumps(truth(settings), indent=2) + "\n"


def truth_path(db_path: Path) -> Path:
    """Return where the truth about a database's world is written.

    >>> truth_path(Path("data/movies.db")).name
    'movies.truth.json'
    """
    return db_path.with_name(f"{db_path.stem}.truth.json")


def write_truth(db_path: Path, settings: DemoSettings) -> Path:
    """Write the truth beside the database; a reader sees the old file or the new one."""
    path = truth_path(db_path)
    draft = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with draft.open("w", encoding="utf-8") as file:
            file.write(truth_text(settings))
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    return path


def _holds(conn: Connection, fingerprint: str) -> bool:
    """Return whether the world is there already; anything else there is refused."""
    batches = load_batches(conn)
    if any(batch.sha256 == fingerprint for batch in batches if batch.source == "demo"):
        return True
    if batches or len(load_movie_ids(conn)):
        content = "another demo world" if any(b.source == "demo" for b in batches) else "other data"
        raise InputError(
            f"the demo world needs a database of its own, and this one holds {content}:"
            " name another file with --db"
        )
    return False


def _save_catalogue(conn: Connection, demo: DemoWorld) -> None:
    """Save movies, genres, franchises, people and casts; ids are positions + 1."""
    movie_ids = range(1, len(demo.titles) + 1)
    save_collections(conn, dict(enumerate(demo.collection_names, start=1)))
    years = demo.works.years.tolist()
    save_movies(conn, map(Movie, movie_ids, demo.titles, years))
    save_metadata(conn, _metadata(demo))
    genres = {
        movie_id: tuple(GENRES[genre] for genre in np.flatnonzero(row))
        for movie_id, row in zip(movie_ids, demo.genres, strict=True)
    }
    save_genres(conn, "demo", genres)
    cast = demo.cast
    seen = np.unique(cast.people).tolist()
    save_people(conn, {person + 1: demo.people_names[person] for person in seen})
    entries = zip(cast.movies.tolist(), cast.people.tolist(), cast.billing.tolist(), strict=True)
    save_cast(conn, movie_ids, (CastMember(m + 1, p + 1, billing) for m, p, billing in entries))


def _metadata(demo: DemoWorld) -> Iterator[Metadata]:
    dates = np.datetime_as_string(demo.released_at.astype("datetime64[s]"), unit="D").tolist()
    collections = demo.works.collections.tolist()
    for movie, (date, collection) in enumerate(zip(dates, collections, strict=True)):
        yield Metadata(movie + 1, collection + 1 if collection >= 0 else None, release_date=date)


def _save_ratings(
    conn: Connection, demo: DemoWorld, settings: DemoSettings, bar: Progress, users_per_block: int
) -> None:
    task = bar.add_task("generating the demo world", total=settings.ratings)
    for block in rate_in_blocks(demo, settings, users_per_block):
        save_ratings(conn, block.users, block.movies, block.ratings, block.rated_at)
        bar.advance(task, len(block.users))
    bar.remove_task(task)
