"""Imports a MovieLens file of ratings, of any size that fits into memory as columns.

A rating that repeats user and movie of another in the file is rejected: the later `timestamp`
stays, of equal ones the later line. Ratings of movies that are not in the catalogue are rejected.
"""

from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.progress import Progress

from reeltune.db.connection import Connection
from reeltune.db.ratings import load_movie_ids, save_ratings
from reeltune.domain.arrays import Bools, Floats, Ints
from reeltune.importers.batch import FileImport, FileReport, file_import
from reeltune.importers.rows import Format
from reeltune.importers.values import BadRowError, check_id
from reeltune.ratings.table import HIGHEST_RATING, LOWEST_RATING

LATEST_RATED_AT = 4_102_444_799  # the end of 2099; timestamps in milliseconds lie beyond
UNKNOWN_MOVIE = "movie is not in the catalogue"
DUPLICATE = "same user and movie twice: the newer row is kept"
_BAD_RATING = f"rating is not a number, {LOWEST_RATING:g} to {HIGHEST_RATING:g}"
_BAD_TIME = "timestamp is not whole seconds, 1970 to 2099"
_ROWS_PER_WRITE = 50_000


@dataclass(frozen=True, eq=False)
class _Columns:
    """N ratings as in the file, and on which line each stands."""

    lines: Ints  # (N,) ascending
    users: Ints  # (N,)
    movies: Ints  # (N,)
    ratings: Floats  # (N,)
    rated_at: Ints  # (N,)

    def __getitem__(self, chosen: Ints | Bools | slice) -> "_Columns":
        return _Columns(
            self.lines[chosen],
            self.users[chosen],
            self.movies[chosen],
            self.ratings[chosen],
            self.rated_at[chosen],
        )


def import_ratings(conn: Connection, path: Path, form: Format, bar: Progress) -> FileReport:
    """Add the good ratings of a file to the table; of one already known the newer stays."""
    with file_import(conn, "movielens", path, bar) as file:
        columns = _read(file, form)
        columns = _reject_unknown_movies(file, columns, load_movie_ids(conn))
        columns = _reject_duplicates(file, columns)
        for part in _parts(columns, file):
            save_ratings(conn, part.users, part.movies, part.ratings, part.rated_at)
    return file.report()


def parse_rating(fields: list[str]) -> tuple[int, int, float, int]:
    """User, movie, rating and time of a row.

    >>> parse_rating(["1", "31", "2.5", "1260759144"])
    (1, 31, 2.5, 1260759144)
    """
    user, movie, rating, rated_at = fields
    return (
        check_id(user, "userId"),
        check_id(movie, "movieId"),
        _check_rating(rating),
        _check_time(rated_at),
    )


def _check_rating(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if LOWEST_RATING <= value <= HIGHEST_RATING and text.isascii() and "_" not in text:
        return value
    raise BadRowError(_BAD_RATING)


def _check_time(text: str) -> int:
    digits = text.strip()
    if len(digits) <= 10 and digits.isascii() and digits.isdigit():
        value = int(digits)
        if value <= LATEST_RATED_AT:
            return value
    raise BadRowError(_BAD_TIME)


def _read(file: FileImport, form: Format) -> _Columns:
    lines, users, movies, rated_at = (array("q") for _ in range(4))
    ratings = array("d")
    for line, (user, movie, rating, at) in file.rows(form, parse_rating):
        lines.append(line)
        users.append(user)
        movies.append(movie)
        ratings.append(rating)
        rated_at.append(at)
    return _Columns(
        lines=np.frombuffer(lines, np.int64),
        users=np.frombuffer(users, np.int64),
        movies=np.frombuffer(movies, np.int64),
        ratings=np.frombuffer(ratings, np.float64),
        rated_at=np.frombuffer(rated_at, np.int64),
    )


def _reject_unknown_movies(file: FileImport, columns: _Columns, known: Ints) -> _Columns:
    is_known = np.isin(columns.movies, known)
    for row in np.flatnonzero(~is_known):
        file.reject(int(columns.lines[row]), UNKNOWN_MOVIE, _describe(columns, row))
    return columns if is_known.all() else columns[is_known]


def _reject_duplicates(file: FileImport, columns: _Columns) -> _Columns:
    """The ratings that stay, in order of user and movie."""
    columns = columns[np.lexsort((columns.lines, columns.rated_at, columns.movies, columns.users))]
    same = (columns.users[1:] == columns.users[:-1]) & (columns.movies[1:] == columns.movies[:-1])
    is_last = np.append(~same, np.ones(min(1, len(columns.lines)), np.bool_))
    for row in np.flatnonzero(~is_last):
        file.reject(int(columns.lines[row]), DUPLICATE, _describe(columns, row))
    return columns if is_last.all() else columns[is_last]


def _describe(columns: _Columns, row: int | np.intp) -> str:
    return (
        f"user {columns.users[row]}, movie {columns.movies[row]},"
        f" rating {columns.ratings[row]:g} at {columns.rated_at[row]}"
    )


def _parts(columns: _Columns, file: FileImport) -> Iterator[_Columns]:
    total = len(columns.lines)
    for start in range(0, total, _ROWS_PER_WRITE):
        file.stored(start, total)
        yield columns[slice(start, start + _ROWS_PER_WRITE)]
