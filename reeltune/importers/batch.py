"""Imports one file in one transaction: each row is taken, skipped or rejected, and counted."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import file_digest
from pathlib import Path
from typing import TypeVar

from rich.progress import Progress, TaskID

from reeltune.db.connection import Connection, transaction
from reeltune.db.imports import RejectedRow, finish_batch, save_rejected_rows, start_batch
from reeltune.db.movies import Source
from reeltune.importers.rows import EMPTY, Format, excerpt, read_records
from reeltune.importers.values import BadRowError, SkippedRowError

SAME = "same {} twice: the fuller or later row is kept"
_ROWS_PER_WRITE = 10_000
_MOST_EXAMPLES = 3
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class FileReport:
    """What became of the rows of a file; `read` = `kept` + skipped + rejected."""

    source: Source
    file: str
    read: int
    skipped: dict[str, int]  # nothing wrong with them, but of no use here; count by reason
    rejected: dict[str, int]  # something is wrong with them; count by reason
    examples: dict[str, tuple[int, ...]]  # lines of a few such rows, by reason

    @property
    def kept(self) -> int:
        """Rows taken."""
        return self.read - sum(self.skipped.values()) - sum(self.rejected.values())


@dataclass
class FileImport:
    """A file whose import is under way."""

    conn: Connection
    source: Source
    path: Path
    batch_id: int
    bar: Progress
    task: TaskID
    read: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    rejected: Counter[str] = field(default_factory=Counter)
    _examples: dict[str, list[int]] = field(default_factory=dict)
    _unsaved: list[RejectedRow] = field(default_factory=list)

    def rows(
        self, form: Format, parse: Callable[[list[str]], Value]
    ) -> Iterator[tuple[int, Value]]:
        """Line and value of each row that `parse` takes; the others are counted with its reason."""
        for line, text, fields, problem in read_records(self.path, form, self._moved):
            self.read += 1
            try:
                if problem:
                    raise SkippedRowError(EMPTY) if problem == EMPTY else BadRowError(problem)
                value = parse(fields)
            except SkippedRowError as row:
                self.skip(line, row.reason)
            except BadRowError as row:
                self.reject(line, row.reason, text)
            else:
                yield line, value
        self._moved(self.path.stat().st_size)

    def skip(self, line: int, reason: str) -> None:
        """Count a row that is of no use here."""
        self.skipped[reason] += 1
        self._keep_example(line, reason)

    def reject(self, line: int, reason: str, text: str) -> None:
        """Record a row with which something is wrong."""
        self.rejected[reason] += 1
        self._keep_example(line, reason)
        self._unsaved.append(RejectedRow(line, reason, excerpt(text)))
        if len(self._unsaved) >= _ROWS_PER_WRITE:
            self._save_rejected()

    def stored(self, done: int, total: int) -> None:
        """Show how many of the rows read are stored."""
        self.bar.update(
            self.task, description=f"storing {self.path.name}", completed=done, total=total
        )

    def report(self) -> FileReport:
        """What has become of the rows so far."""
        return FileReport(
            self.source,
            self.path.name,
            self.read,
            dict(self.skipped.most_common()),
            dict(self.rejected.most_common()),
            {reason: tuple(sorted(lines)) for reason, lines in self._examples.items()},
        )

    def finish(self) -> None:
        """Write the counts."""
        self._save_rejected()
        finish_batch(self.conn, self.batch_id, self.read, self.report().kept)

    def _keep_example(self, line: int, reason: str) -> None:
        lines = self._examples.setdefault(reason, [])
        if len(lines) < _MOST_EXAMPLES:
            lines.append(line)

    def _save_rejected(self) -> None:
        save_rejected_rows(self.conn, self.batch_id, self._unsaved)
        self._unsaved.clear()

    def _moved(self, n_bytes: int) -> None:
        self.bar.update(self.task, completed=n_bytes // 1024)


@contextmanager
def file_import(
    conn: Connection, source: Source, path: Path, bar: Progress
) -> Iterator[FileImport]:
    """All that the `with` block makes of the file is in the database at its end, or nothing is."""
    task = bar.add_task(f"reading {path.name}", total=path.stat().st_size // 1024)
    with path.open("rb") as content:
        sha256 = file_digest(content, "sha256").hexdigest()
    with transaction(conn):
        batch_id = start_batch(conn, source, path.name, sha256)
        file = FileImport(conn, source, path, batch_id, bar, task)
        yield file
        file.finish()
    bar.remove_task(task)


def keep_fullest(
    file: FileImport,
    rows: Iterable[tuple[int, Value]],
    thing: str,
    key: Callable[[Value], int],
    known: Callable[[Value], int],
) -> list[tuple[int, Value]]:
    """Line and value of the best row of each key, by key; the others are rejected.

    Args:
        file: the file of the rows.
        rows: line and value of each row, in order of lines.
        thing: what two rows of one key both are, for the reason.
        key: what makes two rows the same.
        known: how much a row knows; the row with most stays, of equal ones the later.
    """
    best: dict[int, tuple[int, Value]] = {}
    for line, row in rows:
        stays = loses = (line, row)
        if (rival := best.get(key(row))) is not None:
            stays, loses = (
                (rival, (line, row)) if known(rival[1]) > known(row) else ((line, row), rival)
            )
            file.reject(
                loses[0], SAME.format(thing), f"{thing} {key(row)}, kept is line {stays[0]}"
            )
        best[key(row)] = stays
    return [best[number] for number in sorted(best)]
