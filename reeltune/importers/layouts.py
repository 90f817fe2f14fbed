"""The three layouts in which MovieLens has been published, and which of them a directory has."""

from dataclasses import dataclass
from pathlib import Path

from reeltune.domain.errors import InputError, NotFoundError
from reeltune.importers.rows import Format

GENRE_FLAGS = (  # the last columns of u.item, in its order
    *("unknown", "Action", "Adventure", "Animation", "Children", "Comedy", "Crime"),
    *("Documentary", "Drama", "Fantasy", "Film-Noir", "Horror", "Musical", "Mystery"),
    *("Romance", "Sci-Fi", "Thriller", "War", "Western"),
)


@dataclass(frozen=True, slots=True)
class Layout:
    """Names and formats of the files of one MovieLens publication."""

    movies_file: str
    movies: Format
    ratings_file: str
    ratings: Format
    links_file: str | None = None


@dataclass(frozen=True, slots=True)
class MovieLensFiles:
    """The files found in a directory; at least one of `movies`, `ratings` and `links` is there."""

    layout: Layout
    movies: Path | None
    ratings: Path | None
    links: Path | None


LINKS = Format(columns=("movieId", "imdbId", "tmdbId"), key="movieId")

_RATING_COLUMNS = ("userId", "movieId", "rating", "timestamp")
_MOVIE_COLUMNS = ("movieId", "title", "genres")

LAYOUTS = {
    "csv": Layout(
        "movies.csv",
        Format(columns=_MOVIE_COLUMNS, key="movieId"),
        "ratings.csv",
        Format(columns=_RATING_COLUMNS, key="userId"),
        "links.csv",
    ),
    "ML-1M and ML-10M": Layout(
        "movies.dat",
        Format(
            columns=_MOVIE_COLUMNS,
            key="movieId",
            separator="::",
            has_header=False,
            n_fields=3,
            may_be_latin1=True,
        ),
        "ratings.dat",
        Format(columns=_RATING_COLUMNS, key="userId", separator="::", has_header=False, n_fields=4),
    ),
    "ML-100K": Layout(
        "u.item",
        Format(
            columns=("movieId", "title", "released", "on video", "url", *GENRE_FLAGS),
            key="movieId",
            separator="|",
            has_header=False,
            n_fields=5 + len(GENRE_FLAGS),
            may_be_latin1=True,
        ),
        "u.data",
        Format(columns=_RATING_COLUMNS, key="userId", separator="\t", has_header=False, n_fields=4),
    ),
}


def find_file(directory: Path, name: str) -> Path | None:
    """The file `name` of `directory`, or else its gzip'd form.

    Raises InputError if something else lies there under that name.
    """
    for path in (directory / name, directory / f"{name}.gz"):
        if path.is_file():
            return path
        if path.exists() or path.is_symlink():
            raise InputError(f"{str(path)!r} is no file: put the file there, or remove it")
    return None


def check_directory(directory: Path) -> None:
    """Raise NotFoundError or InputError unless `directory` is one."""
    if not directory.exists():
        raise NotFoundError(f"no directory at {str(directory)!r}")
    if not directory.is_dir():
        raise InputError(f"{str(directory)!r} is a file: name the directory in which it lies")


def find_movielens(directory: Path) -> MovieLensFiles:
    """The MovieLens files of a directory, in the first layout of which it has any."""
    check_directory(directory)
    for layout in LAYOUTS.values():
        names = (layout.movies_file, layout.ratings_file, layout.links_file)
        found = [find_file(directory, name) if name else None for name in names]
        if any(found):
            return MovieLensFiles(layout, *found)
    known = ", ".join(f"{a.movies_file} and {a.ratings_file}" for a in LAYOUTS.values())
    raise NotFoundError(
        f"no MovieLens file in {str(directory)!r}: looked for {known}, also with .gz"
    )
