"""Export of all users' lists: complete, in each format the same, and all or nothing."""

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pysqlite3 as sqlite
import pytest

from reeltune.db.connection import connection
from reeltune.db.dataset import load_dataset
from reeltune.domain.errors import InputError, StorageError
from reeltune.domain.study import StudyConfig
from reeltune.serving import Recommendations, list_export
from reeltune.serving.list_export import COLUMNS, ListFormat, export_all
from reeltune.versioning.request import RetrainingRequest
from reeltune.versioning.retraining import retrain
from tests.versioning.erased import bring_in, frames

K = 7


@pytest.fixture(name="served", scope="module")
def _served(small_world: Path, tmp_path_factory: pytest.TempPathFactory) -> Recommendations:
    path = tmp_path_factory.mktemp("export") / "movies.db"
    path.write_bytes(small_world.read_bytes())
    return deployed(path)


def deployed(path: Path) -> Recommendations:
    with connection(path) as conn:
        request = RetrainingRequest(study=StudyConfig(), force=True, accuracy_threshold=0.0)
        retrain(conn, load_dataset(conn), request)
    return Recommendations.open(path)


def read_csv(path: Path) -> list[tuple[Any, ...]]:
    with path.open(encoding="utf-8", newline="") as file:
        names, *rows = csv.reader(file)
    assert tuple(names) == COLUMNS
    return [
        (user, int(rank), movie, title, float(score)) for user, rank, movie, title, score in rows
    ]


def read_sqlite(path: Path) -> list[tuple[Any, ...]]:
    conn = sqlite.connect(str(path))
    rows = conn.execute(f"SELECT {', '.join(COLUMNS)} FROM recommendations").fetchall()
    conn.close()
    return [tuple(row) for row in rows]


def read_parquet(path: Path) -> list[tuple[Any, ...]]:
    parquet = pytest.importorskip("pyarrow.parquet")
    return [tuple(row[name] for name in COLUMNS) for row in parquet.read_table(path).to_pylist()]


READERS: dict[ListFormat, Callable[[Path], list[tuple[Any, ...]]]] = {
    "csv": read_csv,
    "sqlite": read_sqlite,
    "parquet": read_parquet,
}


def expected(served: Recommendations, users: list[int | str]) -> list[tuple[Any, ...]]:
    return [
        (user, each.rank, each.movie_id, each.title, each.score)
        for user in users
        for each in served.for_user(user, K)
    ]


def as_text(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return [(str(user), rank, str(movie), *rest) for user, rank, movie, *rest in rows]


@pytest.mark.parametrize("kind", READERS)
def test_every_user_has_the_list_that_the_user_is_shown(
    served: Recommendations, tmp_path: Path, kind: ListFormat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(list_export, "_USERS_AT_A_TIME", 33)
    path, seen = tmp_path / "lists", []
    if kind == "parquet":
        pytest.importorskip("pyarrow")
    found = export_all(served, K, path, kind, lambda n, total: seen.append((n, total)))
    rows = READERS[kind](path)
    users = served.movies.loaded.user_ids.tolist()
    assert as_text(rows) == as_text(expected(served, users))
    if kind != "csv":
        assert rows == expected(served, users)
    assert (found.users, found.rows, found.version) == (80, 80 * K, 1)
    assert seen == [(33, 80), (66, 80), (80, 80)]
    assert [each.name for each in tmp_path.iterdir()] == ["lists"]


@pytest.mark.parametrize("kind", READERS)
def test_users_and_movies_are_named_as_in_their_data(tmp_path: Path, kind: ListFormat) -> None:
    db = tmp_path / "movies.db"
    with connection(db, create=True) as conn:
        tables = frames()
        ratings, movies = tables["ratings"], tables["movies"]
        ratings["user"] = ratings["user"].replace("u-4", "12")  # of some, the id is a number
        for frame in (ratings, movies):
            frame["movie"] = frame["movie"].replace("m-18", "18")
        bring_in(conn, tables)
    served = deployed(db)
    if kind == "parquet":
        pytest.importorskip("pyarrow")
    export_all(served, K, tmp_path / "lists", kind)
    users = list_export.shown_users(served)
    assert {12, "u-1"} <= set(users)
    rows = READERS[kind](tmp_path / "lists")
    assert all(isinstance(row[0], str) and isinstance(row[2], str) for row in rows)
    assert "18" in {row[2] for row in rows}
    found = as_text(rows)
    assert sorted(found) == sorted(as_text(expected(served, users)))


def test_a_file_that_cannot_be_finished_leaves_the_old_one(
    served: Recommendations, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "lists.csv"
    path.write_text("as it was")
    monkeypatch.setattr(list_export, "_USERS_AT_A_TIME", 10)

    def full(n: int, _: int) -> None:
        if n == 20:
            raise OSError(28, "No space left on device")

    with pytest.raises(StorageError, match=r"lists.csv': .*No space left"):
        export_all(served, K, path, "csv", full)
    assert path.read_text() == "as it was"
    assert [each.name for each in tmp_path.iterdir()] == ["lists.csv"]


def test_a_directory_that_is_not_there_is_named(served: Recommendations, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no directory .*nowhere"):
        export_all(served, K, tmp_path / "nowhere" / "lists.csv", "csv")
