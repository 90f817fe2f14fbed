"""Guesses which column of a source is what, and writes it as a mapping to be edited."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

from reeltune.domain.errors import InputError
from reeltune.importers.counts import RowCounts
from reeltune.importers.mapping import MoviesMap, RatingsMap, SourceMap, TableLocation
from reeltune.importers.table_ratings import read_ratings
from reeltune.importers.tables import Chunk, Source, Table, listed

_SAMPLE_CHUNKS = 2
_MAX_TABLES = 40

# What columns are called, the best first; only letters and digits of a name count.
_NAMES = {
    "user": (r"(user|member|viewer|customer|account|reviewer|profile|person)(id|name|no)?", "uid"),
    "movie": (
        r"(movie|film|item|title|show|video|content|product|work)(id|no|code|key)",
        *("mid", "iid", "const", "tconst", "letterboxduri", "asin", "movie", "film", "item"),
    ),
    "rating": (
        *("ratings?", "yourrating", "userrating", "score", "stars", "votes?", "grade", "value"),
        *("points", "mark", "thumbs?"),
    ),
    "time": (
        *("timestamp", "ratedat", "votedat", "createdat", "time", "daterated", "watchedat"),
        *("ts", "at", "when", "date", r"\w+(at|date|time)"),
    ),
    "weight": (
        *("watchtime", "secondswatched", "minuteswatched", "seconds", "duration", "progress"),
        *("percentwatched", "share", "playcount", "plays", "count", "weight"),
    ),
    "title": ("title", "movietitle", "filmtitle", "name", "primarytitle", "originaltitle"),
    "year": ("year", "releaseyear", "startyear", "yearofrelease"),
    "genres": ("genres?", "categor(y|ies)", "tags"),
    "cast": ("cast", "actors?", "starring", "stars"),
    "collection": ("collection", "belongstocollection", "franchise", "saga", "series"),
    "released": ("releasedate", "released", "releasedon"),
    "runtime": ("runtime", "runtimeminutes", "runtimemins"),
    "language": ("originallanguage", "language"),
    "imdb": ("imdbid", "imdb", "const", "tconst"),
    "tmdb": ("tmdbid", "tmdb"),
}
_RATINGS_ROLES = ("user", "movie", "rating", "time", "weight")
_MOVIES_ROLES = (
    *("title", "year", "genres", "cast", "collection", "released", "runtime", "language"),
    *("imdb", "tmdb"),
)
_ABOUT_MOVIES = re.compile(r"movie|film|title|item|show|video|catalog", re.IGNORECASE)


def guess_mapping(source: Source) -> tuple[SourceMap, list[str]]:
    """Return a mapping for a source, and what was seen of it, a line each.

    Raises:
        InputError: nothing in it looks like ratings or movies.
    """
    movies: list[MoviesMap] = []
    ratings: list[RatingsMap] = []
    remarks: list[str] = []
    names = source.names()
    for name in names[:_MAX_TABLES]:
        place = TableLocation(table=name if len(names) > 1 else None)
        try:
            table = source.table(place)
            columns = table.columns()
        except InputError as error:
            remarks.append(f"{name}: not read, {error}")
            continue
        mapping = _ratings_of(columns, place)
        found = None if mapping is None else _tried(source, mapping, remarks)
        ratings += [] if found is None else [found]
        film = _movies_of(name, columns, place, has_ratings=mapping is not None)
        movies += [] if film is None else [film]
        if found is None and film is None:
            remarks.append(f"{name}: not needed; its columns are {listed(columns)}")
    if not movies and not ratings:
        raise InputError(
            f"nothing in {source.name!r} looks like ratings or movies: {'; '.join(remarks)[:900]}"
        )
    return SourceMap(movies=tuple(movies), ratings=tuple(ratings)), remarks


def write_mapping(mapping: SourceMap, remarks: Sequence[str]) -> str:
    """Return a mapping as TOML, with remarks above it."""
    lines = [f"# {remark}" for remark in remarks]
    for kind, parts in mapping.as_dict().items():
        for part in parts:
            lines += ["", f"[[{kind}]]" if len(parts) > 1 else f"[{kind}]"]
            lines += [f"{name} = {_toml(value)}" for name, value in part.items()]
    return "\n".join(lines).lstrip("\n") + "\n"


def _toml(value: object) -> str:
    if isinstance(value, Mapping):
        inner = ", ".join(f"{json.dumps(str(k))} = {_toml(v)}" for k, v in value.items())
        return "{" + inner + "}"
    return json.dumps(value, ensure_ascii=False)


def _named(columns: Sequence[str], role: str) -> str | None:
    """Return the column whose name says that it is `role`, by the best pattern first."""
    plain = [(column, _plain(column)) for column in columns]
    for pattern in _NAMES[role]:
        for column, name in plain:
            if re.fullmatch(pattern, name):
                return column
    return None


def _plain(column: str) -> str:
    """Return the letters and digits of the last part of a name.

    >>> _plain("Your Rating"), _plain("movie.ids.imdb_id")
    ('yourrating', 'imdbid')
    """
    return re.sub(r"[^a-z0-9]", "", column.lower().rpartition(".")[2] or column.lower())


def _ratings_of(columns: Sequence[str], place: TableLocation) -> RatingsMap | None:
    roles = {role: _named(columns, role) for role in _RATINGS_ROLES}
    user, movie = roles["user"], roles["movie"]
    if movie is None or movie == user or (user is None and roles["rating"] is None):
        return None
    return RatingsMap(
        table=place.table,
        user=user,
        one_user=None if user else "me",
        movie=movie,
        rating=roles["rating"],
        weight=None if roles["rating"] else roles["weight"],
        time=roles["time"] if roles["time"] not in (user, movie, roles["rating"]) else None,
    )


def _tried(source: Source, mapping: RatingsMap, remarks: list[str]) -> RatingsMap | None:
    """Read a part of a table by a guess: the guess made better, and what was seen."""
    where = mapping.table or source.name
    if mapping.weight:
        mapping = _with_relevant(source, mapping)
    sample = _Sample(source.table(mapping))
    counts = RowCounts("table", where)
    try:
        found = read_ratings(None, sample, mapping, counts)
    except InputError as error:
        remarks.append(f"{where}: {error}")
        return mapping
    kept = len(found.columns.lines) if not mapping.is_events else counts.report().kept
    remarks.append(
        f"{where}: {kept:,} of {counts.read:,} rows read would be kept"
        f" ({kept / max(counts.read, 1):.1%}); if their movies are in the catalogue"
    )
    remarks += [f"{where}: {note}" for note in counts.notes]
    remarks += [
        f"{where}: {n:,} rows: {why}" for why, n in (counts.rejected + counts.skipped).items()
    ]
    remarks.append(
        f"{where}: ids like {', '.join(list(found.user_ids)[:3])} (users),"
        f" {', '.join(list(found.movie_ids)[:3])} (movies)"
    )
    scale = found.scale
    if mapping.is_events or scale is None:
        return mapping
    relevant = None if scale.is_thumbs else scale.relevant_from
    return _replaced(mapping, scale=scale.name, relevant_from=relevant)


def _with_relevant(source: Source, mapping: RatingsMap) -> RatingsMap:
    """Take the median of the weights as what is liked; to be edited."""
    assert mapping.weight is not None
    weights: list[float] = []
    for chunk in _Sample(source.table(mapping)).chunks([mapping.weight]):
        for text in chunk.texts(mapping.weight):
            try:
                weights.append(float(text))
            except ValueError:
                continue
    middle = sorted(weights)[len(weights) // 2] if weights else 1.0
    return _replaced(mapping, relevant_from=middle if middle > 0 else 1.0)


def _replaced(mapping: RatingsMap, **changed: object) -> RatingsMap:
    return SourceMap.from_dict(
        {"ratings": SourceMap(ratings=(mapping,)).as_dict()["ratings"][0] | _known(changed)}
    ).ratings[0]


def _known(changed: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in changed.items() if value is not None}


def _movies_of(
    name: str, columns: Sequence[str], place: TableLocation, *, has_ratings: bool
) -> MoviesMap | None:
    roles = {role: _named(columns, role) for role in _MOVIES_ROLES}
    movie = _named(columns, "movie")
    about = bool(_ABOUT_MOVIES.search(name))
    if movie is None and (about or roles["genres"]):
        movie = next((c for c in columns if _plain(c) in ("id", "key", "code")), None)
    known = sum(roles[r] is not None for r in _MOVIES_ROLES if r not in ("imdb", "tmdb"))
    if movie is None or roles["title"] is None or not (about or known >= 2):
        return None
    if has_ratings and known < 2:
        return None
    roles = {role: column for role, column in roles.items() if column != movie or role == "imdb"}
    return MoviesMap(table=place.table, movie=movie, **_known(roles))  # type: ignore[arg-type]


class _Sample:
    """First rows of a table."""

    def __init__(self, table: Table) -> None:
        self.whole, self.name, self.notes = table, table.name, table.notes

    def columns(self) -> list[str]:
        """Return the names of all columns."""
        return self.whole.columns()

    def chunks(self, wanted: Sequence[str]) -> Iterator[Chunk]:
        """Yield the first rows."""
        yield from islice(self.whole.chunks(wanted), _SAMPLE_CHUNKS)
