"""Imports one file in one transaction: each row is taken, skipped or rejected, and counted."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import KW_ONLY, dataclass
from functools import partial
from hashlib import file_digest
from pathlib import Path
from typing import IO, TypeVar

from rich.progress import Progress, TaskID

from reeltune.db.connection import Connection, transaction
from reeltune.db.imports import finish_batch, save_rejected_rows, start_batch
from reeltune.db.movies import SourceName
from reeltune.importers.counts import RowCounts, check_rejected_share
from reeltune.importers.lines import ungzipped
from reeltune.importers.rows import EMPTY, Format, Record, read_records
from reeltune.importers.streams import ENCODINGS, expected_encoding, recoded, text_encoding
from reeltune.importers.values import BadRowError, SkippedRowError

Value = TypeVar("Value")
Unpack = Callable[[IO[bytes]], IO[bytes]]


@dataclass
class FileImport(RowCounts):
    """File whose import is under way."""

    _: KW_ONLY
    conn: Connection
    path: Path
    batch_id: int
    bar: Progress
    task: TaskID
    limit: float | None = None  # share of rows that may be rejected; None: no matter how many

    def rows(
        self, form: Format, parse: Callable[[list[str]], Value]
    ) -> Iterator[tuple[int, Value]]:
        """Yield line and value of each row that `parse` takes; count the others by its reason."""
        encoding = "utf-8" if form.may_be_latin1 else text_encoding(self.path)
        unpack = None
        if encoding != "utf-8" and (form.has_names or encoding.startswith("utf-16")):
            self.notes.append(f"{ENCODINGS[encoding]}, recognised")
            unpack = partial(_decoded, encoding)
        for line, text, fields, problem in self._records(form, unpack):
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

    def _records(self, form: Format, unpack: Unpack | None) -> Iterator[Record]:
        with expected_encoding(self.path):
            yield from read_records(self.path, form, self._moved, unpack)

    def stored(self, done: int, total: int) -> None:
        """Show how many of the rows read are stored."""
        self.bar.update(
            self.task, description=f"storing {self.path.name}", completed=done, total=total
        )

    def finish(self) -> None:
        """Write the counts.

        Raises:
            RejectedRowsError: fewer rows were kept than there have to be.
        """
        if self.limit is not None:
            check_rejected_share(self.report(), self.limit)
        self.flush()
        finish_batch(self.conn, self.batch_id, self.read, self.report().kept)

    def _moved(self, n_bytes: int) -> None:
        self.bar.update(self.task, completed=n_bytes // 1024)


def _decoded(encoding: str, raw: IO[bytes]) -> IO[bytes]:
    return recoded(ungzipped(raw), encoding)


@contextmanager
def file_import(
    conn: Connection, source: SourceName, path: Path, bar: Progress, limit: float | None = None
) -> Iterator[FileImport]:
    """Import within the `with` block: at its end all of it is in the database, or nothing is.

    Raises:
        RejectedRowsError: no row was kept, or more than the share `limit` of them was rejected.
    """
    task = bar.add_task(f"reading {path.name}", total=path.stat().st_size // 1024)
    with path.open("rb") as content:
        sha256 = file_digest(content, "sha256").hexdigest()
    with transaction(conn):
        batch_id = start_batch(conn, source, path.name, sha256)
        file = FileImport(
            source,
            path.name,
            partial(save_rejected_rows, conn, batch_id),
            conn=conn,
            path=path,
            batch_id=batch_id,
            bar=bar,
            task=task,
            limit=limit,
        )
        yield file
        file.finish()
    bar.remove_task(task)
