"""Command: import sync. Reads remembered sources again."""

from dataclasses import asdict
from pathlib import Path

import click
from rich.markup import escape

from reeltune.cli.command import Command, option
from reeltune.cli.console import print_json, progress_bar, remark_console, result_console
from reeltune.cli.options import (
    argument,
    option_db,
    option_format,
    option_json,
    option_log_format,
    option_quiet,
    option_wait,
)
from reeltune.cli.tables import plain_table, print_table
from reeltune.db.connection import connection, transaction
from reeltune.db.sources import RememberedSource, load_source, load_sources, remove_source
from reeltune.domain.errors import NotFoundError
from reeltune.importers.options import DATA
from reeltune.importers.serving_source import remember_serving_store
from reeltune.importers.sync import Synced, sync_sources


@click.command(cls=Command, examples=("--list", "app --db a.db", "--db a.db --json"))
@argument("names", "Sources to read; default: all.", nargs=-1, metavar="[NAMES]")
@option(DATA, "--list", "lists", is_flag=True, help="Show the sources; read nothing.")
@option(DATA, "--forget", metavar="NAME", help="Forget this source; its data stay.")
@option_wait
@option_db
@option_log_format
@option_json
@option_format
@option_quiet
def sync(
    names: tuple[str, ...],
    lists: bool,
    forget: str | None,
    wait: float,
    db_path: Path,
    as_json: bool,
    quiet: bool,
) -> None:
    """Read again the sources that `import table --remember` named.

    Only what is new is read, and what a source no longer has stays. Each source is one
    transaction; where nothing has changed nothing is written. The exit status is 8 if more rows of
    a source are rejected than it may have, or none is kept.
    """
    with connection(db_path, wait_seconds=wait) as conn:
        if forget is not None:
            load_source(conn, forget)
            with transaction(conn):
                remove_source(conn, forget)
        if lists or forget is not None:
            _show_sources(load_sources(conn), as_json=as_json)
            return
        remember_serving_store(conn)
        if not load_sources(conn):
            raise NotFoundError(
                "no source is remembered: import one with `table ... --remember NAME`"
            )
        with progress_bar(remark_console(quiet=quiet or as_json), "KiB") as bar:
            task = bar.add_task("reading sources", total=None)
            found = sync_sources(conn, list(names), lambda n: bar.update(task, completed=n // 1024))
    _show(found, as_json=as_json)


def _show(found: list[Synced], *, as_json: bool) -> None:
    if as_json:
        print_json([asdict(each) for each in found])
        return
    table = plain_table("source", "state", ">rows read", ">new ratings", ">rejected")
    for each in found:
        read = sum(file.read for file in each.files)
        rejected = sum(sum(file.rejected.values()) for file in each.files)
        outcome = "read" if each.changed else "unchanged"
        table.add_row(
            escape(each.name), outcome, f"{read:,}", f"{each.new_ratings:,}", f"{rejected:,}"
        )
    print_table(result_console(), "Sources", table)


def _show_sources(sources: list[RememberedSource], *, as_json: bool) -> None:
    if as_json:
        print_json([asdict(source) for source in sources])
        return
    table = plain_table("source", "lies at", "last read")
    for source in sources:
        table.add_row(escape(source.name), escape(source.location), source.synced_at or "never")
    print_table(result_console(), "Sources", table)
