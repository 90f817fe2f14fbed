"""Checks the single values of outside rows; a bad one ends its row, with a reason to count by."""

import ast
import math
import re
import warnings
from datetime import date
from typing import Any

LARGEST_ID = 2**63 - 1  # of SQLite
_MAX_LITERAL = 2**20  # characters; the longest real one has 34,000
_YEARS = (1870, 2100)
_TITLE_YEAR = re.compile(r"\((\d{4})(?:\s*[-–]\s*(?:\d{4})?)?\)$", re.ASCII)
_HALF = re.compile("[\ud800-\udfff]")
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


class BadRowError(Exception):
    """Rejection of a row, and why; for the importers alone, it never leaves them."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class SkippedRowError(BadRowError):
    """Refusal of a row with which nothing is wrong: it is of no use here."""


def check_id(text: str, name: str) -> int:
    """Return a positive whole number; `862.0`, as pandas writes it beside empty cells, is one too.

    >>> check_id("862.0", "tmdbId")
    862
    """
    digits = text.strip().removesuffix(".0")
    if len(digits) < 20 and digits.isascii() and digits.isdigit():
        value = int(digits)
        if 0 < value <= LARGEST_ID:
            return value
    raise BadRowError(f"{name} is not a positive whole number")


def check_number(text: str, name: str, low: float = 0.0, high: float = math.inf) -> float | None:
    """Return a finite number in [low, high]; None for an empty cell."""
    text = text.strip()
    if not text:
        return None
    try:
        value = float(text) if text.isascii() and "_" not in text else math.nan
    except ValueError:
        value = math.nan
    if math.isfinite(value) and low <= value <= high:
        return value
    limits = f"{low:g} or more" if high == math.inf else f"{low:g} to {high:g}"
    raise BadRowError(f"{name} is not a number, {limits}")


def check_date(text: str, name: str) -> str | None:
    """Return a day as YYYY-MM-DD; None for an empty cell."""
    text = text.strip()
    if not text:
        return None
    try:
        if _DATE.fullmatch(text) and _YEARS[0] <= date.fromisoformat(text).year <= _YEARS[1]:
            return text
    except ValueError:
        pass
    raise BadRowError(f"{name} is not a day like 1995-10-30")


def check_year(text: str, name: str) -> int | None:
    """Return a year; None for an empty cell.

    >>> check_year("1995", "year"), check_year("1995.0", "year")
    (1995, 1995)
    """
    text = text.strip().removesuffix(".0")
    if not text:
        return None
    if len(text) == 4 and text.isascii() and text.isdigit():
        year = int(text)
        if _YEARS[0] <= year <= _YEARS[1]:
            return year
    raise BadRowError(f"{name} is not a year, {_YEARS[0]} to {_YEARS[1]}")


def whole_texts(value: Any) -> Any:
    """Return a value of lists, dictionaries and texts, half characters in it replaced.

    JSON and Python literals may have half of a surrogate pair, which is no text.

    >>> whole_texts(["Drama", {"name": "\\ud800"}])
    ['Drama', {'name': '�'}]
    """
    if isinstance(value, str):
        return _HALF.sub("\ufffd", value)
    if isinstance(value, list | tuple):
        return type(value)(map(whole_texts, value))
    if isinstance(value, dict):
        return {whole_texts(name): whole_texts(each) for name, each in value.items()}
    return value


def check_literal(text: str, name: str) -> object:
    """Return a Python literal, of a type for the caller to check; None for an empty cell."""
    text = text.strip()
    if not text:
        return None
    try:
        if len(text) <= _MAX_LITERAL:
            with warnings.catch_warnings(action="ignore"):  # of an odd backslash
                return whole_texts(ast.literal_eval(text))
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        pass
    raise BadRowError(f"{name} is not a Python literal")


def year_of_title(title: str) -> int | None:
    """Return the year with which a MovieLens title ends; the first of a span.

    >>> year_of_title("Toy Story (1995)"), year_of_title("Moonlight")
    (1995, None)
    """
    found = _TITLE_YEAR.search(title)
    year = int(found[1]) if found else 0
    return year if _YEARS[0] <= year <= _YEARS[1] else None
