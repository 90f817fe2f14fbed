"""Converts columns of outside texts to arrays: each distinct text once, where that is quick."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from reeltune.domain.arrays import Bools, Ints
from reeltune.importers.ids import Ids
from reeltune.importers.tables import Chunk, CodedColumn, Column, text_of
from reeltune.importers.text_blocks import TextColumn, distinct_places
from reeltune.importers.times import LATEST, UNITS, Times
from reeltune.importers.values import BadRowError

Problems = dict[int, BadRowError]  # by row


@dataclass(frozen=True, eq=False)
class Converted:
    """Values of a column (N,), and which rows have none and why."""

    values: npt.NDArray[Any]
    problems: Problems


def convert(
    chunk: Chunk, name: str | None, lookup: Mapping[str, float], absent: str = ""
) -> Converted:
    """Return what `lookup` says of each text of a column; of no column, of the text `absent`.

    `lookup` raises BadRowError where a text has no value.
    """
    if name is None:
        found: tuple[list[str], Ints] | None = [absent], np.zeros(len(chunk), np.int64)
    else:
        found = _distinct(chunk.columns[name])
    if found is None:
        return _looked_up(chunk.texts(name), lookup)
    each = _looked_up(found[0], lookup)
    values = each.values[found[1]]
    if not each.problems:
        return Converted(values, {})
    bad = np.flatnonzero(np.isin(found[1], list(each.problems)))
    return Converted(values, {row: each.problems[int(found[1][row])] for row in bad.tolist()})


def convert_times(chunk: Chunk, name: str | None, times: Times | None) -> Converted:
    """Return the moments of a column, in Unix seconds; 0 where there are none."""
    if times is None or name is None:
        return Converted(np.zeros(len(chunk), np.int64), {})
    numbers = _whole_numbers(chunk.columns[name]) if times.form in UNITS else None
    if numbers is None:
        return convert(chunk, name, times)
    values = numbers[0] // UNITS[times.form]
    return _with_others(values, ~numbers[1] | (values > LATEST), chunk.columns[name], times)


def convert_ids(chunk: Chunk, name: str | None, ids: Ids, absent: str = "") -> Converted:
    """Return the number by which each id of a column is stored; of no column, that of `absent`.

    A whole number without a zero before it stands for itself.
    """
    numbers = None if name is None else _whole_numbers(chunk.columns[name])
    if numbers is None or name is None or not numbers[1].any():
        return convert(chunk, name, ids, absent)
    values, good, begin_with_zero = numbers
    return _with_others(values, ~good | begin_with_zero, chunk.columns[name], ids)


def _with_others(
    values: Ints, is_other: Bools, column: Column, lookup: Mapping[str, float]
) -> Converted:
    """Return `values` (N,), but what `lookup` says where another is needed."""
    others: Ints = np.flatnonzero(is_other)
    if not len(others):
        return Converted(values, {})
    found = _looked_up([text_of(column[row]) for row in others.tolist()], lookup)
    values[others] = found.values
    return Converted(values, {int(others[n]): bad for n, bad in found.problems.items()})


def _looked_up(texts: list[str], lookup: Mapping[str, float]) -> Converted:
    try:
        return Converted(np.array([lookup[text] for text in texts]), {})
    except BadRowError:
        pass
    values: list[float] = []
    problems: Problems = {}
    for row, text in enumerate(texts):
        try:
            values.append(lookup[text])
        except BadRowError as bad:
            problems[row] = bad.with_traceback(None)  # which would keep all texts
            values.append(0)
    return Converted(np.array(values), problems)


def _distinct(column: Column) -> tuple[list[str], Ints] | None:
    """Return the distinct texts of a column and which is where (N,); None where that is slow."""
    if isinstance(column, TextColumn | CodedColumn):
        return column.distinct()
    if isinstance(column, np.ndarray):
        first, codes = distinct_places(column)
        return [text_of(value) for value in column[first].tolist()], codes
    return None


def _whole_numbers(column: Column) -> tuple[Ints, Bools, Bools] | None:
    """Return `TextColumn.whole_numbers` of a column; None where that is slow."""
    if isinstance(column, TextColumn):
        return column.whole_numbers()
    if isinstance(column, np.ndarray) and column.dtype.kind in "iu":
        good = (column >= 0) & (column < 10**18)
        return np.where(good, column, 0).astype(np.int64), good, column == 0
    return None
