"""Writes db/schema.sql, all that a database declares, from a freshly made one."""

from pathlib import Path
from tempfile import TemporaryDirectory

import click

from reeltune.cli.command import Command
from reeltune.db.connection import connection, newest_schema
from reeltune.db.schema import load_schema
from reeltune.domain.errors import InputError

_INTRODUCTION = """\
-- All tables, indices and triggers of a database with schema {number}, to be read. This file is
-- generated: `python -m reeltune.reports.schema_page db/schema.sql`. What each column means is in
-- README.md beside it; what makes a database are the migrations in reeltune/db/migrations.
"""


def schema_page() -> str:
    """Return the page, in SQL."""
    with (
        TemporaryDirectory() as folder,
        connection(Path(folder) / "movies.db", create=True) as conn,
    ):
        statements = load_schema(conn)
    page = _INTRODUCTION.format(number=newest_schema())
    for statement in statements:
        gap = "\n" if statement.startswith("CREATE TABLE") else ""
        page += f"{gap}{statement};\n"
    return page


@click.command(cls=Command)
@click.argument("path", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--check", "checks", is_flag=True, help="Write nothing; leave with 1 if it differs.")
def main(path: Path, checks: bool) -> None:
    """Write all that a database declares to PATH."""
    page = schema_page().encode()
    if not checks:
        path.write_bytes(page)
    elif not path.is_file() or path.read_bytes() != page:
        raise InputError(
            f"{str(path)!r} does not say what the migrations in reeltune/db/migrations make:"
            f" write it anew with `python -m reeltune.reports.schema_page {path}`"
        )


if __name__ == "__main__":
    main(prog_name="python -m reeltune.reports.schema_page")
