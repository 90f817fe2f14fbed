"""Opens a source: finds out what it is, and hands out its tables."""

import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import numpy as np

from reeltune.db.connection import Connection
from reeltune.db.outside import (
    largest,
    list_tables,
    newer_than,
    outside_database,
    read_rows,
    select_all,
)
from reeltune.domain.errors import InputError, NotFoundError
from reeltune.importers.mapping import TableLocation
from reeltune.importers.streams import expected_damage, members, optional
from reeltune.importers.tables import CHUNK_ROWS, Chunk, CodedColumn, Column, Source, Table, pick
from reeltune.importers.text_tables import (
    JsonTable,
    Moved,
    NetflixTable,
    SeparatedTable,
    TextFile,
    looks_like_json,
    looks_like_netflix,
)
from reeltune.importers.values import whole_texts

_SQLITE = b"SQLite format 3\x00"
_PARQUET = b"PAR1"
_MAX_FILES = 1_000
_SILENT: Moved = lambda _: None  # noqa: E731 - a default, not a function of its own


class FileSource:
    """File that is one table."""

    def __init__(self, path: Path, moved: Moved = _SILENT) -> None:
        self.path, self.name, self.moved = path, path.name, moved

    def names(self) -> list[str]:
        """Return the name of the file."""
        return [self.name]

    def table(self, place: TableLocation) -> Table:
        """Return the table."""
        _refuse_select(place, self.name)
        pick(self.names(), place.table, repr(self.name))
        return open_file(self.path, place, self.moved)


class DirectorySource:
    """Files of a directory, each a table."""

    def __init__(self, path: Path, moved: Moved = _SILENT) -> None:
        self.path, self.name, self.moved = path, path.name or str(path), moved

    def names(self) -> list[str]:
        """Return the names of the files, hidden ones and those of deeper directories left out."""
        found = sorted(p.name for p in self.path.iterdir() if p.is_file() and p.name[0] != ".")
        if len(found) > _MAX_FILES:
            raise InputError(f"{str(self.path)!r} has more than {_MAX_FILES:,} files")
        return found

    def table(self, place: TableLocation) -> Table:
        """Return the table of one file."""
        _refuse_select(place, self.name)
        names = self.names()
        if place.table is not None and "*" in place.table:
            found = [name for name in names if fnmatchcase(name, place.table)]
            parts = [open_file(self.path / name, place, self.moved) for name in found]
            if parts:
                return SeveralTables(place.table, parts)
        name = pick(names, place.table, repr(str(self.path)))
        return open_file(self.path / name, place, self.moved)


class SeveralTables:
    """Files of one kind, one after the other; their lines are counted on."""

    def __init__(self, name: str, parts: Sequence[Table]) -> None:
        self.name, self.parts = name, parts
        self.notes = [f"{part.name}: {note}" for part in parts for note in part.notes]

    def columns(self) -> list[str]:
        """Return the columns that all of them have."""
        first, *others = (part.columns() for part in self.parts)
        return [name for name in first if all(name in other for other in others)]

    def chunks(self, wanted: Sequence[str]) -> Iterator[Chunk]:
        """Yield the wanted columns of all rows."""
        before = 0
        for part in self.parts:
            last = before
            for chunk in part.chunks(wanted):
                lines = before + np.asarray(chunk.lines, np.int64)
                bad = [(before + line, reason, text) for line, reason, text in chunk.bad]
                last = max(last, *lines[-1:].tolist(), *(line for line, _, _ in bad[-1:]))
                yield Chunk(lines, chunk.columns, bad)
            before = last


class ArchiveSource:
    """Files of a zip archive, each a table of text."""

    def __init__(self, path: Path, moved: Moved = _SILENT) -> None:
        self.path, self.name, self.moved = path, path.name, moved

    def names(self) -> list[str]:
        """Return the names of the files, with those of their directories."""
        with expected_damage(self.path), zipfile.ZipFile(self.path) as archive:
            return members(archive)

    def table(self, place: TableLocation) -> Table:
        """Return the table of one file."""
        _refuse_select(place, self.name)
        name = pick(self.names(), place.table, repr(self.name))
        return open_text(TextFile(self.path, name, place.encoding), name, place, self.moved)


class DatabaseSource:
    """Tables and views of another program's SQLite database, as of one moment."""

    def __init__(self, path: Path, conn: Connection) -> None:
        self.path, self.name, self.conn = path, path.name, conn

    def names(self) -> list[str]:
        """Return the names of the tables and views."""
        return list_tables(self.conn)

    def table(self, place: TableLocation) -> "QueryTable":
        """Return a table, or what a query gives."""
        if place.select is not None:
            return QueryTable(self.conn, "select", place.select.strip().rstrip(";"))
        name = pick(self.names(), place.table, repr(self.name))
        return QueryTable(self.conn, name, select_all(name))


class QueryTable:
    """Table that a query of another program's database gives."""

    def __init__(self, conn: Connection, name: str, query: str) -> None:
        self.conn, self.name, self.query = conn, name, query
        self.notes = ["SQLite, read as of one moment"]
        self._since: tuple[str, object] | None = None

    def since(self, column: str, seen: object) -> None:
        """Read only the rows whose `column` is at least `seen`."""
        self._since = (column, seen)

    def newest(self, column: str) -> object:
        """Return the largest value of a column; None where there is none."""
        return largest(self.conn, self.query, column)

    def columns(self) -> list[str]:
        """Return the names of all columns."""
        names, _ = next(read_rows(self.conn, self.query))
        return list(names)

    def chunks(self, wanted: Sequence[str]) -> Iterator[Chunk]:
        """Yield the wanted columns of all rows; numbers of rows stand for lines."""
        query, seen = self.query, None
        if self._since is not None:
            query, seen = newer_than(self.query, self._since[0]), self._since[1]
        n = 0
        for names, rows in read_rows(self.conn, query, seen):
            places = [list(names).index(name) for name in wanted]
            columns = list(zip(*rows, strict=True))
            yield Chunk(
                range(n + 1, n + len(rows) + 1),
                {m: columns[p] if rows else [] for m, p in zip(wanted, places, strict=True)},
            )
            n += len(rows)


class ParquetTable:
    """Parquet file."""

    def __init__(self, path: Path) -> None:
        self.path, self.name = path, path.name
        parquet = optional("pyarrow.parquet", "Parquet files")
        self._damage = optional("pyarrow", "Parquet files").ArrowException
        with self._expected():
            self._file = parquet.ParquetFile(path)
            self.notes = [f"Parquet, {self._file.metadata.num_rows:,} rows"]

    def columns(self) -> list[str]:
        """Return the names of all columns."""
        return list(self._file.schema_arrow.names)

    def chunks(self, wanted: Sequence[str]) -> Iterator[Chunk]:
        """Yield the wanted columns of all rows."""
        n = 0
        with self._expected():
            for batch in self._file.iter_batches(CHUNK_ROWS, columns=list(wanted)):
                columns = {name: _of_arrow(batch.column(name)) for name in wanted}
                yield Chunk(range(n + 1, n + batch.num_rows + 1), columns)
                n += batch.num_rows

    @contextmanager
    def _expected(self) -> Iterator[None]:
        try:
            yield
        except (self._damage, OSError, UnicodeDecodeError) as error:
            why = " ".join(str(error).split())
            raise InputError(f"{str(self.path)!r} is damaged ({why}): fetch it again") from error


class FrameSource:
    """Data frames in memory, by name."""

    def __init__(self, frames: Mapping[str, Any], name: str = "data frame") -> None:
        self.frames, self.name = dict(frames), name

    def names(self) -> list[str]:
        """Return the names of the frames."""
        return list(self.frames)

    def table(self, place: TableLocation) -> "FrameTable":
        """Return the table of one frame."""
        _refuse_select(place, self.name)
        name = pick(self.names(), place.table, self.name)
        return FrameTable(self.frames[name], name)


class FrameTable:
    """Data frame: whatever has `columns`, and gives a column with `to_numpy`."""

    def __init__(self, frame: Any, name: str) -> None:
        self.frame, self.name = frame, name
        self.notes = [f"a data frame of {len(frame):,} rows"]

    def columns(self) -> list[str]:
        """Return the names of all columns."""
        return [str(name) for name in self.frame.columns]

    def chunks(self, wanted: Sequence[str]) -> Iterator[Chunk]:
        """Yield the wanted columns of all rows."""
        by_name = dict(zip(self.columns(), self.frame.columns, strict=True))
        for start in range(0, len(self.frame), CHUNK_ROWS):
            part = self.frame.iloc[start : start + CHUNK_ROWS]
            columns = {name: _of_numpy(part[by_name[name]].to_numpy()) for name in wanted}
            yield Chunk(range(start + 1, start + len(part) + 1), columns)


@contextmanager
def opened(location: Path, moved: Moved = _SILENT) -> Iterator[Source]:
    """Open what lies at `location`, whatever it is.

    Raises:
        InputError: it cannot be read.
        NotFoundError: nothing is there.
    """
    if location.is_dir():
        yield DirectorySource(location, moved)
        return
    if not location.is_file():
        what = "is no file" if location.exists() else "is not there"
        raise NotFoundError(f"{str(location)!r} {what}: name a file, a directory or a database")
    with expected_damage(location), location.open("rb") as raw:
        start = raw.read(16)
    if start == _SQLITE:
        with outside_database(location) as conn:
            yield DatabaseSource(location, conn)
    elif start.startswith(b"PK\x03\x04"):
        yield ArchiveSource(location, moved)
    else:
        yield FileSource(location, moved)


def open_file(path: Path, place: TableLocation, moved: Moved) -> Table:
    """Return the table that one file is."""
    with expected_damage(path), path.open("rb") as raw:
        start = raw.read(16)
    if start.startswith(_PARQUET):
        return ParquetTable(path)
    if start == _SQLITE:
        raise InputError(f"{str(path)!r} is a database: name it as the source itself")
    return open_text(TextFile(path, None, place.encoding), path.name, place, moved)


def open_text(file: TextFile, name: str, place: TableLocation, moved: Moved) -> Table:
    """Return the table that a text is."""
    start = file.start()
    if place.separator is None and looks_like_json(start):
        return JsonTable(file, name, moved)
    if place.separator is None and looks_like_netflix(start):
        return NetflixTable(file, name, moved)
    if not start.strip():
        raise InputError(f"{name!r} is empty")
    return SeparatedTable(file, name, place, moved)


def _refuse_select(place: TableLocation, name: str) -> None:
    if place.select is not None:
        raise InputError(f"select is for databases, {name!r} is none: leave it out")


def _of_arrow(column: Any) -> Column:
    """Return a column as NumPy has it where that is quick, else as Python values."""
    if column.null_count == 0 and str(column.type).startswith(("int", "uint", "float", "double")):
        return _of_numpy(column.to_numpy())
    if str(column.type) in ("string", "large_string"):
        coded = column.dictionary_encode(null_encoding="encode")
        return CodedColumn(coded.dictionary.to_pylist(), coded.indices.to_numpy())
    try:
        found: list[Any] = column.to_pylist()
    except (ValueError, OverflowError):  # a moment that Python has no number for
        found = column.cast("string").to_pylist()
    return found


def _of_numpy(column: Any) -> Column:
    """Return whole numbers and fractions as they are, all else as Python values."""
    if column.dtype.kind in "iuf":
        return np.asarray(column)  # type: ignore[return-value]
    if column.dtype.kind == "M":
        found: list[Any] = column.astype("datetime64[us]").tolist()
        return found
    values: list[Any] = column.tolist()
    return [whole_texts(v) if type(v) is str and not v.isascii() else v for v in values]
