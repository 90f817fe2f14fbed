"""Imports tables of any source by a mapping: movies first, then ratings, in one transaction."""

import math
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

from reeltune.db.connection import Connection, transaction
from reeltune.db.imports import (
    finish_batch,
    known_digest,
    load_batches,
    save_rejected_rows,
    set_digest,
    start_batch,
)
from reeltune.domain.errors import InputError
from reeltune.importers.counts import MAX_REJECTED, FileReport, RowCounts, check_rejected_share
from reeltune.importers.mapping import MoviesMap, RatingsMap, SourceMap, TableLocation
from reeltune.importers.rating_columns import save_columns
from reeltune.importers.sources import FrameSource, opened
from reeltune.importers.table_movies import import_table_movies
from reeltune.importers.table_ratings import read_ratings
from reeltune.importers.tables import Source, Table
from reeltune.importers.text_tables import Moved


def import_table(
    conn: Connection,
    source: Path | str | Mapping[str, Any],
    mapping: SourceMap | Mapping[str, Any],
    *,
    max_rejected: float = MAX_REJECTED,
    moved: Moved = lambda _: None,
) -> list[FileReport]:
    """Import what a mapping says of a source, all of it or nothing.

    Args:
        conn: the database.
        source: a file, a directory, an archive or an SQLite database; or data frames by name.
        mapping: which column is what; a dictionary says it as a TOML file does.
        max_rejected: share of the rows of each table that may be rejected, 0 to 1.
        moved: told now and then how many bytes of a file are read.

    Raises:
        InputError: the source or the mapping is wrong, or they do not fit together.
        RejectedRowsError: no row of a table was kept, or too many were rejected.
    """
    whole = mapping if isinstance(mapping, SourceMap) else SourceMap.from_dict(mapping)
    check_no_demo(conn)
    with _open(source, moved) as opened_source, transaction(conn):
        return import_parts(conn, opened_source, whole, max_rejected)


def import_parts(
    conn: Connection,
    source: Source,
    mapping: SourceMap,
    max_rejected: float,
    prepare: Callable[[RatingsMap, Table], None] = lambda _part, _table: None,
    *,
    may_be_empty: bool = False,
) -> list[FileReport]:
    """Import every part of a mapping, within a transaction that is open."""
    reports = [_import_movies(conn, source, part, max_rejected) for part in mapping.movies]
    reports += [
        _import_ratings(conn, source, part, max_rejected, prepare, may_be_empty)
        for part in mapping.ratings
    ]
    return reports


def check_no_demo(conn: Connection) -> None:
    """Raise InputError where the database holds the made-up world."""
    if any(batch.source == "demo" for batch in load_batches(conn)):
        raise InputError("the database holds the demo world: name another file with --db")


def _open(source: Path | str | Mapping[str, Any], moved: Moved) -> AbstractContextManager[Source]:
    if isinstance(source, Mapping):
        return nullcontext(FrameSource(source))
    return opened(Path(source), moved)


def _import_movies(
    conn: Connection, source: Source, part: MoviesMap, max_rejected: float
) -> FileReport:
    table = source.table(part)
    counts, batch = _counts(conn, source, table, part)
    import_table_movies(conn, table, part, counts)
    digest = sha256(repr(counts.report()).encode()).hexdigest()
    return _finish(conn, counts, batch, max_rejected, digest)


def _import_ratings(
    conn: Connection,
    source: Source,
    part: RatingsMap,
    max_rejected: float,
    prepare: Callable[[RatingsMap, Table], None],
    may_be_empty: bool,
) -> FileReport:
    table = source.table(part)
    prepare(part, table)
    counts, batch = _counts(conn, source, table, part)
    found = read_ratings(conn, table, part, counts)
    digest = save_columns(conn, counts, found.columns, (found.user_ids, found.movie_ids))
    if not counts.read and may_be_empty:
        max_rejected = math.inf
    return _finish(conn, counts, batch, max_rejected, digest)


def _counts(
    conn: Connection, source: Source, table: Table, part: TableLocation
) -> tuple[RowCounts, int]:
    """Return the counts of a table, none yet, and the number of its batch."""
    name = table.name if source.name == table.name else f"{source.name}: {table.name}"
    if part.select is not None:
        name = f"{source.name}: {' '.join(part.select.split())[:60]}"
    batch = start_batch(conn, "table", name, known_digest(conn, "table", name) or "0" * 64)
    return RowCounts("table", name, partial(save_rejected_rows, conn, batch)), batch


def _finish(
    conn: Connection, counts: RowCounts, batch: int, max_rejected: float, digest: str
) -> FileReport:
    """Check and write the counts, and the rejected rows."""
    report = counts.report()
    if max_rejected < math.inf:
        check_rejected_share(report, max_rejected)
    counts.flush()
    set_digest(conn, batch, digest)
    finish_batch(conn, batch, report.read, report.kept)
    return report
