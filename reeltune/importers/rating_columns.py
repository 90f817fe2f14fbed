"""Ratings of a source as columns: what is not in the catalogue or repeated goes, the rest is saved.

A rating that repeats user and movie of another in the source is rejected: the later time stays, of
equal ones the later line. Ratings of movies that are not in the catalogue are rejected. Ratings of
users who were erased are skipped, before anything else is said of them.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256

import numpy as np

from reeltune.db.connection import Connection
from reeltune.db.erasures import load_tombstones
from reeltune.db.ratings import load_movie_ids, save_ratings
from reeltune.domain.arrays import Bools, Floats, Ints
from reeltune.domain.clock import latest_believable
from reeltune.importers.counts import DUPLICATE, RowCounts
from reeltune.importers.ids import Ids
from reeltune.ratings.splits import unordered_share
from reeltune.ratings.table import RatingTable

IdPair = tuple[Ids, Ids]  # of users, of movies

ERASED = "user was erased"
UNKNOWN_MOVIE = "movie is not in the catalogue"
_ROWS_PER_WRITE = 50_000
_SAMPLED_RATINGS = 200_000
_WORTH_SAYING = 0.5  # share of users


@dataclass(frozen=True, eq=False)
class FileRatings:
    """N ratings as in the file, and on which line each stands."""

    lines: Ints  # (N,) ascending
    users: Ints  # (N,)
    movies: Ints  # (N,)
    ratings: Floats  # (N,)
    rated_at: Ints  # (N,)

    def __getitem__(self, chosen: Ints | Bools | slice) -> "FileRatings":
        return FileRatings(
            self.lines[chosen],
            self.users[chosen],
            self.movies[chosen],
            self.ratings[chosen],
            self.rated_at[chosen],
        )


def save_columns(
    conn: Connection,
    file: RowCounts,
    columns: FileRatings,
    ids: IdPair,
    stored: Callable[[int, int], None] = lambda _done, _total: None,
) -> str:
    """Save the good ones, and return a hash of them; of one already known the newer stays.

    `ids` are those of users and of movies; what users are called is saved too. The columns are
    not sorted as a whole: there would be two of each.
    """
    columns = skip_erased(conn, file, columns, ids[0])
    columns = _reject_unknown_movies(file, columns, load_movie_ids(conn), ids)
    order = _reject_duplicates(file, columns, ids)
    _note_time_order(file, columns, order)
    users: set[int] = set()
    for done, places in _parts(order):
        stored(done, len(order))
        part = columns[places]
        users |= set(np.unique(part.users).tolist())
        save_ratings(conn, part.users, part.movies, part.ratings, part.rated_at)
    ids[0].save(users)
    return _digest(columns, order)


def _digest(columns: FileRatings, order: Ints) -> str:
    """Return a hash of what was saved, so that the same content is known again."""
    found = sha256()
    for column in (columns.users, columns.movies, columns.ratings, columns.rated_at):
        for _, places in _parts(order):
            found.update(np.ascontiguousarray(column[places]).data)
    return found.hexdigest()


def skip_erased(
    conn: Connection, file: RowCounts, columns: FileRatings, user_ids: Ids
) -> FileRatings:
    """Return the ratings without those that an erasure keeps out; these are skipped rows.

    Of a user whose ratings were erased those stay that were given since, at a believable time.
    """
    tombstones = load_tombstones(conn)
    if not tombstones:
        return columns
    users, positions = np.unique(columns.users, return_inverse=True)
    names = (user_ids.name_of(user) for user in users.tolist())
    found = (tombstones.cutoff(name) for name in names)
    cutoffs = np.array([-np.inf if cutoff is None else cutoff for cutoff in found])
    cutoff = cutoffs[positions]  # (N,)
    unbelievable = (columns.rated_at > latest_believable()) & (cutoff > -np.inf)
    kept: Bools = (columns.rated_at > cutoff) & ~unbelievable
    for line in columns.lines[~kept].tolist():
        file.skip(line, ERASED)
    return columns if kept.all() else columns[kept]


def _note_time_order(file: RowCounts, columns: FileRatings, order: Ints) -> None:
    """Say where time does not order most users' ratings; a sample of users is enough for that."""
    part = columns[order[: _SAMPLED_RATINGS + 1]]
    if len(part.users) > _SAMPLED_RATINGS:
        part = part[slice(0, int(np.searchsorted(part.users, part.users[-1])))]  # whole users only
    known = np.unique(part.movies)
    table = RatingTable.from_ids(
        known, part.users, part.movies, part.ratings.astype(np.float32), part.rated_at
    )
    share = unordered_share(table)
    if share > _WORTH_SAYING:
        file.notes.append(
            f"time does not order the ratings of {share:.0%} of the users: what is held out of"
            " them is decided by a hash (--split user-random needs no time)"
        )


def _reject_unknown_movies(
    file: RowCounts, columns: FileRatings, known: Ints, ids: IdPair
) -> FileRatings:
    is_known = np.isin(columns.movies, known)
    for row in np.flatnonzero(~is_known):
        file.reject(int(columns.lines[row]), UNKNOWN_MOVIE, _describe(columns, row, ids))
    return columns if is_known.all() else columns[is_known]


def _reject_duplicates(file: RowCounts, columns: FileRatings, ids: IdPair) -> Ints:
    """Return the places of the ratings that stay, in order of user and movie."""
    order = np.lexsort((columns.lines, columns.rated_at, columns.movies, columns.users))
    same = np.ones(max(0, len(order) - 1), np.bool_)
    for column in (columns.users, columns.movies):
        sorted_column = column[order]
        same &= sorted_column[1:] == sorted_column[:-1]
    is_last = np.append(~same, np.ones(min(1, len(order)), np.bool_))
    for place in order[~is_last].tolist():
        file.reject(int(columns.lines[place]), DUPLICATE, _describe(columns, place, ids))
    return order if is_last.all() else order[is_last]


def _describe(columns: FileRatings, row: int | np.intp, ids: IdPair) -> str:
    user, movie = ids[0].name_of(int(columns.users[row])), ids[1].name_of(int(columns.movies[row]))
    return f"user {user}, movie {movie}, rating {columns.ratings[row]:g} at {columns.rated_at[row]}"


def _parts(order: Ints) -> Iterator[tuple[int, Ints]]:
    """Yield how many places come before, and some places."""
    for start in range(0, len(order), _ROWS_PER_WRITE):
        yield start, order[start : start + _ROWS_PER_WRITE]
