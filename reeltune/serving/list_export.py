"""Export of the lists of all users to a file: as they are made, in bounded memory."""

import csv
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Literal

import numpy as np

from reeltune.db.list_files import add_lists, list_database
from reeltune.domain.errors import InputError, StorageError
from reeltune.domain.recommendation import ShownId
from reeltune.serving.recommendations import Recommendations
from reeltune.storage.whole_files import whole_file

ListFormat = Literal["csv", "parquet", "sqlite"]
SUFFIXES: dict[ListFormat, str] = {"csv": "csv", "parquet": "parquet", "sqlite": "sqlite"}
COLUMNS = ("user_id", "rank", "movie_id", "title", "score")
_USERS_AT_A_TIME = 500
_REQUIREMENTS = "pip install -r requirements-import.txt"

_Row = tuple[ShownId, int, ShownId, str, float]
Write = Callable[[list[_Row]], None]


@dataclass(frozen=True, slots=True)
class ExportedLists:
    """Lists that were written."""

    version: int
    users: int
    rows: int


def export_all(
    served: Recommendations,
    k: int,
    path: Path,
    kind: ListFormat,
    done: Callable[[int, int], None] = lambda _, __: None,
) -> ExportedLists:
    """Write the best `k` movies of every user who has ratings, by ascending id of ours.

    Args:
        served: the version.
        k: length of a list.
        path: of the file; what was there is replaced by the whole new one at the end.
        kind: of file.
        done: called with the number of users so far, and of all.

    Raises:
        InputError: a package that the kind needs is missing, or there is no such directory.
        StorageError: the disk does not take it.
    """
    users = shown_users(served)
    pending, n_users, n_rows = iter(users), 0, 0
    try:
        with whole_file(path) as draft, _WRITERS[kind](draft, served) as write:
            while some := list(islice(pending, _USERS_AT_A_TIME)):
                rows = [row for user in some for row in _rows(served, user, k)]
                write(rows)
                n_users, n_rows = n_users + len(some), n_rows + len(rows)
                done(n_users, len(users))
    except OSError as error:
        raise StorageError(f"the lists cannot be written to {str(path)!r}: {error}") from error
    return ExportedLists(served.version, n_users, n_rows)


def shown_users(served: Recommendations) -> list[ShownId]:
    """Return all users with ratings that the version knows, as their data name them."""
    table = served.ratings.table
    numbers: list[int] = table.user_ids[np.diff(table.starts) > 0].tolist()
    current = served.movies.current
    if not current.users:
        return list(numbers)
    names = {number: name for name, number in current.users.items()}
    return [names.get(number, number) for number in numbers]


def _rows(served: Recommendations, user: ShownId, k: int) -> Iterator[_Row]:
    for item in served.for_user(user, k):
        yield user, item.rank, item.movie_id, item.title, item.score


@contextmanager
def _csv_writer(draft: Path, _: Recommendations) -> Iterator[Write]:
    with draft.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        yield writer.writerows


@contextmanager
def _sqlite_writer(draft: Path, served: Recommendations) -> Iterator[Write]:
    text_users, text_movies = _have_texts(served)
    with list_database(draft, text_users=text_users, text_movies=text_movies) as conn:
        yield lambda rows: add_lists(conn, (_typed(row, text_users, text_movies) for row in rows))


@contextmanager
def _parquet_writer(draft: Path, served: Recommendations) -> Iterator[Write]:
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError as error:
        raise InputError(f"files of Parquet need pyarrow: {_REQUIREMENTS}") from error
    text_users, text_movies = _have_texts(served)
    ids = [pa.string() if is_text else pa.int64() for is_text in (text_users, text_movies)]
    schema = pa.schema(
        zip(COLUMNS, (ids[0], pa.int32(), ids[1], pa.string(), pa.float64()), strict=True)
    )

    def write(rows: list[_Row]) -> None:
        typed = [_typed(row, text_users, text_movies) for row in rows]
        columns = [list(column) for column in zip(*typed, strict=True)] or [[] for _ in COLUMNS]
        writer.write_table(pa.table(dict(zip(COLUMNS, columns, strict=True)), schema=schema))

    with parquet.ParquetWriter(draft, schema) as writer:
        yield write


def _have_texts(served: Recommendations) -> tuple[bool, bool]:
    """Return if the data name users, and movies, by texts: then all of their ids are texts."""
    current = served.movies.current
    return bool(current.users), bool(current.movies)


def _typed(row: _Row, text_users: bool, text_movies: bool) -> _Row:
    user, rank, movie, title, score = row
    return (
        str(user) if text_users else user,
        rank,
        str(movie) if text_movies else movie,
        title,
        score,
    )


_WRITERS: dict[ListFormat, Callable[[Path, Recommendations], AbstractContextManager[Write]]] = {
    "csv": _csv_writer,
    "parquet": _parquet_writer,
    "sqlite": _sqlite_writer,
}
