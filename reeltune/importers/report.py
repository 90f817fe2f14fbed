"""Report on imported files, as tables and as JSON."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from reeltune.cli.tables import Table, plain_table, print_table
from reeltune.db.catalogue import Coverage, load_coverage
from reeltune.db.connection import Connection
from reeltune.db.ratings import count_ratings, count_users
from reeltune.importers.counts import FileReport

LEGEND = (
    "Rejected rows are faulty; the table rejected_rows has the line and the text of each.\n"
    "Skipped rows are not faulty, but are not needed."
)


@dataclass(frozen=True, slots=True)
class DatabaseReport:
    """Contents of the database after an import."""

    ratings: int
    ratings_added: int
    users: int
    coverage: Coverage


def describe_database(conn: Connection, ratings_before: int) -> DatabaseReport:
    """Return what the database holds, and how many ratings more than before."""
    ratings = count_ratings(conn)
    return DatabaseReport(ratings, ratings - ratings_before, count_users(conn), load_coverage(conn))


def render_json(
    db_path: Path, files: list[FileReport], database: DatabaseReport, unread: Sequence[str] = ()
) -> object:
    """Return all counts as one document."""
    return {
        "db": str(db_path),
        "files_not_read": list(unread),
        "files": [
            {
                "file": file.file,
                "source": file.source,
                "rows_read": file.read,
                "rows_kept": file.kept,
                "rows_skipped": sum(file.skipped.values()),
                "rows_rejected": sum(file.rejected.values()),
                "skipped": file.skipped,
                "rejected": file.rejected,
                "cells_left_out": file.left_out,
                "notes": list(file.notes),
            }
            for file in files
        ],
        **asdict(database),
    }


def print_report(
    console: Console,
    db_path: Path,
    files: list[FileReport],
    database: DatabaseReport,
    unread: Sequence[str] = (),
) -> None:
    """Print how many rows were imported, why others were not, and what the database holds."""
    print_table(console, "Rows", _files_table(files))
    if any(file.kept < file.read or file.left_out for file in files):
        print_table(console, "Rows and cells not imported", _reasons_table(files))
    for file in files:
        for note in file.notes:
            console.print(f"{file.file}: {note}", markup=False, soft_wrap=True)
    if unread:
        console.print(f"Not read, not needed: {', '.join(unread)}", markup=False)
    console.print(_database_lines(db_path, database))


def _files_table(files: list[FileReport]) -> Table:
    table = plain_table("file", ">read", ">kept", ">skipped", ">rejected")
    for file in files:
        counts = (file.read, file.kept, sum(file.skipped.values()), sum(file.rejected.values()))
        table.add_row(escape(file.file), *(f"{count:,}" if count else "-" for count in counts))
    return table


def _reasons_table(files: list[FileReport]) -> Table:
    table = plain_table("file", ">rows", "what", "because", "lines", drop=("lines",))
    for file in files:
        for word, reasons in _kinds(file):
            for reason, count in reasons.items():
                lines = _example_lines(file.examples[reason], count)
                table.add_row(escape(file.file), f"{count:,}", word, escape(reason), lines)
    return table


def _kinds(file: FileReport) -> Iterator[tuple[str, dict[str, int]]]:
    yield "rejected", file.rejected
    yield "skipped", file.skipped
    yield "cell left out", file.left_out


def _example_lines(examples: tuple[int, ...], count: int) -> str:
    return ", ".join(map(str, examples)) + (", …" if count > len(examples) else "")


def _database_lines(db_path: Path, database: DatabaseReport) -> str:
    known = database.coverage
    shares = ", ".join(
        f"{name} {count / max(known.movies, 1):.1%}"
        for name, count in (
            ("genres", known.with_genres),
            ("metadata", known.with_metadata),
            ("a collection", known.with_collection),
            ("cast", known.with_cast),
        )
    )
    return (
        f"[bold]{escape(str(db_path))}[/bold] now has {database.ratings:,} ratings"
        f" ({database.ratings_added:,} new) by {database.users:,} users"
        f" and {known.movies:,} movies\nof these have {shares}"
    )
