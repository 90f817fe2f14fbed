"""The command `reeltune`: every command of the project, by name."""

import importlib
from typing import NamedTuple

import click

from reeltune import __version__
from reeltune.cli.exits import Group


class _Entry(NamedTuple):
    """Where a command is defined, and its line in the help, so that help imports none of them."""

    module: str
    function: str
    help: str


COMMANDS = {
    "import": _Entry("imports", "importers", "Fill the database with movies and ratings."),
    "tune": _Entry("tune", "main", "Try configurations, and say which is best."),
    "retrain": _Entry("retrain", "main", "Retrain, gate, and promote."),
    "versions": _Entry("versions", "model_versioning", "Show, promote and roll back versions."),
    "db": _Entry("database", "db", "Back the database up, restore, check and mend it."),
}


class _Commands(Group):
    """A group that imports a command when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names, in the order of a first walk."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command of that name; None if there is none."""
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        module = importlib.import_module(f"reeltune.commands.{entry.module}")
        command: click.Command = getattr(module, entry.function)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the table of commands."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.help) for name, entry in COMMANDS.items()])


@click.command(cls=_Commands)
@click.version_option(__version__, message="reeltune %(version)s")
def main() -> None:
    """Retune and redeploy a recommender on one SQLite file, and prove that it is better."""
