"""Imports TMDB metadata and cast from Kaggle's "The Movies Dataset"; one transaction a file.

A row belongs to every movie whose link names its TMDB id; two movies may share one. A link counts
as wrong, and nothing is taken by it, where the year in the movie's title and the film's year of
release lie more than five years apart and the IMDb ids do not vouch for it: they differ, or one
is not known. Years alone differ for late releases, IMDb ids alone where IMDb merged two entries;
together they mean another film. Genres fill a gap only: MovieLens' own always rule.

A row for a film that no movie links to is skipped. Of two rows for one film that with more known
facts (or the longer cast) stays, of equal ones the later.
"""

from collections import defaultdict
from collections.abc import Container, Iterator
from dataclasses import dataclass
from pathlib import Path

from rich.progress import Progress

from reeltune.db.connection import Connection
from reeltune.db.movies import (
    CastMember,
    LinkedMovie,
    Metadata,
    load_linked_movies,
    load_wrong_links,
    save_cast,
    save_collections,
    save_genres,
    save_metadata,
    save_people,
    save_wrong_links,
)
from reeltune.domain.errors import InputError, NotFoundError
from reeltune.importers.batch import file_import
from reeltune.importers.counts import FileReport, keep_fullest
from reeltune.importers.films import CREDITS, METADATA, Film, FilmCast, parse_cast, parse_film
from reeltune.importers.layouts import check_directory, find_file
from reeltune.importers.values import SkippedRowError, check_id

WRONG_LINK = "link leads to another film: years and IMDb ids differ"
NOT_LINKED = "no movie links to this film"
ONLY_WRONG_LINKS = "only wrong links lead to this film"
_MAX_YEARS_APART = 5

Links = dict[int, list[LinkedMovie]]  # by TMDB id


@dataclass(frozen=True, slots=True)
class TmdbFiles:
    """Files found in a directory; at least one is there."""

    metadata: Path | None
    credits: Path | None

    @property
    def paths(self) -> set[Path]:
        """Absolute paths of the files."""
        return {path.resolve() for path in (self.metadata, self.credits) if path}


def find_tmdb(directory: Path) -> TmdbFiles:
    """Return the TMDB files of a directory."""
    check_directory(directory)
    metadata = find_file(directory, "movies_metadata.csv")
    cast = find_file(directory, "credits.csv")
    if metadata or cast:
        return TmdbFiles(metadata, cast)
    raise NotFoundError(
        f"no TMDB file in {str(directory)!r}: looked for movies_metadata.csv and credits.csv,"
        " also with .gz"
    )


def import_tmdb(
    conn: Connection, files: TmdbFiles, bar: Progress, limit: float | None = None
) -> Iterator[FileReport]:
    """Import what is there, one file after the other, each reported when it is in the database."""
    if not load_linked_movies(conn):
        raise InputError(
            "no movie has a TMDB id: import a MovieLens directory with links.csv first;"
            " nothing from TMDB was imported"
        )
    if files.metadata:
        yield import_metadata(conn, files.metadata, bar, limit)
    if files.credits:
        yield import_credits(conn, files.credits, bar, limit)


def import_metadata(
    conn: Connection, path: Path, bar: Progress, limit: float | None = None
) -> FileReport:
    """Give the movies what movies_metadata.csv knows of them."""
    with file_import(conn, "tmdb", path, bar, limit) as file:
        links = _by_tmdb_id(load_linked_movies(conn))
        films = keep_fullest(
            file,
            file.rows(METADATA, lambda fields: _parse_linked_film(fields, links)),
            "film",
            key=lambda film: film.tmdb_id,
            known=lambda film: film.n_known,
        )
        right, wrong = list[tuple[LinkedMovie, Film]](), list[LinkedMovie]()
        for line, film in films:
            ways = links[film.tmdb_id]
            good = [movie for movie in ways if not is_wrong_link(movie, film)]
            right += [(movie, film) for movie in good]
            wrong += [movie for movie in ways if movie not in good]
            for reason in film.left_out if good else ():
                file.leave_out(line, reason)
            if not good:
                file.reject(line, WRONG_LINK, _describe_wrong(ways[0], film))
        _save_films(conn, right)
        _forget_films(conn, wrong)
    return file.report()


def import_credits(
    conn: Connection, path: Path, bar: Progress, limit: float | None = None
) -> FileReport:
    """Give the movies the cast that credits.csv names."""
    with file_import(conn, "tmdb", path, bar, limit) as file:
        links = _by_tmdb_id(load_linked_movies(conn))
        wrong = load_wrong_links(conn)
        rows = keep_fullest(
            file,
            file.rows(CREDITS, lambda fields: _parse_linked_cast(fields, links, wrong)),
            "film",
            key=lambda cast: cast.tmdb_id,
            known=lambda cast: len(cast.billing),
        )
        casts = {
            movie.movie_id: cast
            for _, cast in rows
            for movie in links[cast.tmdb_id]
            if movie.movie_id not in wrong
        }
        _save_casts(conn, casts)
    return file.report()


def is_wrong_link(movie: LinkedMovie, film: Film) -> bool:
    """Return whether `film` is not the movie that links to it: see the module's rule."""
    if movie.year is None or film.release_date is None:
        return False
    years_apart = abs(movie.year - int(film.release_date[:4]))
    vouched = movie.imdb_id is not None and movie.imdb_id == film.imdb_id
    return years_apart > _MAX_YEARS_APART and not vouched


def _by_tmdb_id(movies: list[LinkedMovie]) -> Links:
    links: Links = defaultdict(list)
    for movie in movies:
        links[movie.tmdb_id].append(movie)
    return dict(links)


def _parse_linked_film(fields: list[str], links: Container[int]) -> Film:
    film = parse_film(fields)
    if film.tmdb_id not in links:
        raise SkippedRowError(NOT_LINKED)
    return film


def _parse_linked_cast(fields: list[str], links: Links, wrong: Container[int]) -> FilmCast:
    tmdb_id = check_id(fields[0], "id")
    if tmdb_id not in links:  # before the cast is parsed, which takes a millisecond
        raise SkippedRowError(NOT_LINKED)
    if all(movie.movie_id in wrong for movie in links[tmdb_id]):
        raise SkippedRowError(ONLY_WRONG_LINKS)
    return parse_cast(fields)


def _describe_wrong(movie: LinkedMovie, film: Film) -> str:
    return (
        f"movie {movie.movie_id} of {movie.year}, {movie.imdb_id};"
        f" film {film.tmdb_id} of {film.release_date}, {film.imdb_id}"
    )


def _save_films(conn: Connection, films: list[tuple[LinkedMovie, Film]]) -> None:
    save_collections(conn, dict(film.collection for _, film in films if film.collection))
    save_metadata(conn, (_metadata(movie, film) for movie, film in films))
    save_genres(conn, "tmdb", {movie.movie_id: film.genres for movie, film in films})


def _forget_films(conn: Connection, movies: list[LinkedMovie]) -> None:
    save_metadata(conn, (Metadata(movie.movie_id) for movie in movies))
    save_genres(conn, "tmdb", {movie.movie_id: () for movie in movies})
    save_wrong_links(conn, [movie.movie_id for movie in movies])


def _metadata(movie: LinkedMovie, film: Film) -> Metadata:
    return Metadata(
        movie_id=movie.movie_id,
        collection_id=film.collection[0] if film.collection else None,
        release_date=film.release_date,
        runtime_minutes=film.runtime_minutes,
        original_language=film.original_language,
        tmdb_popularity=film.popularity,
        vote_average=film.vote_average,
        vote_count=film.vote_count,
    )


def _save_casts(conn: Connection, casts: dict[int, FilmCast]) -> None:
    """Save the cast of each movie, by movie id."""
    save_people(conn, {p: name for cast in casts.values() for p, name in cast.names.items()})
    members = (
        CastMember(movie_id, person_id, billing)
        for movie_id, cast in casts.items()
        for person_id, billing in cast.billing.items()
    )
    save_cast(conn, casts, members)
