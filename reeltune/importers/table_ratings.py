"""Reads ratings and events of a table by its mapping, in stars, Unix seconds and our ids."""

import math
from array import array
from dataclasses import dataclass
from itertools import islice

import numpy as np

from reeltune.db.connection import Connection
from reeltune.domain.arrays import Floats, Ints
from reeltune.domain.errors import InputError
from reeltune.importers.conversion import Problems, convert, convert_ids, convert_times
from reeltune.importers.counts import HOPELESS_ROWS, RowCounts
from reeltune.importers.ids import Ids
from reeltune.importers.mapping import RatingsMap
from reeltune.importers.rating_columns import FileRatings, skip_erased
from reeltune.importers.rows import EMPTY
from reeltune.importers.scales import DOWN, THUMBS, UP, Scale, check_fits, recognise_scale
from reeltune.importers.tables import Chunk, Table, check_columns, text_of
from reeltune.importers.text_tables import describe_row
from reeltune.importers.times import Times, check_zone, recognise_format
from reeltune.importers.values import BadRowError, SkippedRowError

NO_RATING = "no rating is given"
NOT_WANTED = "a row of another kind"
_BAD_RATING = "rating is not a number"
_MAX_WEIGHT = 1e12  # more than any count or time; sums of them stay numbers
_BAD_WEIGHT = f"weight is not a number from 0 to {_MAX_WEIGHT:g}"
_MAX_REMEMBERED = 100_000
_SAMPLED = 1_000  # times by which their format is recognised


@dataclass(frozen=True, eq=False)
class ReadRatings:
    """Ratings that a table holds, before it is known which movies there are."""

    columns: FileRatings
    user_ids: Ids
    movie_ids: Ids
    scale: Scale | None  # of ratings; None of events


def read_ratings(
    conn: Connection | None, table: Table, mapping: RatingsMap, counts: RowCounts
) -> ReadRatings:
    """Read all rows; those that are no good are counted.

    Raises:
        InputError: a column is missing, or the scale or the times are not clear or do not fit.
    """
    check_columns(table, mapping.columns())
    times, notes = _times(table, mapping)
    reader = _Reader(conn, mapping, counts, times)
    for chunk in table.chunks(mapping.columns()):
        counts.read += len(chunk) + len(chunk.bad)
        for line, reason, text in chunk.bad:
            if reason == EMPTY:
                counts.skip(line, reason)
            else:
                counts.reject(line, reason, text)
        reader.take(chunk)
        if counts.is_hopeless(len(reader.lines)):
            break  # that none is kept is told by whoever checks the counts
    counts.notes += [*table.notes, *notes]
    values = np.frombuffer(reader.values, np.float64)
    columns = FileRatings(
        lines=np.frombuffer(reader.lines, np.int64),
        users=np.frombuffer(reader.users, np.int64),
        movies=np.frombuffer(reader.movies, np.int64),
        ratings=values,
        rated_at=np.frombuffer(reader.rated_at, np.int64),
    )
    if conn is not None:
        columns = skip_erased(conn, counts, columns, reader.users_by_id)
    if mapping.is_events:
        columns, scale = _of_events(columns, mapping, counts), None
    else:
        columns, scale = _in_stars(table.name, columns, mapping, counts)
    return ReadRatings(columns, reader.users_by_id, reader.movies_by_id, scale)


class Numbers(dict[str, float]):
    """Ratings and weights by the text they are written as: 7, 3.5, 3,5, 80%, thumbs as words."""

    def __init__(self, reason: str) -> None:
        super().__init__()
        self.reason = reason

    def __missing__(self, text: str) -> float:
        """Return the number; raise BadRowError where it is none."""
        value = self._read(text.strip())
        if len(self) < _MAX_REMEMBERED:
            self[text] = value
        return value

    def _read(self, text: str) -> float:
        if not text:
            raise SkippedRowError(NO_RATING)
        word = text.lower()
        if not word[-1].isdigit() and (word in UP or word in DOWN):
            return 1.0 if word in UP else -1.0
        plain = text.removesuffix("%").rstrip()
        if plain.count(",") == 1 and "." not in plain:
            plain = plain.replace(",", ".")
        try:
            value = float(plain) if plain.isascii() and "_" not in plain else math.nan
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            raise BadRowError(self.reason)
        return value


class _Only(dict[str, float]):
    """Value that a column must have for its row to be wanted."""

    def __missing__(self, _text: str) -> float:
        """Raise SkippedRowError."""
        raise SkippedRowError(NOT_WANTED)


class _Reader:
    """Columns under way."""

    def __init__(
        self, conn: Connection | None, mapping: RatingsMap, counts: RowCounts, times: Times | None
    ) -> None:
        self.mapping, self.counts, self.times = mapping, counts, times
        self.users_by_id, self.movies_by_id = Ids(conn, "user"), Ids(conn, "movie")
        self.numbers = Numbers(_BAD_WEIGHT if mapping.is_events else _BAD_RATING)
        self.lines, self.users, self.movies, self.rated_at = (array("q") for _ in range(4))
        self.values = array("d")

    def take(self, chunk: Chunk) -> None:
        """Add the good rows of a chunk, and count the others by the first problem of each."""
        if not len(chunk):
            return
        mapping = self.mapping
        numbers, problems = self._numbers(chunk)
        users = convert_ids(chunk, mapping.user, self.users_by_id, mapping.one_user or "")
        movies = convert_ids(chunk, mapping.movie, self.movies_by_id)
        times = convert_times(chunk, mapping.time, self.times)
        problems = times.problems | movies.problems | users.problems | problems
        for row in sorted(problems):
            self._count(chunk, row, problems[row])
        good = np.ones(len(chunk), np.bool_)
        good[list(problems)] = False
        for column, values in (
            (self.lines, np.asarray(chunk.lines, np.int64)),
            (self.users, users.values.astype(np.int64)),
            (self.movies, movies.values.astype(np.int64)),
            (self.values, numbers.astype(np.float64)),
            (self.rated_at, times.values.astype(np.int64)),
        ):
            column.frombytes((values[good] if problems else values).tobytes())

    def _count(self, chunk: Chunk, row: int, bad: BadRowError) -> None:
        line = int(chunk.lines[row])
        if isinstance(bad, SkippedRowError):
            self.counts.skip(line, bad.reason)
        else:
            self.counts.reject(line, bad.reason, describe_row(chunk, row))

    def _numbers(self, chunk: Chunk) -> tuple[Floats, Problems]:
        """Return ratings or weights (N,), and the rows that have none or are not wanted."""
        mapping = self.mapping
        problems: Problems = {}
        for name, value in (mapping.only or {}).items():
            problems = convert(chunk, name, _Only({value: 1.0})).problems | problems
        found = convert(chunk, mapping.rating or mapping.weight, self.numbers, "1")
        values, problems = found.values, found.problems | problems
        if not mapping.is_events:
            return values, problems
        is_weight = (values >= 0) & (values <= _MAX_WEIGHT)
        bad = BadRowError(_BAD_WEIGHT)
        problems = dict.fromkeys(np.flatnonzero(~is_weight).tolist(), bad) | problems
        values = np.where(is_weight, values, 0.0)
        if mapping.weights is not None:
            kinds = convert(chunk, mapping.event, _Only(mapping.weights))
            values, problems = values * kinds.values, kinds.problems | problems
        return values, problems


def _times(table: Table, mapping: RatingsMap) -> tuple[Times | None, list[str]]:
    """Return what reads the times of a table, None where it has none; and what was recognised.

    Raises:
        InputError: the format is not said and cannot be told.
    """
    zone = check_zone(mapping.time_zone)
    if mapping.time is None:
        return None, []
    if mapping.time_format is not None:
        return Times(mapping.time_format, zone), []
    some = _first_times(table, mapping.time)
    if not some:
        return None, []
    form = recognise_format(some)
    if form is None:
        raise InputError(
            f"what the times in {mapping.time!r} are cannot be told, as {some[0][:40]!r}:"
            " say time_format"
        )
    return Times(form, zone), [f"times are {form}, recognised; without a zone {mapping.time_zone}"]


def _first_times(table: Table, column: str) -> list[str]:
    """Return the first times that are given."""
    some: list[str] = []
    n_good = n_bad = 0
    for chunk in table.chunks([column]):
        given = (text for text in map(text_of, chunk.columns[column]) if text.strip())
        some += islice(given, _SAMPLED - len(some))
        n_good, n_bad = n_good + len(chunk), n_bad + len(chunk.bad)
        if len(some) >= _SAMPLED or (not n_good and n_bad >= HOPELESS_ROWS):
            break
    return some


def _in_stars(
    name: str, columns: FileRatings, mapping: RatingsMap, counts: RowCounts
) -> tuple[FileRatings, Scale | None]:
    values = columns.ratings
    scale = mapping.declared_scale or recognise_scale(values)
    if scale is None:
        if not len(values):
            return columns, None
        some = ", ".join(f"{v:g}" for v in np.unique(values)[:8])
        raise InputError(
            f"the scale of the ratings of {name!r} cannot be told, from {values.min():g} to"
            f' {values.max():g} (as {some}): say it, as scale = "1-10" or --scale 1-10'
        )
    counts.notes.append(("" if mapping.scale else "recognised: ") + scale.describe())
    if scale.is_thumbs:
        return _with(columns, _thumbs(name, values)), scale
    check_fits(repr(name), values, scale, "give the scale")
    fits = (values >= scale.low) & (values <= scale.high)
    for row in np.flatnonzero(~fits):
        line = int(columns.lines[row])
        counts.reject(
            line, f"rating lies outside {scale.low:g} to {scale.high:g}", f"{values[row]:g}"
        )
    kept = columns if fits.all() else columns[fits]
    return _with(kept, scale.stars(kept.ratings)), scale


def _thumbs(name: str, values: Floats) -> Floats:
    """Return stars: 5 for up, 1 for down, 3 for 0 where -1 is down."""
    if not set(np.unique(values).tolist()) <= {-1.0, 0.0, 1.0}:
        raise InputError(f"{name!r} has more than thumbs: {values.min():g} to {values.max():g}")
    neutral = 3.0 if len(values) and values.min() < 0 else THUMBS.low
    stars: Floats = np.select([values > 0, values < 0], [THUMBS.high, THUMBS.low], neutral)
    return stars


def _of_events(columns: FileRatings, mapping: RatingsMap, counts: RowCounts) -> FileRatings:
    """Return one rating for each user and movie: 4 stars and more where the sum is enough.

    The sum w of the weights is 4 + (1 - t / w) stars where it is at least t, `relevant_from`, so
    that twice as much as is needed is 4.5; below it is 0.5 + 3.5 w / t. The time is the latest.
    """
    order = np.lexsort((columns.lines, columns.movies, columns.users))
    columns = columns[order]
    new = np.ones(len(order), dtype=np.bool_)
    new[1:] = (np.diff(columns.users) != 0) | (np.diff(columns.movies) != 0)
    first: Ints = np.flatnonzero(new)
    if not len(first):
        return columns
    sums = np.add.reduceat(columns.ratings, first)
    times = np.maximum.reduceat(columns.rated_at, first)
    enough = 1.0 if mapping.relevant_from is None else mapping.relevant_from
    stars = event_stars(sums, enough)
    counts.notes.append(
        f"events, summed for each user and movie: {len(columns.lines):,} are {len(first):,};"
        f" liked from {enough:g}, {float((stars >= 4).mean()):.0%} of them"
    )
    kept = columns[first]
    return FileRatings(kept.lines, kept.users, kept.movies, stars, times)


def event_stars(sums: Floats, enough: float) -> Floats:
    """Return the stars of sums of weights (N,), of which `enough` is liked.

    >>> event_stars(np.array([0.0, 1.0, 2.0, 4.0]), 2.0).tolist()
    [0.5, 2.25, 4.0, 4.5]
    """
    liked: Floats = 5.0 - enough / np.maximum(sums, enough)
    below = np.minimum(0.5 + 3.5 * np.minimum(sums, enough) / enough, 3.999)
    return np.asarray(np.where(sums >= enough, liked, below), dtype=np.float64).round(6)


def _with(columns: FileRatings, stars: Floats) -> FileRatings:
    return FileRatings(columns.lines, columns.users, columns.movies, stars, columns.rated_at)
