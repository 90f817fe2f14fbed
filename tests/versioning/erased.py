"""Database in which a user has lived, and what erasing the user leaves."""

import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from reeltune.db.connection import Connection, connection
from reeltune.db.external_ids import find_id
from reeltune.importers.table import import_table
from reeltune.rating_models.registry import model_class
from reeltune.storage.run_lock import run_lock
from reeltune.versioning.erasure import Proof, erase

ANNA = "anna-7f1c9d@example.org"


def frames(n_users: int = 40, n_movies: int = 40) -> dict[str, pd.DataFrame]:
    """Return films and ratings; Anna is the third user."""
    dice = np.random.default_rng(7)
    users = ["u-1", "u-2", ANNA, *(f"u-{k}" for k in range(4, n_users + 1))]
    rows = [
        (user, f"m-{movie}", float(dice.integers(1, 11)) / 2, 1_600_000_000 + 864_000 * k)
        for user in users
        for k, movie in enumerate(dice.permutation(n_movies)[:20].tolist())
    ]
    films = pd.DataFrame({"movie": [f"m-{k}" for k in range(n_movies)]})
    films["title"] = [f"Film {k}" for k in range(n_movies)]
    return {
        "movies": films,
        "ratings": pd.DataFrame(rows, columns=["user", "movie", "stars", "at"]),
    }


def mapping() -> dict[str, Any]:
    return {
        "movies": {"table": "movies", "movie": "movie", "title": "title"},
        "ratings": {
            "table": "ratings",
            "user": "user",
            "movie": "movie",
            "rating": "stars",
            "time": "at",
            "scale": "0.5-5",
        },
    }


def bring_in(conn: Connection, found: Mapping[str, pd.DataFrame] | None = None) -> None:
    import_table(conn, dict(found or frames()), mapping(), max_rejected=1.0)


def other_hyperparameters() -> dict[str, Any]:
    return model_class("hand-weighted").space.defaults() | {
        "popularity_rating_weight": 0.5,
        "popularity_count_weight": 0.5,
    }


def erased(path: Path, user: str = ANNA, **settings: Any) -> Proof:
    with run_lock(path), connection(path) as conn:
        return erase(conn, user, **settings)


def traces(directory: Path, number: int, name: str = ANNA) -> list[str]:
    """Return the files that have the bytes of the id, as text or as a number of either order."""
    wanted = (name.encode(), struct.pack(">q", number), struct.pack("<q", number))
    files = [each for each in directory.rglob("*") if each.is_file()]
    return [
        str(f.relative_to(directory)) for f in files if any(w in f.read_bytes() for w in wanted)
    ]


def contents(directory: Path) -> dict[str, bytes]:
    files = (each for each in directory.rglob("*") if each.is_file())
    return {str(f): f.read_bytes() for f in files if not f.name.endswith(("-wal", "-shm"))}


def number_of(path: Path) -> int:
    with connection(path) as conn:
        found = find_id(conn, "user", ANNA)
    assert found is not None
    return found
