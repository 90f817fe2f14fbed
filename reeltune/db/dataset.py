"""Reads all that training sees, as of one moment, from the database or from what was kept."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from reeltune.db.catalogue import load_catalogue
from reeltune.db.changes import (
    is_catalogue_changed,
    is_logged_since,
    load_changed_users,
    load_marks,
    load_position,
)
from reeltune.db.columns import snapshot
from reeltune.db.connection import Connection
from reeltune.db.data_version import ensure_data_version, load_data_version
from reeltune.db.ratings import count_ratings, has_ratings, load_ratings, load_ratings_of_changed
from reeltune.db.versions import database_path
from reeltune.domain.arrays import AnyArray
from reeltune.domain.errors import NotFoundError
from reeltune.ratings.dataset import INDEX_KIND, Dataset
from reeltune.ratings.dataset_arrays import from_arrays, is_a_dataset, to_arrays
from reeltune.ratings.updates import replace_users
from reeltune.storage.array_cache import ArrayCache

WORTH_KEEPING = 50_000  # ratings; fewer are read as fast as a copy of them
KIND = "data"
MAX_CHANGED = 0.5  # of the users; more are read with all the others


def load_dataset(conn: Connection) -> Dataset:
    """Load ratings and catalogue.

    Raises:
        NotFoundError: there are no ratings.
    """
    if not has_ratings(conn, 1):
        raise NotFoundError(
            "the database holds no ratings: import some with `reeltune import movielens DIR`,"
            " or `reeltune import demo`"
        )
    ensure_data_version(conn)  # from here on it is logged what changes
    return _load_kept(conn) if has_ratings(conn, WORTH_KEEPING) else read_dataset(conn)


def read_dataset(conn: Connection) -> Dataset:
    """Read ratings and catalogue from the database itself."""
    with snapshot(conn):
        last_change = load_position(conn)
        return Dataset(load_ratings(conn), load_catalogue(conn), last_change=last_change)


def _load_kept(conn: Connection) -> Dataset:
    """Return what was kept of the data's present version; else they are read, and kept."""
    cache = ArrayCache.beside(database_path(conn))
    with snapshot(conn):
        version = load_data_version(conn)
        if version is None:
            return read_dataset(conn)
        arrays = cache.load(f"{KIND}-{version}")
        if arrays is not None and is_a_dataset(arrays):
            return from_arrays(arrays, cache, load_position(conn))
        data = replace(refreshed(conn, cache) or read_dataset(conn), cache=cache)
    cache.save(f"{KIND}-{version}", to_arrays(data))
    if load_data_version(conn) != version:  # changed meanwhile: it may hold an erased user
        cache.remove(f"{KIND}-{version}")
    cache.remove_all_but(KIND, version)
    cache.remove_all_but(INDEX_KIND, data.fingerprint[:16])  # those made of other data
    cache.remove_all_but("world", "none")  # an earlier program's indices
    return data


def refreshed(conn: Connection, cache: ArrayCache) -> Dataset | None:
    """Return the data from an earlier copy, and from the database only what was changed since.

    None where there is no such copy, or so much was changed that all is read as fast.
    """
    position = load_position(conn)
    if position is None:
        return None
    for mark in load_marks(conn):
        arrays = (
            cache.load(f"{KIND}-{mark.data_version}")
            if is_logged_since(conn, mark.position)
            else None
        )
        if arrays is None or not is_a_dataset(arrays):
            continue
        data = from_arrays(arrays, None)
        changed = load_changed_users(conn, mark.position)
        if len(changed) > MAX_CHANGED * data.ratings.n_users:
            return None
        fresh = load_ratings_of_changed(conn, mark.position)
        ratings = replace_users(data.ratings, changed, fresh)
        is_other = is_catalogue_changed(conn, mark.position)
        catalogue = load_catalogue(conn) if is_other else data.catalogue
        if len(ratings) != count_ratings(conn):
            return None  # somebody has changed what the triggers could not see
        return Dataset(ratings, catalogue, last_change=position)
    return None


def check_cache(conn: Connection) -> Iterator[tuple[Path, str]]:
    """Yield files of the cache that are of no use, and why; the data are read and compared."""
    cache = ArrayCache.beside(database_path(conn))
    current = f"{KIND}-{load_data_version(conn)}"
    for name in cache.names():
        arrays = cache.load(name)
        if arrays is None:
            yield cache.path(name), "is damaged, and so not used"
        elif name == current and not _stands_for(arrays, read_dataset(conn)):
            yield cache.path(name), "is not what is in the database"


def _stands_for(arrays: Mapping[str, AnyArray], data: Dataset) -> bool:
    expected = to_arrays(data)
    return arrays.keys() == expected.keys() and all(
        np.array_equal(arrays[name], array) for name, array in expected.items()
    )
