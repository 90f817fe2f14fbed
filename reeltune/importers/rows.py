"""Cuts outside files into records, and survives whatever they hold.

Each line is a record of its own, unless a quoted field is open at its end. A record over several
lines is believed only where it is whole (as many fields as the header, a number in the key
column) and no further line of it is whole by itself; otherwise its first line alone is bad and
reading goes on at its second. So a stray quotation mark costs one line, never its neighbours.
"""

import csv
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import IO, NamedTuple

from reeltune.domain.errors import InputError
from reeltune.importers.lines import MAX_LINE_BYTES, Line, read_lines

_MAX_RECORD_LINES = 100
_OPEN = "unexpected end of data"  # as the csv module says it

EMPTY = "empty line"
TOO_LONG = f"line longer than {MAX_LINE_BYTES // 2**20} MiB"
NUL = "NUL byte"
NOT_UTF8 = "not UTF-8"
UNCLOSED = "broken quotation marks"
FIELD_COUNT = "wrong number of fields"


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """Format of the records of a file."""

    columns: tuple[str, ...]  # wanted, in the order in which a record gives them
    key: str | None  # the column that holds a number in every good record, if one does
    separator: str = ","
    quoted: bool | None = None  # None: where the separator is a comma
    has_header: bool = True  # if not, `columns` are the first ones
    n_fields: int = 0  # of a record without header
    may_be_latin1: bool = False
    has_names: bool = True  # if not, all is ASCII, and what is not is no other encoding but wrong
    rest_in_last: bool = False  # of a record without quotes: the last field may have separators

    @property
    def has_quotes(self) -> bool:
        """True where fields may stand in quotation marks."""
        return self.separator == "," if self.quoted is None else self.quoted


class Record(NamedTuple):
    """Record: its wanted fields, or what is wrong with it."""

    line: int  # physical line on which it starts, from 1
    text: str
    fields: list[str]
    problem: str  # "" for a good one


def read_records(
    path: Path,
    form: Format,
    moved: Callable[[int], None] = lambda _: None,
    unpack: Callable[[IO[bytes]], IO[bytes]] | None = None,
) -> Iterator[Record]:
    """Return the records of a file, plain or gzip'd.

    Args:
        path: the file.
        form: how its records look.
        moved: told now and then how many bytes of the file are read.
        unpack: see `read_lines`.

    Raises:
        InputError: the header lacks a wanted column, or the file is damaged.
    """
    csv.field_size_limit(MAX_LINE_BYTES)  # Python's own limit of 128 KiB is too low for credits
    lines = read_lines(path, moved, unpack)
    if form.has_header:
        header = read_header(path, form, next(lines, None))
        yield from cut_records(lines, form, len(header), [header.index(c) for c in form.columns])
    else:
        yield from cut_records(lines, form, form.n_fields, list(range(len(form.columns))))


def excerpt(text: str, length: int = 80) -> str:
    """Return the start of `text` on one line, without what a terminal could choke on.

    >>> excerpt("a\\n b\\x1b[1m")
    'a b�[1m'
    """
    short = " ".join(text[: 4 * length].split())
    clean = "".join(c if c.isprintable() else "�" for c in short)
    return clean if len(clean) <= length else clean[: length - 1] + "…"


def read_header(path: Path, form: Format, first: Line | None) -> list[str]:
    """Return the names of all columns.

    Raises:
        InputError: the first line lacks a wanted column.
    """
    text, _ = _decode(first, form) if first else ("", "")
    found = [name.strip() for name in _cut(text, form) or []]
    missing = [name for name in form.columns if name not in found]
    if missing:
        raise InputError(
            f"{str(path)!r} is not the file its name says: its first line must name the columns"
            f" {', '.join(form.columns)}; {', '.join(missing)} not found in {excerpt(text)!r}"
        )
    return found


def cut_records(
    lines: Iterator[Line], form: Format, n_fields: int, wanted: list[int]
) -> Iterator[Record]:
    """Yield the records of `lines`, below any header: of `n_fields` fields those at `wanted`."""
    key = None if form.key is None else wanted[form.columns.index(form.key)]
    takes_all = wanted == list(range(n_fields))

    def is_whole(fields: list[str] | None) -> bool:
        if fields is None or len(fields) != n_fields:
            return False
        return key is None or fields[key].strip().isdigit()

    pending: deque[Line] = deque()
    while (line := pending.popleft() if pending else next(lines, None)) is not None:
        text, problem = _decode(line, form)
        fields, is_open = (None, False) if problem else _cut_or_open(text, form)
        if is_open:
            text, fields = _join(text, form, chain(_drain(pending), lines), is_whole, pending)
        if problem or not fields:
            yield Record(line.number, text, [], problem or (UNCLOSED if text.strip() else EMPTY))
        elif len(fields) != n_fields:
            yield Record(line.number, text, [], FIELD_COUNT if text.strip() else EMPTY)
        else:
            yield Record(
                line.number, text, fields if takes_all else [fields[i] for i in wanted], ""
            )


def _drain(pending: deque[Line]) -> Iterator[Line]:
    while pending:
        yield pending.popleft()


def _join(
    text: str,
    form: Format,
    lines: Iterator[Line],
    is_whole: Callable[[list[str] | None], bool],
    unused: deque[Line],
) -> tuple[str, list[str] | None]:
    """Return the record over several lines that starts with `text`, if it is to be believed.

    Otherwise the lines looked at go to `unused`, before those already there.
    """
    joined, seen = text, list[Line]()
    for line in lines:
        seen.append(line)
        more, problem = _decode(line, form)
        if problem or len(seen) >= _MAX_RECORD_LINES or is_whole(_cut(more, form)):
            break
        joined = f"{joined}\n{more}"
        if len(joined) > MAX_LINE_BYTES:
            break
        fields, is_open = _cut_or_open(joined, form) if '"' in more else (None, True)
        if fields is not None and is_whole(fields):
            return joined, fields
        if not is_open:
            break
    unused.extendleft(reversed(seen))
    return text, None


def _decode(line: Line, form: Format) -> tuple[str, str]:
    """Return the text of a line, and what is wrong with it."""
    if line.too_long:
        return line.content[:400].decode("utf-8", "replace"), TOO_LONG
    if b"\0" in line.content:
        return line.content.decode("utf-8", "replace"), NUL
    try:
        return line.content.decode("utf-8"), ""
    except UnicodeDecodeError:
        if form.may_be_latin1:
            return line.content.decode("latin-1"), ""
        return line.content.decode("utf-8", "replace"), NOT_UTF8


def _cut(text: str, form: Format) -> list[str] | None:
    """Return the fields of a record; None where its quotation marks do not match."""
    return _cut_or_open(text, form)[0]


def _cut_or_open(text: str, form: Format) -> tuple[list[str] | None, bool]:
    """Return the fields of a record, or none; and whether a quoted field is open at its end.

    What has marks in a wrong place is no record, whatever follows.
    """
    if '"' not in text or not form.has_quotes:
        if form.rest_in_last:
            return text.split(form.separator, form.n_fields - 1), False
        return text.split(form.separator), False
    try:
        return next(csv.reader([text], strict=True, delimiter=form.separator), []), False
    except csv.Error as error:
        return None, str(error) == _OPEN
