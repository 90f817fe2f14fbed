"""Reads all that training sees, as of one moment, from the database or from what was kept."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from reeltune.db.catalogue import load_catalogue
from reeltune.db.columns import snapshot
from reeltune.db.connection import Connection
from reeltune.db.data_version import load_seal, seal
from reeltune.db.ratings import has_ratings, load_ratings
from reeltune.db.versions import database_path
from reeltune.domain.arrays import AnyArray
from reeltune.domain.errors import NotFoundError
from reeltune.ratings.dataset import INDEX_KIND, Dataset
from reeltune.ratings.dataset_arrays import from_arrays, is_a_dataset, to_arrays
from reeltune.storage.array_cache import ArrayCache

WORTH_KEEPING = 50_000  # ratings; fewer are read as fast as a copy of them
KIND = "data"


def load_dataset(conn: Connection) -> Dataset:
    """Ratings and catalogue.

    Raises:
        NotFoundError: there are no ratings.
    """
    if not has_ratings(conn, 1):
        raise NotFoundError(
            "the database holds no ratings: import some with `reeltune import movielens DIR`,"
            " or `reeltune import demo`"
        )
    return _load_kept(conn) if has_ratings(conn, WORTH_KEEPING) else read_dataset(conn)


def read_dataset(conn: Connection) -> Dataset:
    """Ratings and catalogue, from the database itself."""
    with snapshot(conn):
        return Dataset(load_ratings(conn), load_catalogue(conn))


def _load_kept(conn: Connection) -> Dataset:
    """What was kept under the seal that the data have now; else they are read, and kept."""
    cache = ArrayCache.beside(database_path(conn))
    seal(conn)
    with snapshot(conn):
        word = load_seal(conn)
        if word is None:
            return read_dataset(conn)
        arrays = cache.load(f"{KIND}-{word}")
        if arrays is not None and is_a_dataset(arrays):
            return from_arrays(arrays, cache)
        data = replace(read_dataset(conn), cache=cache)
    cache.save(f"{KIND}-{word}", to_arrays(data))
    cache.remove_all_but(KIND, word)
    cache.remove_all_but(INDEX_KIND, data.fingerprint[:16])  # those made of other data
    cache.remove_all_but("world", "none")  # an earlier program's indices
    return data


def check_kept(conn: Connection) -> Iterator[tuple[Path, str]]:
    """Files of the cache that are of no use, each with why; the data are read and compared."""
    cache = ArrayCache.beside(database_path(conn))
    current = f"{KIND}-{load_seal(conn)}"
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
