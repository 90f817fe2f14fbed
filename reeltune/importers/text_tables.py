"""Tables of text: CSV and its relatives, JSON lines and JSON lists."""

import csv
import io
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import IO, Any

from reeltune.domain.errors import InputError
from reeltune.importers.lines import (
    BOMB_BYTES,
    BOMB_RATIO,
    MAX_LINE_BYTES,
    Block,
    Line,
    read_blocks,
    read_lines,
)
from reeltune.importers.mapping import TableLocation
from reeltune.importers.rows import (
    EMPTY,
    FIELD_COUNT,
    NUL,
    TOO_LONG,
    Format,
    cut_records,
    excerpt,
    read_header,
)
from reeltune.importers.streams import (
    ENCODINGS,
    expected_damage,
    packing,
    recoded,
    recognise_encoding,
    unpacked,
)
from reeltune.importers.tables import CHUNK_ROWS, Chunk
from reeltune.importers.text_blocks import CutBlock, cut_block, cut_quoted_block
from reeltune.importers.values import whole_texts

_SEPARATORS = (",", ";", "\t", "|", "::")
_SAMPLE_LINES = 50
_MAX_JSON_BYTES = 256 * 2**20
_NAMES = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars", "::": "double colons"}
Moved = Callable[[int], None]
NOT_JSON = "not a JSON object"


class TextFile:
    """File that holds one text, packed or not, in whatever encoding."""

    def __init__(self, path: Path, member: str | None = None, encoding: str | None = None) -> None:
        self.path, self.member = path, member
        if encoding is not None and encoding not in ENCODINGS:
            raise InputError(f"encoding must be one of {', '.join(ENCODINGS)}, got {encoding!r}")
        with expected_damage(path), path.open("rb") as raw:
            self.packing = packing(raw)
            most_bytes = max(BOMB_BYTES, BOMB_RATIO * path.stat().st_size)
            text = unpacked(raw, member)
            self.encoding = encoding or recognise_encoding(text, most_bytes)

    def open(self, raw: IO[bytes]) -> IO[bytes]:
        """Return the text of the opened file as UTF-8."""
        return recoded(unpacked(raw, self.member), self.encoding)

    def lines(self, moved: Moved = lambda _: None) -> Iterator[Any]:
        """Yield the lines of the text."""
        with expected_damage(self.path):
            yield from read_lines(self.path, moved, self.open)

    def start(self) -> str:
        """Return the first lines of the text."""
        found: list[str] = []
        n_bytes = 0
        for line in islice(self.lines(), _SAMPLE_LINES):
            found.append(line.content.decode("utf-8", "replace"))
            n_bytes += len(line.content)
            if n_bytes > MAX_LINE_BYTES:
                break
        return "\n".join(found)

    def describe(self) -> str:
        """Return how the text is stored, for people."""
        packed = f", packed by {self.packing}" if self.packing else ""
        return f"{ENCODINGS[self.encoding]}{packed}"


class SeparatedTable:
    """Text of records with a separator between fields."""

    def __init__(self, file: TextFile, name: str, place: TableLocation, moved: Moved) -> None:
        self.file, self.name, self.moved = file, name, moved
        start = file.start()
        self.separator = place.separator or recognise_separator(start)
        self._rest = place.n_fields is not None
        self._quoted = len(self.separator) == 1 and not self._rest
        first = cut_lines(start, self.separator)
        header = has_header(first) if place.header is None else place.header
        self.has_header = header
        width = Counter(map(len, first)).most_common(1)[0][0] if first else 0
        width = int(place.n_fields or width)
        self._columns = (
            [cell.strip() for cell in first[0]]
            if header and first
            else [str(n) for n in range(1, width + 1)]
        )
        twice = [name for name, n in Counter(self._columns).items() if n > 1]
        if twice:
            raise InputError(f"{name!r} has two columns of one name: {', '.join(map(repr, twice))}")
        marks = _NAMES.get(self.separator, repr(self.separator))
        headed = "a header" if header else "no header: columns are 1, 2, 3 ..."
        self.notes = [f"{file.describe()}, {marks} between fields, {headed}"]

    def columns(self) -> list[str]:
        """Return the names of all columns."""
        return self._columns

    def chunks(self, wanted: Sequence[str]) -> Iterator[Chunk]:
        """Yield the wanted columns of all rows.

        Blocks of lines that are records of their own are cut all at once, the others by `rows`.
        """
        form = Format(
            columns=tuple(self._columns),
            key=None,
            separator=self.separator,
            quoted=self._quoted,
            has_header=self.has_header,
            n_fields=len(self._columns),
            rest_in_last=self._rest,
        )
        csv.field_size_limit(MAX_LINE_BYTES)
        places = {name: self._columns.index(name) for name in wanted}
        with expected_damage(self.file.path):
            blocks = read_blocks(self.file.path, self.moved, self.file.open)
            if self.has_header:
                blocks = self._below_header(blocks, form)
            yield from self._cut_blocks(blocks, form, places)

    def _below_header(self, blocks: Iterator[Block], form: Format) -> Iterator[Block]:
        first = next(blocks, None)
        read_header(self.file.path, form, first and next(first.lines()))
        if first and not first.too_long and (end := first.content.find(b"\n") + 1):
            rest = first.content[end:]
            yield from [Block(2, rest)] if rest else []
        yield from blocks

    def _cut_blocks(
        self, blocks: Iterator[Block], form: Format, places: Mapping[str, int]
    ) -> Iterator[Chunk]:
        block = next(blocks, None)
        while block is not None:
            cut = self._cut(block)
            if cut is None:
                following: list[Block] = []
                lines = self._uncut_lines(block, blocks, following)
                yield from _row_by_row(lines, form, places)
                block = following[0] if following else None
            else:
                yield Chunk(
                    block.number + cut.lines,
                    {name: cut.columns[place] for name, place in places.items()},
                    [(block.number + line, reason, text) for line, reason, text in cut.bad],
                )
                block = next(blocks, None)

    def _uncut_lines(
        self, block: Block, blocks: Iterator[Block], following: list[Block]
    ) -> Iterator[Line]:
        """Yield the lines of blocks up to the first that can be cut, which goes to `following`."""
        yield from block.lines()
        for each in blocks:
            if self._cut(each, after_open=True) is not None:
                following.append(each)
                return
            yield from each.lines()

    def _cut(self, block: Block, *, after_open: bool = False) -> CutBlock | None:
        """Return the fields of a block, where its lines are records of their own for certain."""
        mark = self.separator
        if block.too_long or self._rest or len(mark) > 1 or not mark.isascii() or mark in '"\r\n':
            return None
        if self._quoted and b'"' in block.content and not after_open:
            return cut_quoted_block(block.content, mark, len(self._columns))
        return cut_block(
            block.content, mark, len(self._columns), quoted=self._quoted, after_open=after_open
        )


def _row_by_row(lines: Iterator[Line], form: Format, places: Mapping[str, int]) -> Iterator[Chunk]:
    width = len(form.columns)
    records = cut_records(lines, form, width, list(range(width)))
    while some := list(islice(records, CHUNK_ROWS)):
        good = [record for record in some if not record.problem]
        rows = list(zip(*(record.fields for record in good), strict=True))
        yield Chunk(
            [record.line for record in good],
            {name: rows[place] if rows else [] for name, place in places.items()},
            [(r.line, r.problem, r.text) for r in some if r.problem],
        )


class NetflixTable:
    """Ratings of the Netflix Prize: a line with a movie and a colon, then its ratings."""

    def __init__(self, file: TextFile, name: str, moved: Moved) -> None:
        self.file, self.name, self.moved = file, name, moved
        self.notes = [f"{file.describe()}, ratings under the number of their movie"]

    def columns(self) -> list[str]:
        """Return the names of all columns."""
        return ["movie", "user", "rating", "date"]

    def chunks(self, wanted: Sequence[str]) -> Iterator[Chunk]:
        """Yield the wanted columns of all rows; the lines of movies are no rows."""
        places = [self.columns().index(name) for name in wanted]
        rows = self._rows()
        while some := list(islice(rows, CHUNK_ROWS)):
            good = [(line, fields) for line, fields, _ in some if fields is not None]
            columns = list(zip(*(fields for _, fields in good), strict=True))
            yield Chunk(
                [line for line, _ in good],
                {n: columns[p] if good else [] for n, p in zip(wanted, places, strict=True)},
                [(n, FIELD_COUNT if text else EMPTY, text) for n, f, text in some if f is None],
            )

    def _rows(self) -> Iterator[tuple[int, list[str] | None, str]]:
        movie = ""
        for line in self.file.lines(self.moved):
            text = line.content.decode("utf-8", "replace").strip()
            if text.endswith(":"):
                movie = text[:-1]
                continue
            fields = text.split(",")
            yield line.number, [movie, *fields] if len(fields) == 3 and movie else None, text[:400]


class JsonTable:
    """JSON objects, one on each line or in one list; what is nested has dots in its name."""

    def __init__(self, file: TextFile, name: str, moved: Moved) -> None:
        self.file, self.name, self.moved = file, name, moved
        self.is_list = file.start().lstrip().startswith("[")
        kind = "one list of JSON objects" if self.is_list else "JSON objects, one on each line"
        self.notes = [f"{file.describe()}, {kind}"]

    def columns(self) -> list[str]:
        """Return the names of all that is in the first objects."""
        found: dict[str, None] = {}
        for _, value, _ in islice(self._objects(), _SAMPLE_LINES * 20):
            found |= dict.fromkeys(value or {})
        return list(found)

    def chunks(self, wanted: Sequence[str]) -> Iterator[Chunk]:
        """Yield the wanted columns of all objects."""
        objects = self._objects()
        while some := list(islice(objects, CHUNK_ROWS)):
            good = [(line, value) for line, value, _ in some if value is not None]
            yield Chunk(
                [line for line, _ in good],
                {name: [value.get(name) for _, value in good] for name in wanted},
                [(n, _problem(text), text) for n, value, text in some if value is None],
            )

    def _objects(self) -> Iterator[tuple[int, dict[str, Any] | None, str]]:
        """Yield line, content and, where it is no object, text of each."""
        if self.is_list:
            yield from self._of_list()
            return
        for line in self.file.lines(self.moved):
            text = line.content.decode("utf-8", "replace")
            value: object = None
            if not line.too_long:
                with suppress(ValueError, RecursionError):
                    value = _parsed(text)
            yield line.number, flat(value) if isinstance(value, dict) else None, text[:400]

    def _of_list(self) -> Iterator[tuple[int, dict[str, Any] | None, str]]:
        with expected_damage(self.file.path), self.file.path.open("rb") as raw:
            content = self.file.open(raw).read(_MAX_JSON_BYTES + 1)
        if len(content) > _MAX_JSON_BYTES:
            limit = _MAX_JSON_BYTES // 2**20
            raise InputError(f"{self.name!r} is a list of more than {limit} MiB: write JSON lines")
        try:
            values = _parsed(content.decode("utf-8-sig"))
        except (ValueError, RecursionError) as error:
            raise InputError(f"{self.name!r} is not JSON: {error}") from error
        for number, value in enumerate(values, 1):
            yield number, flat(value) if isinstance(value, dict) else None, repr(value)[:400]


def _parsed(text: str) -> Any:
    """Return what JSON says, without half characters."""
    value = json.loads(text)
    return whole_texts(value) if "\\ud" in text or "\\uD" in text else value


def flat(value: dict[str, Any], before: str = "") -> dict[str, Any]:
    """Return a nested object with one level of names.

    >>> flat({"rating": 8, "movie": {"ids": {"imdb": "tt0113277"}}})
    {'rating': 8, 'movie.ids.imdb': 'tt0113277'}
    """
    found: dict[str, Any] = {}
    for name, each in value.items():
        if isinstance(each, dict) and before.count(".") < 8:
            found |= flat(each, f"{before}{name}.")
        else:
            found[before + name] = each
    return found


def recognise_separator(start: str) -> str:
    """Return what stands between the fields of most lines, as often in each.

    >>> recognise_separator("user;movie;rating\\n1;2;3,5\\n")
    ';'
    """
    best = (0.0, 0, ",")
    for separator in _SEPARATORS:
        widths = Counter(len(row) for row in cut_lines(start, separator))
        if not widths:
            continue
        width, n = widths.most_common(1)[0]
        if width > 1:
            best = max(best, (round(n / widths.total(), 1), width, separator), key=lambda b: b[:2])
    return best[2]


def cut_lines(start: str, separator: str) -> list[list[str]]:
    """Return the fields of the first lines of a text, as well as they can be cut."""
    if len(separator) > 1:
        return [line.split(separator) for line in start.splitlines() if line.strip()]
    csv.field_size_limit(MAX_LINE_BYTES)
    found: list[list[str]] = []
    plain = start.replace("\0", "").replace("\r", " ")
    with suppress(csv.Error):
        found.extend(row for row in csv.reader(io.StringIO(plain), delimiter=separator) if row)
    return found


def has_header(rows: list[list[str]]) -> bool:
    """Tell whether the first row names columns: it has no number, and each name once."""
    if not rows:
        return False
    first = [cell.strip() for cell in rows[0]]
    return len(set(first)) == len(first) and all(
        cell and not cell.replace(".", "").replace("-", "").isdigit() for cell in first
    )


def looks_like_netflix(start: str) -> bool:
    """Tell whether a text begins with the number of a movie and a colon."""
    first = start.lstrip().partition("\n")[0].strip()
    return first.endswith(":") and first[:-1].isdigit()


def looks_like_json(start: str) -> bool:
    """Tell whether a text begins as JSON objects do."""
    begin = start.lstrip()
    return begin.startswith("{") or (begin.startswith("[") and begin[1:].lstrip()[:1] in ("{", "]"))


def _problem(text: str) -> str:
    if not text.strip():
        return EMPTY
    return NUL if "\0" in text else TOO_LONG if len(text) >= MAX_LINE_BYTES else NOT_JSON


def describe_row(chunk: Chunk, row: int) -> str:
    """Return the values of a row, for a record of what was rejected."""
    return excerpt(", ".join(f"{n}={c[row]}" for n, c in chunk.columns.items()), 200)
