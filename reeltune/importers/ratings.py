"""Imports a MovieLens file of ratings, of any size that fits into memory as columns."""

import math
from array import array
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from rich.progress import Progress

from reeltune.db.connection import Connection
from reeltune.importers.batch import FileImport, file_import
from reeltune.importers.counts import FileReport
from reeltune.importers.ids import Ids, digits_of
from reeltune.importers.rating_columns import FileRatings, save_columns
from reeltune.importers.rows import Format
from reeltune.importers.scales import STARS, check_fits
from reeltune.importers.values import BadRowError
from reeltune.ratings.table import HIGHEST_RATING, LOWEST_RATING

LATEST_RATED_AT = 4_102_444_799  # the end of 2099; timestamps in milliseconds lie beyond
_BAD_RATING = f"rating is not a number, {LOWEST_RATING:g} to {HIGHEST_RATING:g}"
_BAD_TIME = "timestamp is not whole seconds, 1970 to 2099"
_OTHER_SCALE = "`python -m reeltune import table FILE --scale 1-10` takes another scale"
_MAX_REMEMBERED = 10_000


def import_ratings(
    conn: Connection, path: Path, form: Format, bar: Progress, limit: float | None = None
) -> FileReport:
    """Add the good ratings of a file to the table; of one already known the newer stays."""
    with file_import(conn, "movielens", path, bar, limit) as file:
        users = Ids(conn, "user", digits_of("userId"))
        movies = Ids(conn, "movie", digits_of("movieId"))
        columns = _read(file, form, users, movies)
        save_columns(conn, file, columns, (users, movies), file.stored)
    return file.report()


class Stars(dict[str, float]):
    """Ratings by the text they are written as; what lies outside the scale is remembered."""

    def __init__(self) -> None:
        super().__init__()
        self.outside = array("d")

    def __missing__(self, text: str) -> float:
        """Return the rating; raise BadRowError where it is none."""
        try:
            value = float(text) if text.isascii() and "_" not in text else math.nan
        except ValueError:
            value = math.nan
        if not LOWEST_RATING <= value <= HIGHEST_RATING:
            if math.isfinite(value):
                self.outside.append(value)
            raise BadRowError(_BAD_RATING)
        if len(self) < _MAX_REMEMBERED:
            self[text] = value
        return value


def parse_rating(
    fields: list[str], users: Mapping[str, int], movies: Mapping[str, int], stars: Stars
) -> tuple[int, int, float, int]:
    """Return user, movie, rating and time of a row.

    >>> parse_rating(["1", "31", "2.5", "1260759144"], {"1": 1}, {"31": 31}, Stars())
    (1, 31, 2.5, 1260759144)
    """
    user, movie, rating, rated_at = fields
    return users[user], movies[movie], stars[rating], _check_time(rated_at)


def _check_time(text: str) -> int:
    digits = text.strip()
    if len(digits) <= 10 and digits.isascii() and digits.isdigit():
        value = int(digits)
        if value <= LATEST_RATED_AT:
            return value
    raise BadRowError(_BAD_TIME)


def _read(file: FileImport, form: Format, ids: Ids, movie_ids: Ids) -> FileRatings:
    lines, users, movies, rated_at = (array("q") for _ in range(4))
    ratings = array("d")
    stars = Stars()
    rows = file.rows(form, lambda fields: parse_rating(fields, ids, movie_ids, stars))
    for line, (user, movie, rating, at) in rows:
        lines.append(line)
        users.append(user)
        movies.append(movie)
        ratings.append(rating)
        rated_at.append(at)
    if file.limit is not None:
        every = np.concatenate([np.frombuffer(ratings), np.frombuffer(stars.outside)])
        check_fits(repr(file.path.name), every, STARS, _OTHER_SCALE)
    return FileRatings(
        lines=np.frombuffer(lines, np.int64),
        users=np.frombuffer(users, np.int64),
        movies=np.frombuffer(movies, np.int64),
        ratings=np.frombuffer(ratings, np.float64),
        rated_at=np.frombuffer(rated_at, np.int64),
    )
