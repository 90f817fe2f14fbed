"""Reads ratings and events of a table by its mapping, in stars, Unix seconds and our ids."""

import math
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from reeltune.db.connection import Connection
from reeltune.domain.arrays import Floats, Ints
from reeltune.domain.errors import InputError
from reeltune.importers.counts import RowCounts
from reeltune.importers.ids import Ids
from reeltune.importers.mapping import RatingsMap
from reeltune.importers.rating_columns import FileRatings, skip_erased
from reeltune.importers.rows import EMPTY
from reeltune.importers.scales import DOWN, THUMBS, UP, Scale, check_fits, recognise_scale
from reeltune.importers.tables import Chunk, Table, check_columns
from reeltune.importers.text_tables import describe_row
from reeltune.importers.times import Times, check_zone, recognise_format
from reeltune.importers.values import BadRowError, SkippedRowError

NO_RATING = "no rating is given"
NOT_WANTED = "a row of another kind"
_BAD_RATING = "rating is not a number"
_BAD_WEIGHT = "weight is not a number, 0 or more"
_MAX_REMEMBERED = 100_000
_HOPELESS_ROWS = 1_000_000
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
    reader = _Reader(conn, mapping, counts)
    for chunk in table.chunks(mapping.columns()):
        counts.read += len(chunk) + len(chunk.bad)
        for line, reason, text in chunk.bad:
            if reason == EMPTY:
                counts.skip(line, reason)
            else:
                counts.reject(line, reason, text)
        reader.take(chunk)
        if counts.read >= _HOPELESS_ROWS and not reader.lines:
            break  # that none is kept is told by whoever checks the counts
    counts.notes += [*table.notes, *reader.notes]
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


class _Reader:
    """Columns under way."""

    def __init__(self, conn: Connection | None, mapping: RatingsMap, counts: RowCounts) -> None:
        self.mapping, self.counts = mapping, counts
        self.users_by_id, self.movies_by_id = Ids(conn, "user"), Ids(conn, "movie")
        self.numbers = Numbers(_BAD_WEIGHT if mapping.is_events else _BAD_RATING)
        self.times: Times | None = None
        self.notes: list[str] = []
        self.lines, self.users, self.movies, self.rated_at = (array("q") for _ in range(4))
        self.values = array("d")

    def take(self, chunk: Chunk) -> None:
        """Add the good rows of a chunk: all at once, or one by one where some are bad."""
        if not len(chunk):
            return
        fields = self._fields(chunk)
        try:
            found = self._converted(*fields)
            lines = chunk.lines
        except BadRowError:
            found, lines = self._one_by_one(chunk, fields)
        self.lines.extend(lines)
        self.users.extend(found[0])
        self.movies.extend(found[1])
        self.values.extend(found[2])
        self.rated_at.extend(found[3])

    def _fields(self, chunk: Chunk) -> list[Sequence[str]]:
        """Return users, movies, numbers, times and what decides whether a row is wanted."""
        mapping = self.mapping
        n = len(chunk)
        users = [mapping.one_user or ""] * n if mapping.user is None else chunk.texts(mapping.user)
        times = chunk.texts(mapping.time)
        if self.times is None and mapping.time is not None:
            self._recognise_time(times)
        number = mapping.rating or mapping.weight
        numbers = ["1"] * n if number is None else chunk.texts(number)
        kinds = chunk.texts(mapping.event)
        return [users, chunk.texts(mapping.movie), numbers, times, kinds, self._wanted(chunk)]

    def _wanted(self, chunk: Chunk) -> list[str]:
        """Return an empty text for each row that is wanted."""
        wanted = [""] * len(chunk)
        for name, value in (self.mapping.only or {}).items():
            pairs = zip(wanted, chunk.texts(name), strict=True)
            wanted = [before or ("" if text == value else "x") for before, text in pairs]
        return wanted

    def _recognise_time(self, texts: Sequence[str]) -> None:
        form = self.mapping.time_format
        if form is None:
            form = recognise_format(islice((t for t in texts if t.strip()), _SAMPLED))
            if form is None:
                if any(text.strip() for text in texts):
                    raise InputError(
                        f"what the times in {self.mapping.time!r} are cannot be told, as"
                        f" {next(t for t in texts if t.strip())[:40]!r}: say time_format"
                    )
                return
            self.notes.append(
                f"times are {form}, recognised; without a zone {self.mapping.time_zone}"
            )
        self.times = Times(form, check_zone(self.mapping.time_zone))

    def _converted(
        self,
        users: Sequence[str],
        movies: Sequence[str],
        numbers: Sequence[str],
        times: Sequence[str],
        kinds: Sequence[str],
        wanted: Sequence[str],
    ) -> tuple[list[int], list[int], list[float], list[int]]:
        if any(wanted):
            raise SkippedRowError(NOT_WANTED)
        by_number, clock = self.numbers, self.times
        values = [by_number[text] for text in numbers]
        if self.mapping.is_events:
            values = self._weighted(values, kinds)
        return (
            [self.users_by_id[text] for text in users],
            [self.movies_by_id[text] for text in movies],
            values,
            [0] * len(times) if clock is None else [clock[text] for text in times],
        )

    def _weighted(self, values: list[float], kinds: Sequence[str]) -> list[float]:
        if min(values) < 0:
            raise BadRowError(_BAD_WEIGHT)
        weights: Mapping[str, float] | None = self.mapping.weights
        if weights is None:
            return values
        if not all(kind in weights for kind in kinds):
            raise SkippedRowError(NOT_WANTED)
        return [value * weights[kind] for value, kind in zip(values, kinds, strict=True)]

    def _one_by_one(
        self, chunk: Chunk, fields: list[Sequence[str]]
    ) -> tuple[tuple[list[int], list[int], list[float], list[int]], list[int]]:
        found: tuple[list[int], list[int], list[float], list[int]] = ([], [], [], [])
        lines: list[int] = []
        for row, values in enumerate(zip(*fields, strict=True)):
            line = chunk.lines[row]
            try:
                one = self._converted(*([value] for value in values))
            except SkippedRowError as bad:
                self.counts.skip(line, bad.reason)
            except BadRowError as bad:
                self.counts.reject(line, bad.reason, describe_row(chunk, row))
            else:
                lines.append(line)
                found[0].extend(one[0])
                found[1].extend(one[1])
                found[2].extend(one[2])
                found[3].extend(one[3])
        return found, lines


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
    check_fits(repr(name), values, scale, "say the scale that it is")
    fits = (values >= scale.low) & (values <= scale.high)
    for row in np.flatnonzero(~fits):
        line = int(columns.lines[row])
        counts.reject(
            line, f"rating lies outside {scale.low:g} to {scale.high:g}", f"{values[row]:g}"
        )
    kept = columns[fits]
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
    below = np.minimum(0.5 + 3.5 * sums / enough, 3.999)
    return np.asarray(np.where(sums >= enough, liked, below), dtype=np.float64).round(6)


def _with(columns: FileRatings, stars: Floats) -> FileRatings:
    return FileRatings(columns.lines, columns.users, columns.movies, stars, columns.rated_at)
