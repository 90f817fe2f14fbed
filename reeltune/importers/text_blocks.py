"""Cuts blocks of text without quotation marks into fields all at once, without a text for each.

A block is cut only where every line of it is a record of its own, which is what `rows` would make
of it too; every other block is left to `rows`.
"""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np
import numpy.typing as npt

from reeltune.domain.arrays import Bools, Ints
from reeltune.importers.rows import EMPTY, FIELD_COUNT

ByteArray = npt.NDArray[np.uint8]
_NEWLINE, _RETURN, _ZERO = b"\n\r0"
_MAX_KEY_BYTES = 8  # of a text that is one number of 64 bits
_MAX_DIGITS = 18


class TextColumn(Sequence[str]):
    """Column of fields (N,) that are texts only when they are asked for."""

    def __init__(self, content: bytes, starts: Ints, ends: Ints) -> None:
        self._content, self._starts, self._ends = content, starts, ends

    def __len__(self) -> int:
        return len(self._starts)

    @overload
    def __getitem__(self, place: int) -> str: ...
    @overload
    def __getitem__(self, place: slice) -> list[str]: ...
    def __getitem__(self, place: int | slice) -> str | list[str]:
        if isinstance(place, slice):
            return [self[n] for n in range(*place.indices(len(self)))]
        return self._content[self._starts[place] : self._ends[place]].decode()

    def __iter__(self) -> Iterator[str]:
        bounds = zip(self._starts.tolist(), self._ends.tolist(), strict=True)
        if self._content.isascii():
            text = self._content.decode("ascii")
            return (text[start:end] for start, end in bounds)
        return (self._content[start:end].decode() for start, end in bounds)

    def distinct(self) -> tuple[list[str], Ints] | None:
        """Return the distinct texts, in the order in which they come, and which is where (N,).

        None where some text is too long for that to be quick.
        """
        lengths = self._ends - self._starts
        if int(lengths.max(initial=0)) > _MAX_KEY_BYTES:
            return None
        keys = np.zeros(len(self), np.uint64)
        for place, has in self._places(lengths):
            keys = (keys << np.uint64(8)) | np.where(has, place, 0).astype(np.uint64)
        first, codes = distinct_places(keys)
        return list(TextColumn(self._content, self._starts[first], self._ends[first])), codes

    def whole_numbers(self) -> tuple[Ints, Bools, Bools]:
        """Return the fields of 1 to 18 digits as numbers (N,), which these are, and which begin
        with a zero.
        """
        lengths = self._ends - self._starts
        good = (lengths > 0) & (lengths <= _MAX_DIGITS)
        numbers = np.zeros(len(self), np.int64)
        for place, has in self._places(np.where(good, lengths, 0)):
            digit = place - np.uint8(_ZERO)  # what is below 0 is far above 9
            good &= ~has | (digit <= 9)
            numbers = np.where(has, numbers * 10 + digit, numbers)
        begin_with_zero = np.zeros(len(self), np.bool_)
        content = np.frombuffer(self._content, np.uint8)
        begin_with_zero[good] = content[self._starts[good]] == _ZERO
        return numbers, good, begin_with_zero

    def _places(self, lengths: Ints) -> Iterator[tuple[ByteArray, Bools]]:
        """Yield the first bytes (N,), the second ones ..., and which fields have them."""
        content = np.frombuffer(self._content, np.uint8)
        for n in range(int(lengths.max(initial=0))):
            has = lengths > n
            yield content[np.where(has, self._starts + n, 0)], has


def distinct_places(keys: npt.NDArray[np.generic]) -> tuple[Ints, Ints]:
    """Return where each distinct key is first (D,), ascending, and which of them is where (N,).

    >>> [part.tolist() for part in distinct_places(np.array([5, 3, 5, 9, 3]))]
    [[0, 1, 3], [0, 1, 0, 2, 1]]
    """
    _, first, codes = np.unique(keys, return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    return first[order], rank[codes.reshape(-1)]


@dataclass(frozen=True, eq=False)
class CutBlock:
    """Fields of a block: of its good lines, column by column; and its other lines."""

    lines: Ints  # (N,) places of the good lines in the block, from 0
    columns: Sequence[Sequence[str]]  # (N,) each
    bad: list[tuple[int, str, str]]  # place, reason, text


def cut_block(
    content: bytes, separator: str, n_fields: int, *, quoted: bool, after_open: bool
) -> CutBlock | None:
    """Return the fields of whole lines; None where lines may not be records of their own.

    Args:
        content: UTF-8, it is hoped.
        separator: between the fields, one character of ASCII.
        n_fields: of a good line.
        quoted: whether fields may stand in quotation marks.
        after_open: whether a record of the lines before may go on here; it does not where the
            first line is good.
    """
    if (quoted and b'"' in content) or b"\0" in content or b"\r\r" in content:
        return None
    if not content.isascii() and not _is_utf8(content):
        return None
    raw = np.frombuffer(content, np.uint8)
    breaks: Ints = np.flatnonzero(raw == _NEWLINE)
    ends = breaks if content.endswith(b"\n") else np.append(breaks, len(raw))
    starts = np.append(0, ends[:-1] + 1)
    marks: Ints = np.flatnonzero(raw == ord(separator))
    n_marks = np.diff(np.searchsorted(marks, np.append(starts, len(raw))))
    good = n_marks == n_fields - 1
    if after_open and not good[0]:
        return None
    returned = (ends > starts) & (raw[np.maximum(ends - 1, 0)] == _RETURN)
    ends = ends - returned
    lines: Ints = np.flatnonzero(good)
    inner = marks[np.repeat(good, n_marks)].reshape(len(lines), n_fields - 1)
    left = np.column_stack([starts[lines], inner + 1])
    right = np.column_stack([inner, ends[lines]])
    columns = [TextColumn(content, left[:, n], right[:, n]) for n in range(n_fields)]
    bad = []
    for place in np.flatnonzero(~good).tolist():
        text = content[starts[place] : ends[place]].decode()
        bad.append((place, FIELD_COUNT if text.strip() else EMPTY, text))
    return CutBlock(lines, columns, bad)


def cut_quoted_block(content: bytes, separator: str, n_fields: int) -> CutBlock | None:
    """Return the fields of whole lines with quotation marks, each of them a good record of its own.

    None where one of them is not: what such a block holds, `rows` finds out.
    """
    if b"\0" in content or b"\r\r" in content or not _is_utf8(content):
        return None
    lines = content.decode().removesuffix("\n").split("\n")
    try:
        rows = list(csv.reader((s.rstrip("\r") for s in lines), strict=True, delimiter=separator))
    except csv.Error:
        return None
    if len(rows) != len(lines) or any(len(row) != n_fields for row in rows):
        return None
    columns: list[Sequence[str]] = list(zip(*rows, strict=True))
    return CutBlock(np.arange(len(rows)), columns, [])


def _is_utf8(content: bytes) -> bool:
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
