"""Reads the catalogue of a table by its mapping, and saves it; a bad cell never costs its row."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

from reeltune.db.connection import Connection
from reeltune.db.movies import (
    CastMember,
    Link,
    Metadata,
    Movie,
    load_metadata,
    save_cast,
    save_collections,
    save_genres,
    save_links,
    save_metadata,
    save_movies,
    save_people,
)
from reeltune.db.ratings import load_movie_ids
from reeltune.importers.cells import Named, cut_cell, cut_named
from reeltune.importers.counts import RowCounts, keep_fullest
from reeltune.importers.ids import Ids
from reeltune.importers.mapping import MoviesMap
from reeltune.importers.rows import EMPTY, excerpt
from reeltune.importers.table_ratings import NOT_WANTED
from reeltune.importers.tables import Chunk, Table, check_columns
from reeltune.importers.values import (
    BadRowError,
    check_date,
    check_id,
    check_number,
    check_year,
    year_of_title,
)

Value = TypeVar("Value")
_NO_GENRES = {"(no genres listed)", "unknown", "N/A", "\\N", "none", "None"}
_MISSING = {"\\N", "N/A", "NULL", "null", "None", "nan"}


@dataclass(frozen=True, slots=True)
class TableMovie:
    """Movie as a row describes it."""

    movie: Movie
    genres: tuple[str, ...]
    cast: tuple[Named, ...]
    collection: Named | None
    metadata: Metadata
    imdb_id: str | None
    tmdb_id: int | None
    left_out: tuple[str, ...]

    @property
    def n_known(self) -> int:
        """Return how much is known of it."""
        facts = (self.movie.year, self.collection, self.imdb_id, self.tmdb_id)
        known = sum(fact is not None for fact in (*facts, self.metadata.release_date))
        return known + len(self.genres) + len(self.cast)


def import_table_movies(
    conn: Connection, table: Table, mapping: MoviesMap, counts: RowCounts
) -> None:
    """Add the movies of a table, or bring known ones up to date; what is so already stays.

    Raises:
        InputError: a column is missing.
    """
    check_columns(table, mapping.columns())
    ids = Ids(conn, "movie")
    rows = keep_fullest(
        counts,
        _rows(table, mapping, counts, ids),
        "movie",
        key=lambda row: row.movie.movie_id,
        known=lambda row: row.n_known,
    )
    for line, row in rows:
        for reason in row.left_out:
            counts.leave_out(line, reason)
    counts.notes += table.notes
    movies = [row for _, row in rows]
    ids.save(row.movie.movie_id for row in movies)
    known = set(load_movie_ids(conn).tolist()) if mapping.title is None else set()
    save_movies(conn, (row.movie for row in movies if row.movie.movie_id not in known))
    if mapping.genres:
        save_genres(conn, "table", {row.movie.movie_id: row.genres for row in movies})
    if mapping.imdb or mapping.tmdb:
        save_links(conn, (Link(row.movie.movie_id, row.imdb_id, row.tmdb_id) for row in movies))
    _save_facts(conn, mapping, movies)
    if mapping.cast:
        _save_casts(conn, movies)


def _rows(
    table: Table, mapping: MoviesMap, counts: RowCounts, ids: Ids
) -> Iterable[tuple[int, TableMovie]]:
    n_good = 0
    for chunk in table.chunks(mapping.columns()):
        if counts.is_hopeless(n_good):
            break  # that none is kept is told by whoever checks the counts
        counts.read += len(chunk) + len(chunk.bad)
        for line, reason, text in chunk.bad:
            if reason == EMPTY:
                counts.skip(line, reason)
            else:
                counts.reject(line, reason, text)
        wanted = _wanted(chunk, mapping)
        columns = {name: chunk.texts(name) for name in mapping.columns()}
        for row, line in enumerate(map(int, chunk.lines)):
            if not wanted[row]:
                counts.skip(line, NOT_WANTED)
                continue
            cells = {name: column[row] for name, column in columns.items()}
            try:
                movie = parse_table_movie(cells, mapping, ids)
            except BadRowError as bad:
                counts.reject(line, bad.reason, excerpt(", ".join(cells.values()), 200))
                continue
            n_good += 1
            yield line, movie


def _wanted(chunk: Chunk, mapping: MoviesMap) -> list[bool]:
    wanted = [True] * len(chunk)
    for name, value in (mapping.only or {}).items():
        pairs = zip(wanted, chunk.texts(name), strict=True)
        wanted = [before and text == value for before, text in pairs]
    return wanted


def parse_table_movie(cells: dict[str, str], mapping: MoviesMap, ids: Ids) -> TableMovie:
    """Return the movie of a row.

    Raises:
        BadRowError: it has no id.
    """

    def cell(name: str | None) -> str:
        text = cells[name].strip() if name else ""
        return "" if text in _MISSING else text

    bad: list[str] = []

    def take(parse: Callable[[str], Value | None], name: str | None) -> Value | None:
        text = cell(name)
        try:
            return parse(text) if text else None
        except BadRowError as error:
            bad.append(error.reason)
            return None

    movie_id = ids[cells[mapping.movie]]
    title = " ".join(cell(mapping.title).split())
    if mapping.title and not title:
        bad.append("title is empty")
    year = take(lambda text: check_year(text, "year"), mapping.year) or year_of_title(title)
    released = take(lambda text: check_date(text[:10], "released"), mapping.released)
    if year is None and released:
        year = int(released[:4])
    genres = take(lambda text: cut_cell(text, mapping.genres_separator), mapping.genres) or ()
    return TableMovie(
        movie=Movie(movie_id, title or cells[mapping.movie].strip(), year),
        genres=tuple(name for name in genres if name not in _NO_GENRES),
        cast=take(lambda text: cut_named(text, mapping.cast_separator), mapping.cast) or (),
        collection=take(_one_named, mapping.collection),
        metadata=Metadata(
            movie_id,
            release_date=released,
            runtime_minutes=take(lambda t: check_number(t, "runtime", high=1e5), mapping.runtime)
            or None,
            original_language=cell(mapping.language) or None,
        ),
        imdb_id=cell(mapping.imdb) or None,
        tmdb_id=take(lambda text: check_id(text, "tmdb"), mapping.tmdb),
        left_out=tuple(bad),
    )


def _one_named(text: str) -> Named | None:
    """Return a collection: its name, or a dictionary that has it."""
    if text[:1] in "[{":
        found = cut_named(text, None)
        return found[0] if found else None
    name = " ".join(text.split())
    return Named(name, name) if name else None


def _save_facts(conn: Connection, mapping: MoviesMap, movies: list[TableMovie]) -> None:
    if not (mapping.collection or mapping.released or mapping.runtime or mapping.language):
        return
    ids = Ids(conn, "collection")
    named = {row.collection.key: row.collection.name for row in movies if row.collection}
    numbers = {key: ids[key] for key in named}
    ids.save(numbers.values())
    save_collections(conn, {numbers[key]: name for key, name in named.items()})
    there = load_metadata(conn)
    save_metadata(conn, (_merged(mapping, there, row, numbers) for row in movies))


def _merged(
    mapping: MoviesMap, there: dict[int, Metadata], row: TableMovie, numbers: dict[str, int]
) -> Metadata:
    """Return what the table says, and of what it does not say what was there."""
    old, new = there[row.movie.movie_id], row.metadata
    collection = numbers[row.collection.key] if row.collection else None
    return Metadata(
        movie_id=row.movie.movie_id,
        collection_id=collection if mapping.collection else old.collection_id,
        release_date=new.release_date if mapping.released else old.release_date,
        runtime_minutes=new.runtime_minutes if mapping.runtime else old.runtime_minutes,
        original_language=new.original_language if mapping.language else old.original_language,
        tmdb_popularity=old.tmdb_popularity,
        vote_average=old.vote_average,
        vote_count=old.vote_count,
    )


def _save_casts(conn: Connection, movies: list[TableMovie]) -> None:
    ids = Ids(conn, "person")
    people: dict[int, str] = {}
    members: list[CastMember] = []
    for row in movies:
        billing: dict[int, int] = {}
        for place, person in enumerate(row.cast):
            number = ids[person.key]
            people[number] = person.name
            billing.setdefault(number, place if person.place is None else person.place)
        members += [CastMember(row.movie.movie_id, n, place) for n, place in billing.items()]
    ids.save(people)
    save_people(conn, people)
    save_cast(conn, [row.movie.movie_id for row in movies], members)
