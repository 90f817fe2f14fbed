"""Inference of what a column holds, from texts of its first rows."""

import re
from collections.abc import Collection, Sequence

import numpy as np

from reeltune.domain.arrays import Floats
from reeltune.tabular.columns import ColumnKind, ColumnSpec
from reeltune.tabular.texts import MIN_SHARE, date_format, is_missing_text, parsed_number

_MIN_WORDS = 3.5  # words of a text, on average, that are cut apart
_MIN_TEXTS = 30  # different texts; fewer are categories, however long
_MIN_TEXT_SHARE = 0.2  # of different ones among all
_MAX_LEVELS_SHARE = 0.98  # of different texts among all: more are names of the single rows
_MIN_NAMED_ROWS = 20  # rows, of which fewer do not tell a name from a category
_ID_NAME = re.compile(r"(?:.*[_\s.-])?(?:id|uuid|guid)|.*[a-z](?:Id|ID)")
_ROW_NAME = re.compile(
    r"(?:.*[_\s.-])?(?:key|index|number|no|nr)|row[_\s]?(?:id|no|num|number|names?)?|unnamed: 0",
    re.IGNORECASE,
)
_CODE = re.compile(r"0\d+", re.ASCII)
_GROUPS = re.compile(r"[+-]?[1-9]\d{0,2}(?:\.\d{3})+(?:,\d*)?", re.ASCII)
_LOOKS_LIKE_COMMA = re.compile(r"[+-]?(?:\d|\.\d{3})*\d,\d+", re.ASCII)


def uses_decimal_comma(columns: Collection[Sequence[str]], separator: str | None) -> bool:
    """Return whether numbers of a text have a comma before their fractions.

    One column suffices in which nearly all texts are numbers with it, and not all of them groups of
    thousands; between commas there are no such numbers unless they are quoted.
    """
    for texts in columns:
        present = {text.strip() for text in texts if not is_missing_text(text)}
        with_comma = [text for text in present if "," in text]
        if not with_comma or not all(_LOOKS_LIKE_COMMA.fullmatch(text) for text in with_comma):
            continue
        numbers = [parsed_number(text, "comma") for text in present]
        groups = all(re.fullmatch(r"[+-]?\d{1,3}(,\d{3})+", text) for text in with_comma)
        if np.isfinite(numbers).mean() >= MIN_SHARE and (separator == ";" or not groups):
            return True
    return False


def inferred(name: str, texts: Sequence[str], *, comma: bool = False) -> ColumnSpec:
    """Return the specification of a column by texts of its rows.

    Args:
        name: of the column.
        texts: of its first rows, missing ones among them.
        comma: whether numbers of this table have a decimal comma.
    """
    present = [text.strip() for text in texts if not is_missing_text(text)]
    distinct = list(dict.fromkeys(present))
    if not distinct:
        return ColumnSpec(name=name, kind=ColumnKind.CATEGORY)
    style = "comma" if comma and _has_comma(distinct) else "plain"
    if any(_CODE.fullmatch(text) for text in distinct) and _is_code(distinct):
        return ColumnSpec(name=name, kind=_kind_of_names(name, present, distinct))
    numbers = np.array([parsed_number(text, style) for text in distinct])
    if _are_mostly_numbers(numbers, distinct, present):
        is_id = _numbers_rows(name, numbers, len(present))
        kind = ColumnKind.ID if is_id else ColumnKind.NUMBER
        return ColumnSpec(name=name, kind=kind, number_style=style)
    form = date_format(distinct)
    if form is not None:
        return ColumnSpec(name=name, kind=ColumnKind.DATE, date_format=form)
    return ColumnSpec(name=name, kind=_kind_of_names(name, present, distinct))


def _are_mostly_numbers(numbers: Floats, distinct: Sequence[str], present: Sequence[str]) -> bool:
    """Return whether nearly all different texts are numbers, or those of nearly all rows."""
    if np.isfinite(numbers).mean() >= MIN_SHARE:
        return True
    others = {t for t, number in zip(distinct, numbers.tolist(), strict=True) if number != number}
    return sum(text in others for text in present) <= (1 - MIN_SHARE) * len(present)


def _has_comma(distinct: Sequence[str]) -> bool:
    """Return whether numbers with decimal commas may be among texts: points are of thousands."""
    with_point = [text for text in distinct if "." in text]
    groups = bool(with_point) and all(_GROUPS.fullmatch(text) for text in with_point)
    return groups or any("," in text for text in distinct)


def _is_code(distinct: Sequence[str]) -> bool:
    """Return whether digits are a code: all of one length, zeros before them."""
    digits = [text for text in distinct if text.isascii() and text.isdigit()]
    return len(digits) >= MIN_SHARE * len(distinct) and len({len(text) for text in digits}) == 1


def _kind_of_names(name: str, present: Sequence[str], distinct: Sequence[str]) -> ColumnKind:
    n_words = float(np.mean([len(text.split()) for text in distinct[:1_000]]))
    is_long = n_words >= _MIN_WORDS and len(distinct) >= _MIN_TEXTS
    if is_long and len(distinct) >= _MIN_TEXT_SHARE * len(present):
        return ColumnKind.TEXT
    if is_called_id(name) and len(distinct) > _MIN_NAMED_ROWS:
        return ColumnKind.ID
    many = len(present) >= _MIN_NAMED_ROWS and len(distinct) > _MAX_LEVELS_SHARE * len(present)
    if many and n_words >= 2:
        return ColumnKind.TEXT
    return ColumnKind.ID if many else ColumnKind.CATEGORY


def _numbers_rows(name: str, distinct: Floats, n_present: int) -> bool:
    """Return whether whole numbers are names: one for each row, counted or called so."""
    whole = distinct[np.isfinite(distinct)]
    if n_present < _MIN_NAMED_ROWS or not np.array_equal(whole, np.round(whole)):
        return False
    if len(whole) < n_present:  # names of groups, where they are called so
        return is_called_id(name) and len(whole) > _MIN_NAMED_ROWS
    is_counted = np.array_equal(np.diff(whole), np.ones(len(whole) - 1))
    is_named = is_called_id(name) or _ROW_NAME.fullmatch(name.strip()) is not None
    return is_named or (is_counted and whole[0] in (0.0, 1.0))


def is_called_id(name: str) -> bool:
    """Return whether a column's name says that it holds ids.

    >>> is_called_id("customer_id"), is_called_id("userId"), is_called_id("humid")
    (True, True, False)
    """
    plain = name.strip()
    return any(_ID_NAME.fullmatch(each) for each in (plain, plain.lower()))
