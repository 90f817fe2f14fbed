"""Command: tabular. Profiles, tunes and packages models of tables."""

import importlib

import click

from reeltune.cli.command import Group

_MODULES = {
    "profile": "tabular_profile",
    "demo": "tabular_profile",
    "tune": "tabular_tune",
    "predict": "tabular_predict",
    "explain": "tabular_predict",
    "recommend": "tabular_knowledge",
    "knowledge": "tabular_knowledge",
}


class _TableCommands(Group):
    """Group that imports a command when it is called: to predict a row, no tuner is needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names, in the order of a first walk."""
        return list(_MODULES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command of that name; None if there is none."""
        if cmd_name not in _MODULES:
            return None
        module = importlib.import_module(f"reeltune.commands.{_MODULES[cmd_name]}")
        command: click.Command = getattr(module, cmd_name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that the first of `args` names.

        Raises:
            NoSuchCommand: there is none; the message suggests similar names.
        """
        name = args[0]
        if name not in _MODULES and not (name.startswith("-") or ctx.resilient_parsing):
            raise click.NoSuchCommand(name, possibilities=_MODULES, ctx=ctx)
        return super().resolve_command(ctx, args)


@click.group(
    cls=_TableCommands,
    examples=("demo cars", "profile cars.csv", "tune cars.csv --target price_eur --budget 60s"),
)
def tabular() -> None:
    """Tune, package and apply models of tables.

    Of any CSV, Parquet or SQLite: profile a table, find a model of it, predict by it.
    """
