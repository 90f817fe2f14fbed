"""Command of a script that is for use from Python: it shows what the script is for."""

import click

from reeltune.cli.command import MAX_WIDTH, Command
from reeltune.cli.options import option_version


def library_command(text: str) -> click.Command:
    """Return a command that prints `text`, the docstring of a script, to fit 80 columns."""

    @click.command(cls=Command, help=text)
    @option_version
    def show() -> None:
        click.echo(click.wrap_text(text.strip(), MAX_WIDTH, preserve_paragraphs=True))

    return show
