"""Reading of a table: whatever source it lies in, as typed columns."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path

from reeltune.domain.errors import InputError, RejectedRowsError
from reeltune.importers.mapping import TableLocation
from reeltune.importers.sources import FileSource, opened
from reeltune.importers.streams import expected_damage
from reeltune.importers.tables import Chunk, Table
from reeltune.importers.text_tables import (
    SeparatedTable,
    TextFile,
    cut_lines,
    looks_like_json,
    recognise_separator,
)
from reeltune.tabular.building import ColumnBuilder
from reeltune.tabular.columns import ColumnKind, ColumnSpec, DataTable
from reeltune.tabular.inference import inferred, uses_decimal_comma
from reeltune.tabular.texts import is_missing_text, parsed_number

SAMPLE_ROWS = 20_000  # by which kinds are inferred
MAX_UNCUT = 0.05  # share of lines that may have another number of fields
_TEXT_SUFFIXES = (b"PAR1", b"SQLite format 3\x00", b"PK\x03\x04")
_MAX_SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadOptions:
    """Options of reading: what is recognised where it is not given."""

    table: str | None = None  # of a database, or file of a directory
    select: str | None = None  # query of a database
    separator: str | None = None
    encoding: str | None = None
    decimal: str | None = None  # "." or ","
    header: bool | None = None
    kinds: Mapping[str, str] = field(default_factory=dict)  # by column
    target: str | None = None  # a name that tells a header from a first row
    specs: tuple[ColumnSpec, ...] | None = None  # of columns that are known already
    max_uncut: float = MAX_UNCUT

    def with_specs(self, specs: tuple[ColumnSpec, ...]) -> "ReadOptions":
        """Return the options with which columns that are known already are read."""
        return replace(self, specs=specs, max_uncut=0.0)

    @property
    def names(self) -> frozenset[str]:
        """Names of which one in the first row makes it a header."""
        known = {spec.name for spec in self.specs or ()}
        return frozenset(known | ({self.target} if self.target else set()))

    @property
    def place(self) -> TableLocation:
        """Location of the table in its source."""
        return TableLocation(
            table=self.table, select=self.select, separator=self.separator, encoding=self.encoding
        )


def read_table(path: Path, options: ReadOptions | None = None) -> DataTable:
    """Return a table of a file, an archive or a database as typed columns.

    Text of any separator and encoding, packed or not; JSON lines; Parquet; a table of SQLite. Kinds
    are inferred from the first rows, and once more where later ones tell another.

    Args:
        path: the source.
        options: what is not to be recognised.

    Raises:
        InputError: it cannot be read, or is no table.
        NotFoundError: nothing is there.
        RejectedRowsError: too many lines have another number of fields than the first.
    """
    options = options or ReadOptions()
    with _named_table(path, options) as source:
        if not source.columns():
            raise InputError(f"{str(path)!r} has no columns")
        found, wrong = _read(source, options, {})
        if wrong:  # later rows are of another kind than the first ones
            found, _ = _read(source, options, wrong)
    if not found.n_rows:
        raise InputError(f"{str(path)!r} has no rows")
    return found


class HeadedTable:
    """Separated text whose header is told apart by us, with each name once."""

    def __init__(self, file: TextFile, name: str, options: ReadOptions) -> None:
        start = file.start()
        separator = options.separator or recognise_separator(start)
        place = replace(options.place, header=False, separator=separator)
        self._inner = SeparatedTable(file, name, place, lambda _: None)
        self.name, self.notes = name, list(self._inner.notes)
        self.separator = separator
        rows = cut_lines(start, separator)
        first = [cell.strip() for cell in rows[0]] if rows else []
        n_columns = len(self._inner.columns())
        is_whole = len(first) == n_columns
        known = options.header
        self.has_header = is_whole and (
            known if known is not None else is_header(rows, options.names)
        )
        self._names = list(first) if self.has_header else self._inner.columns()
        if self.has_header:
            self._names, renamed = distinct_names(first)
            self.notes = [
                each.replace("no header: columns are 1, 2, 3 ...", "a header")
                for each in self.notes
            ]
            self.notes += (
                [f"columns without a name of their own: {', '.join(renamed)}"] if renamed else []
            )

    def columns(self) -> list[str]:
        """Return the names of all columns."""
        return self._names

    def chunks(self, wanted: Sequence[str]) -> Iterator[Chunk]:
        """Yield the wanted columns of all rows below the header."""
        inner = dict(zip(self._names, self._inner.columns(), strict=True))
        is_first = self.has_header
        for chunk in self._inner.chunks([inner[name] for name in wanted]):
            columns = {name: chunk.columns[inner[name]] for name in wanted}
            lines = chunk.lines
            if is_first and len(lines):
                columns = {name: column[1:] for name, column in columns.items()}
                lines, is_first = lines[1:], False
            yield Chunk(lines, columns, chunk.bad)


def is_header(rows: Sequence[Sequence[str]], known: Collection[str] = ()) -> bool:
    """Return whether the first row names columns: it has a known name, or no number.

    >>> is_header([["", "x", "x"], ["0", "1", "2"]]), is_header([["1", "x"], ["2", "y"]])
    (True, False)
    """
    first = [cell.strip() for cell in rows[0]] if rows else []
    if any(cell in known for cell in first):
        return True
    numbers = [cell for cell in first if parsed_number(cell) == parsed_number(cell)]
    return any(first) and not numbers


def distinct_names(names: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return names of which each is there once and none is empty, and those that were changed.

    >>> distinct_names(["x", "", "x"])
    (['x', 'column 2', 'x.2'], ['column 2', 'x.2'])
    """
    found: list[str] = []
    changed: list[str] = []
    taken = set(names)
    for number, name in enumerate(names, 1):
        given, n = name or f"column {number}", 1
        while given in found or (given != name and given in taken):
            n += 1
            given = f"{name or 'column'}.{n}"
        found.append(given)
        changed += [given] if given != name else []
    return found, changed


@contextmanager
def _named_table(path: Path, options: ReadOptions) -> Iterator[Table]:
    """Open the table at `path`; a text with its header told apart here."""
    with opened(path) as source:
        if isinstance(source, FileSource) and _is_text(path):
            file = TextFile(path, None, options.encoding)
            start = file.start()
            if not start.strip():
                raise InputError(f"{str(path)!r} is empty")
            if options.separator is not None or not looks_like_json(start):
                yield HeadedTable(file, path.name, options)
                return
        yield source.table(options.place)


def _is_text(path: Path) -> bool:
    with expected_damage(path), path.open("rb") as raw:
        return not raw.read(16).startswith(_TEXT_SUFFIXES)


def _read(
    source: Table, options: ReadOptions, known: Mapping[str, ColumnSpec]
) -> tuple[DataTable, dict[str, ColumnSpec]]:
    """Return the table, and what columns turned out to be that were inferred to be another."""
    wanted = source.columns()
    if options.specs is not None:
        wanted = [spec.name for spec in options.specs if spec.name in set(wanted)]
    chunks = source.chunks(wanted)
    head, n_head = [], 0
    for chunk in chunks:
        head.append(chunk)
        n_head += len(chunk)
        if n_head >= SAMPLE_ROWS:
            break
    specs = _specs(source, options, head, wanted) | dict(known)
    builders = [ColumnBuilder(specs[name]) for name in wanted]
    n_rows, bad = 0, []
    for chunk in chain(head, chunks):
        n_rows += len(chunk)
        bad += [each for each in chunk.bad if each[2].strip()]
        for builder in builders:
            builder.add(chunk)
    _check_rejected(source.name, bad, n_rows, options.max_uncut)
    columns = {each.spec.name: each.build() for each in builders}
    wrong = {} if options.specs or known else _wrong(builders, options)
    notes = (*source.notes, *_remarks(builders, bad))
    return DataTable(source.name, columns, n_rows, notes), wrong


def _specs(
    source: Table, options: ReadOptions, head: Sequence[Chunk], wanted: Sequence[str]
) -> dict[str, ColumnSpec]:
    """Return what the columns are, as given or as the first rows say."""
    if options.specs is not None:
        return {spec.name: spec for spec in options.specs}
    unknown = [name for name in options.kinds if name not in wanted]
    if unknown:
        shown = ", ".join(wanted[:40])
        raise InputError(f"{source.name!r} has no column {unknown[0]!r}: its columns are {shown}")
    samples = {name: [t for chunk in head for t in chunk.texts(name)] for name in wanted}
    comma = options.decimal == ","
    if options.decimal is None:
        comma = uses_decimal_comma(samples.values(), getattr(source, "separator", None))
    found = {name: inferred(name, texts, comma=comma) for name, texts in samples.items()}
    given = {name: _as_kind(found[name], kind) for name, kind in options.kinds.items()}
    return found | given


def _as_kind(spec: ColumnSpec, kind: str) -> ColumnSpec:
    """Return the specification of a column that is said to be of a kind.

    Raises:
        InputError: there is no such kind.
    """
    if kind not in set(ColumnKind):
        raise InputError(f"the kind of {spec.name!r} must be one of {', '.join(ColumnKind)}")
    chosen = ColumnKind(kind)
    form = (spec.date_format or "iso") if chosen is ColumnKind.DATE else None
    if chosen is ColumnKind.DATE and spec.kind in (ColumnKind.NUMBER, ColumnKind.ID):
        form = "seconds"
    return replace(spec, kind=chosen, date_format=form)


def _wrong(builders: Iterable[ColumnBuilder], options: ReadOptions) -> dict[str, ColumnSpec]:
    """Return what columns are by all of their rows, where the first rows said something else."""
    found = {}
    for builder in builders:
        name = builder.spec.name
        if name in options.kinds:
            continue
        if builder.is_refusing:
            found[name] = ColumnSpec(name=name, kind=ColumnKind.CATEGORY)
        elif builder.was_empty_at_first:
            spec = inferred(name, builder.distinct_texts())
            if spec.kind is not ColumnKind.CATEGORY:
                found[name] = spec
    return found


def _check_rejected(
    name: str, bad: Sequence[tuple[int, str, str]], n_rows: int, most: float
) -> None:
    if len(bad) > most * (n_rows + len(bad)):
        line, reason, _ = bad[0]
        raise RejectedRowsError(
            f"{len(bad):,} of {n_rows + len(bad):,} lines of {name!r} cannot be cut into fields, "
            f"the first is line {line} ({reason}): name the separator, or mend the file"
        )


def _remarks(
    builders: Iterable[ColumnBuilder], bad: Sequence[tuple[int, str, str]]
) -> Iterator[str]:
    if bad:
        lines = ", ".join(str(line) for line, _, _ in bad[:_MAX_SHOWN])
        yield f"{len(bad):,} lines left out, they cannot be cut into fields: line {lines}"
    for builder in builders:
        texts = sorted(builder.refused)[:_MAX_SHOWN]
        if texts:
            shown = ", ".join(repr(text[:30]) for text in texts)
            what = "dates" if builder.spec.kind is ColumnKind.DATE else "numbers"
            n = f"{builder.n_refused:,}"
            yield f"{builder.spec.name}: {n} values among {what} are none: {shown}"


__all__ = [
    "HeadedTable",
    "ReadOptions",
    "distinct_names",
    "is_header",
    "is_missing_text",
    "read_table",
]
