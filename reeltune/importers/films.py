"""Films in rows of Kaggle's "The Movies Dataset"; types are checked, not believed.

Cells hold Python literals. A literal can parse well and still stand in the wrong column (a torn
row has `0.065736` for a collection), so that the type of each result is checked, and genres are
known by their TMDB numbers. A bad cell is left out and its row kept. Zero is TMDB's word for
unknown.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeGuard, TypeVar

from reeltune.importers.rows import Format
from reeltune.importers.values import (
    LARGEST_ID,
    BadRowError,
    check_date,
    check_id,
    check_literal,
    check_number,
)

METADATA = Format(
    columns=(
        *("id", "title", "imdb_id", "release_date", "runtime", "original_language"),
        *("popularity", "vote_average", "vote_count", "genres", "belongs_to_collection"),
    ),
    key="id",
)
CREDITS = Format(columns=("id", "cast"), key="id")

# TMDB's genres in MovieLens' words; None where MovieLens has no such genre.
_GENRES = {
    28: "Action",
    12: "Adventure",
    16: "Animation",
    35: "Comedy",
    80: "Crime",
    99: "Documentary",
    18: "Drama",
    10751: "Children",  # Family
    14: "Fantasy",
    10769: None,  # Foreign
    36: None,  # History
    27: "Horror",
    10402: "Musical",  # Music
    9648: "Mystery",
    10749: "Romance",
    878: "Sci-Fi",  # Science Fiction
    10770: None,  # TV Movie
    53: "Thriller",
    10752: "War",
    37: "Western",
}
_LAST_BILLING = 1_000_000
_MAX_BAD_CELLS = 3
TORN = f"more than {_MAX_BAD_CELLS} cells are of another kind than their column: the row is torn"
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Film:
    """Row of movies_metadata.csv; None is unknown."""

    tmdb_id: int
    imdb_id: str | None
    release_date: str | None
    runtime_minutes: float | None
    original_language: str | None
    popularity: float | None
    vote_average: float | None
    vote_count: int | None
    genres: tuple[str, ...]
    collection: tuple[int, str] | None  # id and name
    left_out: tuple[str, ...] = ()  # why cells of the row were not taken

    @property
    def n_known(self) -> int:
        """Number of its facts that are known."""
        facts = (
            *(self.imdb_id, self.release_date, self.runtime_minutes, self.original_language),
            *(self.popularity, self.vote_average, self.genres or None, self.collection),
        )
        return sum(fact is not None for fact in facts)


@dataclass(frozen=True, slots=True)
class FilmCast:
    """Row of credits.csv: name and billing order by person id."""

    tmdb_id: int
    names: dict[int, str]
    billing: dict[int, int]


def parse_film(fields: list[str]) -> Film:
    """Return the film of a row of movies_metadata.csv, whose fields are those of `METADATA`.

    A cell that is no good is left out and named; a row with more than a few of them is torn.
    """
    number, title, imdb, released, runtime, language, popularity, average, count, *literals = fields
    tmdb_id = check_id(number, "id")
    if not title.strip():
        raise BadRowError("title is empty")
    cells = _Cells()
    n_votes = cells.take(check_number, count, "vote_count", high=LARGEST_ID // 2) or None
    mean = cells.take(check_number, average, "vote_average", high=10)
    film = Film(
        tmdb_id,
        imdb.strip() or None,
        cells.take(check_date, released, "release_date"),
        cells.take(check_number, runtime, "runtime", high=100_000) or None,
        language.strip() or None,
        cells.take(check_number, popularity, "popularity"),
        mean if n_votes else None,
        int(n_votes) if n_votes and mean is not None else None,
        cells.take(parse_genres, literals[0]) or (),
        cells.take(parse_collection, literals[1]),
    )
    if len(cells.bad) > _MAX_BAD_CELLS:
        raise BadRowError(TORN)
    return replace(film, left_out=tuple(cells.bad))


class _Cells:
    """Cells of one row, and what is wrong with some of them."""

    def __init__(self) -> None:
        self.bad: list[str] = []

    def take(
        self, parse: Callable[..., Value | None], *given: object, **bounds: float
    ) -> Value | None:
        """Return what `parse` makes of a cell; None of a bad one, which is remembered."""
        try:
            return parse(*given, **bounds)
        except BadRowError as error:
            self.bad.append(error.reason)
            return None


def parse_genres(text: str) -> tuple[str, ...]:
    """Return the genres of a cell, in MovieLens' words and the cell's order.

    A genre that MovieLens has no word for is left out, be it of TMDB's films or of its series.

    >>> parse_genres("[{'id': 878, 'name': 'Science Fiction'}, {'id': 36, 'name': 'History'}]")
    ('Sci-Fi',)
    """
    found = list[str | None]()
    for entry in _dicts(check_literal(text, "genres"), "genres"):
        number = entry.get("id")
        if not _is_id(number):
            raise BadRowError("genres has one without a number")
        found.append(_GENRES.get(number))
    return tuple(dict.fromkeys(name for name in found if name))


def parse_collection(text: str) -> tuple[int, str] | None:
    """Id and name of the collection in a cell; None for an empty cell."""
    entry = check_literal(text, "belongs_to_collection")
    if entry is None:
        return None
    (found,) = _dicts([entry], "belongs_to_collection")
    number, name = found.get("id"), found.get("name")
    if not _is_id(number) or not isinstance(name, str) or not name.strip():
        raise BadRowError("belongs_to_collection has no id or name")
    return number, name.strip()


def parse_cast(fields: list[str]) -> FilmCast:
    """Return the cast of a row of credits.csv; of two places of one person, the better one."""
    number, text = fields
    cast = FilmCast(check_id(number, "id"), {}, {})
    for entry in _dicts(check_literal(text, "cast"), "cast"):
        person, name, order = entry.get("id"), entry.get("name"), entry.get("order")
        if not (_is_id(person) and isinstance(name, str) and type(order) is int):
            raise BadRowError("cast has an entry without id, name or order")
        if not 0 <= order <= _LAST_BILLING:
            raise BadRowError(f"cast has an order outside 0 to {_LAST_BILLING}")
        if name.strip():
            cast.names.setdefault(person, name.strip())
            cast.billing[person] = min(order, cast.billing.get(person, order))
    return cast


def _dicts(value: object, name: str) -> list[dict[object, object]]:
    """Return `value`, if it is a list of dictionaries; None, of an empty cell, is an empty list."""
    if value is None:
        return []
    if isinstance(value, list) and all(isinstance(entry, dict) for entry in value):
        return value
    raise BadRowError(f"{name} is a literal of another type")


def _is_id(value: object) -> TypeGuard[int]:
    return type(value) is int and 0 < value <= LARGEST_ID
