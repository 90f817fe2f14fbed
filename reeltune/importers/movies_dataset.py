"""Import of Kaggle's "The Movies Dataset" alone: titles from TMDB, under its MovieLens ids."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rich.progress import Progress

from reeltune.db.connection import Connection
from reeltune.db.movies import Movie, save_movies
from reeltune.db.ratings import load_movie_ids
from reeltune.domain.errors import InputError
from reeltune.importers.batch import file_import
from reeltune.importers.ids import Ids, digits_of
from reeltune.importers.layouts import LINKS, MovieLensFiles, find_file
from reeltune.importers.rows import Format, read_records
from reeltune.importers.tmdb import NOT_LINKED, TmdbFiles
from reeltune.importers.values import BadRowError, SkippedRowError, check_date, check_id

_TITLES = Format(columns=("id", "title", "release_date"), key="id")


@dataclass(frozen=True, slots=True)
class _Title:
    tmdb_id: int
    title: str
    year: int | None


def find_alone(directory: Path, files: MovieLensFiles) -> TmdbFiles | None:
    """Return the TMDB files of a directory that has no movies of MovieLens but links to TMDB's."""
    if files.movies is not None or files.links is None:
        return None
    metadata = find_file(directory, "movies_metadata.csv")
    if metadata is None:
        return None
    return TmdbFiles(metadata, find_file(directory, "credits.csv"))


def import_titles(
    conn: Connection,
    files: MovieLensFiles,
    tmdb: TmdbFiles,
    bar: Progress,
    limit: float | None = None,
) -> None:
    """Add a movie for each link to a film, with the film's title and year of release.

    Movies that are known keep their titles.
    """
    if files.links is None or tmdb.metadata is None:
        raise InputError("The Movies Dataset alone needs movies_metadata.csv and links.csv")
    ids = Ids(conn, "movie", digits_of("movieId"))
    links: dict[int, list[int]] = {}
    for movie_id, tmdb_id in _links(files.links, ids):
        links.setdefault(tmdb_id, []).append(movie_id)
    with file_import(conn, "tmdb", tmdb.metadata, bar, limit) as file:
        found = [row for _, row in file.rows(_TITLES, lambda fields: _title_of(fields, links))]
        movies = {
            movie_id: Movie(
                movie_id, f"{row.title} ({row.year})" if row.year else row.title, row.year
            )
            for row in found
            for movie_id in links[row.tmdb_id]
        }
        new = sorted(movies.keys() - set(load_movie_ids(conn).tolist()))
        save_movies(conn, (movies[movie_id] for movie_id in new))
        ids.save(movies)


def _links(path: Path, ids: Ids) -> Iterator[tuple[int, int]]:
    for record in read_records(path, LINKS):
        try:
            if not record.problem:
                yield ids[record.fields[0]], check_id(record.fields[2], "tmdbId")
        except BadRowError:
            continue  # it is counted when the links are imported


def _title_of(fields: list[str], links: dict[int, list[int]]) -> _Title:
    tmdb_id = check_id(fields[0], "id")
    title = " ".join(fields[1].split())
    if not title:
        raise BadRowError("title is empty")
    if tmdb_id not in links:
        raise SkippedRowError(NOT_LINKED)
    try:
        released = check_date(fields[2], "release_date")
    except BadRowError:
        released = None
    return _Title(tmdb_id, title, int(released[:4]) if released else None)
