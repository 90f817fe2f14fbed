"""Imports the MovieLens files of movies, links and ratings; one transaction each, in this order.

Of two rows for one movie in a file the one with more known stays, of equal ones the later. A row
of movies.csv without genres leaves the movie to TMDB's. Genres of the older publications get
their newer names (`Children's` is `Children`).
"""

from collections.abc import Container, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from rich.progress import Progress

from reeltune.db.connection import Connection
from reeltune.db.imports import load_batches
from reeltune.db.movies import Link, Movie, save_genres, save_links, save_movies
from reeltune.db.ratings import load_movie_ids
from reeltune.domain.errors import InputError
from reeltune.importers.batch import file_import
from reeltune.importers.cells import cut_cell
from reeltune.importers.counts import FileReport, keep_fullest
from reeltune.importers.ids import Ids, digits_of
from reeltune.importers.layouts import GENRE_FLAGS, LINKS, MovieLensFiles
from reeltune.importers.rating_columns import UNKNOWN_MOVIE
from reeltune.importers.ratings import import_ratings
from reeltune.importers.rows import Format
from reeltune.importers.values import BadRowError, check_id, year_of_title

_NO_GENRES = {"", "(no genres listed)", "unknown"}
_RENAMED = {"Children's": "Children"}


def import_movielens(
    conn: Connection, files: MovieLensFiles, bar: Progress, limit: float | None = None
) -> Iterator[FileReport]:
    """Import what is there, one file after the other, each reported when it is in the database.

    Raises:
        InputError: the database holds the demo world, or there are ratings but no movies.
    """
    if any(batch.source == "demo" for batch in load_batches(conn)):
        raise InputError("the database holds the demo world: name another file with --db")
    layout = files.layout
    if files.movies:
        yield import_movies(conn, files.movies, layout.movies, bar, limit)
    elif not len(load_movie_ids(conn)):
        raise InputError(
            f"no {layout.movies_file} found and no movie in the database: import that file first"
        )
    if files.links:
        yield import_links(conn, files.links, bar, limit)
    if files.ratings:
        yield import_ratings(conn, files.ratings, layout.ratings, bar, limit)


def import_movies(
    conn: Connection, path: Path, form: Format, bar: Progress, limit: float | None = None
) -> FileReport:
    """Add the movies of a file, with year and genres, or bring known ones up to date."""
    ids = Ids(conn, "movie", digits_of("movieId"))
    parse = parse_flagged_movie if len(form.columns) > 3 else parse_movie
    with file_import(conn, "movielens", path, bar, limit) as file:
        kept = keep_fullest(
            file,
            file.rows(form, lambda fields: parse(fields, ids)),
            "movie",
            key=lambda row: row.movie.movie_id,
            known=lambda row: (row.movie.year is not None) + len(row.genres),
        )
        for line, row in kept:
            if row.left_out:
                file.leave_out(line, row.left_out)
        save_movies(conn, (row.movie for _, row in kept))
        save_genres(conn, "movielens", {row.movie.movie_id: row.genres for _, row in kept})
        ids.save(row.movie.movie_id for _, row in kept)
    return file.report()


def import_links(
    conn: Connection, path: Path, bar: Progress, limit: float | None = None
) -> FileReport:
    """Give the movies of the catalogue their IMDb and TMDB ids."""
    with file_import(conn, "movielens", path, bar, limit) as file:
        known = set(load_movie_ids(conn).tolist())
        ids = Ids(conn, "movie", digits_of("movieId"))
        kept = keep_fullest(
            file,
            file.rows(LINKS, lambda fields: parse_link(fields, known, ids)),
            "movie",
            key=lambda row: row.link.movie_id,
            known=lambda row: (row.link.imdb_id is not None) + (row.link.tmdb_id is not None),
        )
        for line, row in kept:
            for reason in row.left_out:
                file.leave_out(line, reason)
        save_links(conn, (row.link for _, row in kept))
    return file.report()


class MovieRow(NamedTuple):
    """Movie and its genres; `left_out` says what is wrong with the cell of these, if it is."""

    movie: Movie
    genres: tuple[str, ...]
    left_out: str = ""


class LinkRow(NamedTuple):
    """Ids of a movie elsewhere; `left_out` says what is wrong with the cells that are."""

    link: Link
    left_out: tuple[str, ...] = ()


def parse_movie(fields: list[str], ids: Mapping[str, int]) -> MovieRow:
    """Return a movie and its genres, from a row that names them.

    >>> parse_movie(["1", "Toy Story (1995) ", "Comedy|Children's"], {"1": 1})[:2]
    (Movie(movie_id=1, title='Toy Story (1995)', year=1995), ('Comedy', 'Children'))
    """
    number, title, genres = fields
    movie = _check_movie(number, title, ids)
    try:
        names = cut_cell(genres)
    except BadRowError as bad:
        return MovieRow(movie, (), bad.reason)
    known = [_RENAMED.get(name, name) for name in names if name not in _NO_GENRES]
    return MovieRow(movie, tuple(dict.fromkeys(known)))


def parse_flagged_movie(fields: list[str], ids: Mapping[str, int]) -> MovieRow:
    """Return a movie and its genres, from a row of u.item, which has a 0 or 1 for each genre."""
    number, title, _, _, _, *flags = fields
    if not set(flags) <= {"0", "1"}:
        raise BadRowError("genre flag is neither 0 nor 1")
    flagged = zip(GENRE_FLAGS, flags, strict=True)
    genres = (name for name, flag in flagged if flag == "1" and name not in _NO_GENRES)
    return MovieRow(_check_movie(number, title, ids), tuple(genres))


def parse_link(fields: list[str], known_movies: Container[int], ids: Mapping[str, int]) -> LinkRow:
    """Return the ids of a movie elsewhere; one that is bad is left out.

    >>> parse_link(["1", "0114709", "x"], {1}, {"1": 1})[0]
    Link(movie_id=1, imdb_id='tt0114709', tmdb_id=None)
    """
    number, imdb, tmdb = fields
    movie_id = ids[number]
    if movie_id not in known_movies:
        raise BadRowError(UNKNOWN_MOVIE)
    bad: list[str] = []
    imdb_number = _linked_id(imdb.strip().removeprefix("tt"), "imdbId", bad)
    imdb_id = None if imdb_number is None else f"tt{imdb_number:07}"
    return LinkRow(Link(movie_id, imdb_id, _linked_id(tmdb, "tmdbId", bad)), tuple(bad))


def _linked_id(text: str, name: str, bad: list[str]) -> int | None:
    """Return an id; None for an empty or a bad cell, and why it is that goes to `bad`."""
    try:
        return check_id(text, name) if text.strip() else None
    except BadRowError as error:
        bad.append(error.reason)
        return None


def _check_movie(number: str, title: str, ids: Mapping[str, int]) -> Movie:
    movie_id = ids[number]
    title = " ".join(title.split())
    if not title:
        raise BadRowError("title is empty")
    return Movie(movie_id, title, year_of_title(title))
