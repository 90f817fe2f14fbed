"""Mappings: which column of a source is what, as a TOML file or options say it."""

import dataclasses
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from reeltune.domain.errors import InputError
from reeltune.importers.scales import Scale, read_scale
from reeltune.importers.times import check_zone
from reeltune.storage.files import read_text

_MAX_BYTES = 2**20
_MAX_FIELDS = 10_000
_LARGEST = 1e12  # of a number in a mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class TableLocation:
    """Location of a table in a source, and how its text is written."""

    table: str | None = None  # of a database, or a file of a directory or an archive
    select: str | None = None  # of a database: a query instead of a table
    separator: str | None = None  # None: recognised
    header: bool | None = None  # None: recognised; without one, columns are 1, 2, 3 ...
    encoding: str | None = None  # None: recognised
    n_fields: float | None = None  # of a text without quotes: the last field takes what is left


@dataclass(frozen=True, slots=True, kw_only=True)
class RatingsMap(TableLocation):
    """Columns of who rated what how and when, or of events that say that somebody liked it."""

    movie: str
    user: str | None = None
    one_user: str | None = None  # the name of the only user, of a source that names none
    rating: str | None = None  # None: rows are events, and each says that the movie was liked
    scale: str | None = None  # None: recognised
    relevant_from: float | None = None  # on that scale; of events, in sums of their weights
    weight: str | None = None  # of an event: seconds, a share, a count
    event: str | None = None  # the kind of an event
    weights: Mapping[str, float] | None = None  # by kind of event; other kinds are skipped
    time: str | None = None
    time_format: str | None = None  # None: recognised
    time_zone: str = "UTC"  # of times that name none
    grows: str | None = None  # of a database: a column that only grows; `sync` reads what is newer
    only: Mapping[str, str] | None = None  # values that columns must have; other rows are skipped

    @property
    def is_events(self) -> bool:
        """True of rows without a rating."""
        return self.rating is None

    @property
    def declared_scale(self) -> Scale | None:
        """Scale, where it is declared."""
        return None if self.scale is None else read_scale(self.scale, self.relevant_from)

    def columns(self) -> list[str]:
        """Return the columns that are read."""
        named = (self.user, self.movie, self.rating, self.weight, self.event, self.time)
        return list(dict.fromkeys([*(name for name in named if name), *(self.only or {})]))


@dataclass(frozen=True, slots=True, kw_only=True)
class MoviesMap(TableLocation):
    """Columns of the catalogue."""

    movie: str
    title: str | None = None  # None: the id
    year: str | None = None
    genres: str | None = None
    genres_separator: str | None = None  # None: recognised; lists are read whatever it is
    cast: str | None = None  # names, the lead first, or a list of dictionaries
    cast_separator: str | None = None
    collection: str | None = None
    released: str | None = None  # a day like 1995-10-30
    runtime: str | None = None  # minutes
    language: str | None = None
    imdb: str | None = None
    tmdb: str | None = None
    only: Mapping[str, str] | None = None

    def columns(self) -> list[str]:
        """Return the columns that are read."""
        facts = (self.genres, self.cast, self.collection, self.released, self.runtime)
        named = (self.movie, self.title, self.year, *facts, self.language, self.imdb, self.tmdb)
        return list(dict.fromkeys([*(name for name in named if name), *(self.only or {})]))


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceMap:
    """All that is read of a source: its movies first, then its ratings or events."""

    movies: tuple[MoviesMap, ...] = ()
    ratings: tuple[RatingsMap, ...] = ()

    def as_dict(self) -> dict[str, list[dict[str, Any]]]:
        """Return what `from_dict` reads, without what is not set."""
        return {
            kind: [_set_fields(each) for each in getattr(self, kind)]
            for kind in ("movies", "ratings")
            if getattr(self, kind)
        }

    @classmethod
    def from_dict(cls, declared: Mapping[str, Any], where: str = "the mapping") -> "SourceMap":
        """Return the mapping that a document describes.

        Raises:
            InputError: it is none; all that is wrong is named.
        """
        wrong = [f"unknown part [{name}]" for name in declared if name not in _PARTS]
        parts = {
            kind: tuple(
                _read_part(_PARTS[kind], each, kind, wrong)
                for each in _as_list(declared.get(kind, []), kind, wrong)
            )
            for kind in _PARTS
        }
        if not wrong and not any(parts.values()):
            wrong.append("it has neither [ratings] nor [movies]")
        if wrong:
            raise InputError(f"{where} cannot be used: {'; '.join(wrong)}")
        found = cls(movies=parts["movies"], ratings=parts["ratings"])  # type: ignore[arg-type]
        for each in found.ratings:
            _check_ratings(each)
        return found


_PARTS: dict[str, type[MoviesMap] | type[RatingsMap]] = {
    "movies": MoviesMap,
    "ratings": RatingsMap,
}


def read_mapping(path: Path) -> SourceMap:
    """Return the mapping of a TOML file.

    Raises:
        InputError: it cannot be read, or says something wrong.
    """
    return parse_mapping(read_text(path, _MAX_BYTES), repr(str(path)))


def parse_mapping(text: str, where: str) -> SourceMap:
    """Return the mapping of a TOML document."""
    try:
        declared = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{where} is not TOML: {error}") from error
    return SourceMap.from_dict(declared, where)


def _as_list(declared: object, kind: str, wrong: list[str]) -> list[Mapping[str, Any]]:
    entries = declared if isinstance(declared, list) else [declared]
    good = [entry for entry in entries if isinstance(entry, Mapping)]
    if len(good) < len(entries):
        wrong.append(f"[{kind}] must be a table")
    return good


def _read_part(
    part: type[MoviesMap] | type[RatingsMap],
    declared: Mapping[str, Any],
    kind: str,
    wrong: list[str],
) -> MoviesMap | RatingsMap | None:
    kinds = {field.name: str(field.type) for field in fields(part)}
    before = len(wrong)
    wrong += [f"unknown key {name!r} in [{kind}]" for name in declared if name not in kinds]
    for name, value in declared.items():
        if name in kinds and not _fits(value, kinds[name]):
            wrong.append(f"{name} in [{kind}] must be {_plain(kinds[name])}, got {value!r:.80}")
        elif name == "n_fields" and not 1 <= value <= _MAX_FIELDS:
            wrong.append(f"n_fields in [{kind}] must be 1 to {_MAX_FIELDS:,}, got {value:g}")
    if "movie" not in declared:
        wrong.append(f"[{kind}] must name the column of the movie: movie = ...")
    return None if len(wrong) > before else part(**declared)


def _fits(value: object, kind: str) -> bool:
    if "Mapping" in kind:
        number = "float" in kind
        return isinstance(value, Mapping) and all(
            _is_number(each) if number else isinstance(each, str) for each in value.values()
        )
    if "bool" in kind:
        return isinstance(value, bool)
    return _is_number(value) if "float" in kind else isinstance(value, str) and bool(value)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and type(value) is not bool and abs(value) <= _LARGEST


def _plain(kind: str) -> str:
    if "Mapping" in kind:
        return f"a table of numbers up to {_LARGEST:g}" if "float" in kind else "a table of texts"
    return (
        "true or false"
        if "bool" in kind
        else f"a number up to {_LARGEST:g}"
        if "float" in kind
        else "a text"
    )


def _check_ratings(declared: RatingsMap) -> None:
    if (declared.user is None) == (declared.one_user is None):
        raise InputError("[ratings] must name the column of the user, or one_user: one of them")
    if declared.rating is not None and (declared.weight or declared.event or declared.weights):
        raise InputError("[ratings] has a rating or weights of events, not both")
    if (declared.event is None) != (declared.weights is None):
        raise InputError("event names the column of kinds, weights what each is worth: give both")
    if declared.is_events and declared.grows is not None:
        raise InputError("events are summed over all rows: leave out grows")
    if declared.is_events and declared.scale is not None:
        raise InputError("events have no scale: leave it out")
    if declared.weight is not None and declared.relevant_from is None:
        raise InputError(
            "events with a weight need relevant_from: the sum from which a movie counts as liked"
        )
    if declared.is_events and declared.relevant_from is not None and not declared.relevant_from > 0:
        raise InputError(f"relevant_from of events must be above 0, got {declared.relevant_from:g}")
    if declared.scale is None and not declared.is_events and declared.relevant_from is not None:
        raise InputError("relevant_from needs the scale it lies on: scale = ...")
    if any(weight < 0 for weight in (declared.weights or {}).values()):
        raise InputError("weights of events must be 0 or more")
    _ = declared.declared_scale
    check_zone(declared.time_zone)


def _set_fields(part: MoviesMap | RatingsMap) -> dict[str, Any]:
    default = {field.name: field.default for field in fields(part)}
    declared = dataclasses.asdict(part)
    return {name: value for name, value in declared.items() if value != default[name]}
