"""Three layouts in which MovieLens has been published, and which of them a directory has."""

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
    small_files: tuple[str, ...] = ()  # samples of ratings and links, where the whole is not there


@dataclass(frozen=True, slots=True)
class MovieLensFiles:
    """Files found in a directory; at least one of `movies`, `ratings` and `links` is there."""

    layout: Layout
    movies: Path | None
    ratings: Path | None
    links: Path | None
    unread: tuple[str, ...] = ()  # names of the directory's other files


LINKS = Format(columns=("movieId", "imdbId", "tmdbId"), key="movieId", has_names=False)

_RATING_COLUMNS = ("userId", "movieId", "rating", "timestamp")
_MOVIE_COLUMNS = ("movieId", "title", "genres")

LAYOUTS = {
    "csv": Layout(
        "movies.csv",
        Format(columns=_MOVIE_COLUMNS, key="movieId"),
        "ratings.csv",
        Format(columns=_RATING_COLUMNS, key="userId", has_names=False),
        "links.csv",
        ("ratings_small.csv", "links_small.csv"),
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
        Format(
            columns=_RATING_COLUMNS,
            key="userId",
            has_names=False,
            separator="::",
            has_header=False,
            n_fields=4,
        ),
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
        Format(
            columns=_RATING_COLUMNS,
            key="userId",
            has_names=False,
            separator="\t",
            has_header=False,
            n_fields=4,
        ),
    ),
}


def find_file(directory: Path, name: str) -> Path | None:
    """Return the file `name` of `directory`, or else its gzip'd form.

    Raises:
        InputError: something else lies there under that name, or both are there.
    """
    there = [path for path in (directory / name, directory / f"{name}.gz") if _is_there(path)]
    for path in there:
        if not path.is_file():
            raise InputError(f"{str(path)!r} is no file: put the file there, or remove it")
    if len(there) > 1:
        raise InputError(
            f"{str(directory)!r} has both {name} and {name}.gz, and only one can be right: remove"
            " the older one; nothing was imported"
        )
    return there[0] if there else None


def _is_there(path: Path) -> bool:
    return path.exists() or path.is_symlink()


def find_first(directory: Path, *names: str) -> Path | None:
    """Return the first file of `names` that is there, plain or gzip'd."""
    found = (find_file(directory, name) for name in names)
    return next((path for path in found if path), None)


def check_directory(directory: Path) -> None:
    """Raise NotFoundError or InputError unless `directory` is one."""
    if not directory.exists():
        raise NotFoundError(f"no directory at {str(directory)!r}")
    if not directory.is_dir():
        raise InputError(f"{str(directory)!r} is a file: name the directory in which it lies")


def find_movielens(directory: Path) -> MovieLensFiles:
    """Return the MovieLens files of a directory, of the one layout that it has.

    Raises:
        InputError: it has files of two layouts.
        NotFoundError: it has none.
    """
    check_directory(directory)
    found = {name: _files_of(directory, layout) for name, layout in LAYOUTS.items()}
    there = {name: files for name, files in found.items() if any(files)}
    if len(there) > 1:
        names = ", ".join(path.name for files in there.values() for path in files if path)
        raise InputError(
            f"{str(directory)!r} has files of {len(there)} publications, {names}: put each into a"
            " directory of its own; nothing was imported"
        )
    if there:
        ((name, files),) = there.items()
        movies, ratings, links = files
        return MovieLensFiles(LAYOUTS[name], movies, ratings, links, _others(directory, files))
    known = ", ".join(f"{a.movies_file} and {a.ratings_file}" for a in LAYOUTS.values())
    raise NotFoundError(
        f"no MovieLens file in {str(directory)!r}: looked for {known}, also with .gz"
    )


def _files_of(directory: Path, layout: Layout) -> list[Path | None]:
    return [
        find_file(directory, layout.movies_file),
        find_first(directory, layout.ratings_file, *layout.small_files[:1]),
        find_first(directory, layout.links_file, *layout.small_files[1:])
        if layout.links_file
        else None,
    ]


def _others(directory: Path, files: list[Path | None]) -> tuple[str, ...]:
    """Return the names of what else lies in `directory`, hidden files left out."""
    every = (path.name for path in directory.iterdir() if not path.name.startswith("."))
    return tuple(sorted(set(every) - {path.name for path in files if path}))
