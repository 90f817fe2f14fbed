"""A small model, and versions of it: what tests of versions start from."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np

from reeltune.db.connection import Connection
from reeltune.db.deployed import export_path
from reeltune.db.versions import load_events, load_production, load_version, load_versions
from reeltune.domain.arrays import AnyArray, Floats, Ints
from reeltune.domain.space import Configuration, Hyperparameter, Single, Space
from reeltune.domain.version import TrainingRun
from reeltune.ratings.catalogue import Catalogue
from reeltune.ratings.table import RatingTable
from reeltune.versioning.registry import promote, register
from tests.metrics.small_data import catalogue_of, table_of

RATINGS = table_of([(1, 10, 4.0, 1), (1, 20, 2.0, 2), (7, 30, 5.0, 1)], [10, 20, 30, 40])
CATALOGUE = catalogue_of([10, 20, 30, 40], [[0], [1], [0, 2], []])


class Constant:
    """Scores every movie with its one hyperparameter."""

    space: ClassVar[Space] = Space(
        (Single(Hyperparameter(name="level", default=0, low=0, high=10**6, meaning="the score")),)
    )

    def __init__(self, hyperparameters: Configuration) -> None:
        self.level = np.array([float(hyperparameters["level"])])
        self.n_movies = np.array([0])

    def fit(self, ratings: RatingTable, catalogue: Catalogue) -> Self:
        self.n_movies = np.array([ratings.n_movies])
        return self

    def score(self, users: Ints) -> Floats:
        return np.broadcast_to(self.level, (len(users), int(self.n_movies[0])))

    def arrays(self) -> dict[str, AnyArray]:
        return {"level": self.level, "n_movies": self.n_movies}

    def load(self, arrays: Mapping[str, AnyArray]) -> Self:
        self.level = arrays["level"].astype(np.float64)
        self.n_movies = arrays["n_movies"].astype(np.int64)
        return self


class Forgetful(Constant):
    """Does not store what it scores by."""

    def load(self, arrays: Mapping[str, AnyArray]) -> Self:
        super().load(arrays)
        self.level = self.level + 1
        return self


def training(level: int = 1, **values: Any) -> TrainingRun:
    usual: dict[str, Any] = {
        "created_at": "2026-11-20T21:40:00Z",
        "experiment_id": None,
        "model": "tests.versioning.versions:Constant",
        "hyperparameters": {"level": level},
        "split": "user-time",
        "data_fingerprint": "d" * 64,
        "n_ratings": len(RATINGS),
        "code_version": "c0de",
        "seed": 0,
        "environment": {"python": "3.11"},
        "test_metrics": {"accuracy": 0.7, "ndcg@10": 0.1},
        "duration_seconds": 1.5,
    }
    return TrainingRun(**usual | values)


def registered(conn: Connection, level: int = 1, **values: Any) -> int:
    model = Constant({"level": level}).fit(RATINGS, CATALOGUE)
    return register(conn, training(level, **values), model, RATINGS, {"p": 0.01}, "tuned")


def produced(conn: Connection, n: int = 1) -> int:
    """Promote `n` new versions one after the other; the last."""
    for _ in range(n):
        version = registered(conn, 1 + len(load_versions(conn)))
        promote(conn, version, "better")
    return version


def in_production(conn: Connection) -> int | None:
    found = load_production(conn)
    return found.version if found else None


def events(conn: Connection, version: int) -> list[str]:
    return [event.event for event in load_events(conn, version)]


def exported(conn: Connection) -> Any:
    return json.loads(export_path(conn).read_text())


def artifact(conn: Connection, version: int) -> Path:
    found = load_version(conn, version).artifact
    assert found is not None
    return export_path(conn).parent / found
