"""Cells that hold several values: names between separators, or lists as JSON or Python writes them.

A list may hold names, or dictionaries that have one. Without a separator given, the first of
`|`, `;`, `,` and a slash between spaces that the cell has is taken.
"""

import ast
import json
import re
import warnings
from collections.abc import Iterable
from dataclasses import dataclass

from reeltune.importers.ids import MAX_ID_CHARACTERS
from reeltune.importers.values import BadRowError, whole_texts

_MAX_CHARACTERS = 2**20
_SEPARATORS = ("|", ";", ",", " / ")
_LAST_PLACE = 1_000_000
_NAME_KEYS = ("name", "title", "genre", "label")


def cut_cell(text: str, separator: str | None = None) -> tuple[str, ...]:
    """Return the names that a cell holds, in its order, each once.

    Raises:
        BadRowError: it begins like a list and is none.

    >>> cut_cell("Drama, Comedy"), cut_cell("[{'id': 18, 'name': 'Drama'}]"), cut_cell("War")
    (('Drama', 'Comedy'), ('Drama',), ('War',))
    """
    text = text.strip()
    if text[:1] in "[{" and text:
        return _unique(_name_of(entry) for entry in _read_list(text))
    if separator is None:
        separator = next((mark for mark in _SEPARATORS if mark in text), None)
    return _unique(text.split(separator) if separator else [text])


@dataclass(frozen=True, slots=True)
class Named:
    """Name in a cell, or an id there, and its place if it has one."""

    key: str
    name: str
    place: int | None = None

    def __post_init__(self) -> None:
        """Raise BadRowError where the key is too long to be stored."""
        if len(self.key) > MAX_ID_CHARACTERS:
            raise BadRowError(f"a name is longer than {MAX_ID_CHARACTERS} characters")


def cut_named(text: str, separator: str | None = None) -> tuple[Named, ...]:
    """Return the people that a cell holds, the first one first; of dictionaries with their ids.

    Raises:
        BadRowError: it begins like a list and is none, or a name is too long.

    >>> cut_named("Al Pacino, Val Kilmer")[1].name
    'Val Kilmer'
    """
    if text[:1] not in "[{":
        return tuple(Named(name, name) for name in cut_cell(text, separator))
    found: dict[str, Named] = {}
    for entry in _read_list(text):
        name = " ".join(_name_of(entry).split())
        key = entry.get("id") if isinstance(entry, dict) else None
        place = entry.get("order") if isinstance(entry, dict) else None
        good = type(place) is int and 0 <= place <= _LAST_PLACE
        if name:
            key = str(key) if type(key) is int or (isinstance(key, str) and key.strip()) else name
            found.setdefault(key, Named(key, name, place if good else None))
    return tuple(found.values())


def _read_list(text: str) -> list[object]:
    value = read_literal(text)
    entries = value if isinstance(value, list) else [value]
    if not all(isinstance(entry, str | dict) for entry in entries):
        raise BadRowError("a list has something else than names")
    return entries


def read_literal(text: str) -> object:
    """Return what JSON or a Python literal says.

    Raises:
        BadRowError: it is neither.
    """
    if len(text) <= _MAX_CHARACTERS:
        try:
            return whole_texts(json.loads(text))
        except (ValueError, RecursionError):
            pass
        try:
            with warnings.catch_warnings(action="ignore"):  # of an odd backslash
                return whole_texts(ast.literal_eval(text))
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            pass
    raise BadRowError("a cell begins like a list but is not one")


def _name_of(entry: object) -> str:
    if isinstance(entry, dict):
        found = next((entry[key] for key in _NAME_KEYS if isinstance(entry.get(key), str)), None)
        if found is None:
            raise BadRowError("a list has an entry without a name")
        return str(found)
    return str(entry)


def _unique(names: Iterable[str]) -> tuple[str, ...]:
    cleaned = (re.sub(r"\s+", " ", name).strip() for name in names)
    return tuple(dict.fromkeys(name for name in cleaned if name))
