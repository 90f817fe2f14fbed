"""Command: versions export. Writes a version's model to files that need no database."""

from pathlib import Path

import click

from reeltune.cli.command import Command, option
from reeltune.cli.console import print_json
from reeltune.cli.options import argument, option_db, option_json, option_quiet
from reeltune.db.connection import connection


@click.command("export", cls=Command, examples=("", "2 --format zip", "2 --to taste --json"))
@argument(
    "version",
    "Number of the version.  [default: the one in production]",
    type=click.IntRange(1, 2**63 - 1),
    required=False,
)
@option(
    "Version",
    "--format",
    "kind",
    type=click.Choice(["dir", "zip", "onnx"]),
    default="dir",
    show_default=True,
    help="Directory, zip of the same, or ONNX.",
)
@option(
    "Version",
    "--to",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="Where to.  [default: version-N]",
)
@option_db
@option_json
@option_quiet
def export_command(
    version: int | None, kind: str, to: Path | None, db_path: Path, as_json: bool, quiet: bool
) -> None:
    """Write a model to files that can be scored with without a database.

    They hold the ids of the users and what was learned of them: an erasure does not reach them.
    """
    from reeltune.versioning.export import FORMATS, export_version  # here: it needs models

    (wanted,) = (each for each in FORMATS if each == kind)
    with connection(db_path) as conn:
        path = export_version(conn, version, wanted, to)
    if as_json:
        print_json({"path": str(path), "format": kind})
    elif not quiet:
        click.echo(f"written to {path}")
