"""Command of a script that is for use from Python: it shows what the script is for."""

import click

from reeltune.cli.command import Command
from reeltune.cli.options import option_version


def library_command(text: str) -> click.Command:
    """Return a command that prints `text`, the docstring of a script."""

    @click.command(cls=Command, help=text)
    @option_version
    def show() -> None:
        click.echo(text.strip())

    return show
