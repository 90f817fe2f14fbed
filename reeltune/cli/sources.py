"""Sources of options' values: the command line, the environment, the settings file, the default."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource
from rich.markup import escape

from reeltune.cli.console import print_json, result_console
from reeltune.cli.settings import SettingsFile, read_settings
from reeltune.cli.tables import plain_table, print_table
from reeltune.domain.errors import InputError

LOG_FORMAT = "reeltune.log_format"  # where a context keeps what no command is given
_FILE = "reeltune.settings_file"
_EXPLAIN = "explain_settings"
_WORDS = {
    ParameterSource.COMMANDLINE: "command line",
    ParameterSource.PROMPT: "command line",
    ParameterSource.DEFAULT: "default",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SourcedValue:
    """Value of an option, and where it came from."""

    option: str
    value: str
    source: str
    setting: str | None  # the key that sets it in the settings file


def setting_of(parameter: click.Parameter) -> str | None:
    """Return the key of the settings file that sets an option; None if none does."""
    key: str | None = getattr(parameter, "setting", None)
    return key


def explaining_option() -> click.Option:
    """Return `--explain-settings`, of every command with options that the settings file sets."""
    return click.Option(
        ["--explain-settings"],
        is_flag=True,
        expose_value=False,
        help="Show where each value is from.",
    )


def use_settings(command: click.Command, ctx: click.Context, args: Sequence[str]) -> None:
    """Let the settings file of the database say what options default to.

    Raises:
        InputError: the file is wrong, or has a value that an option does not take.
    """
    by_key = {key: each for each in command.params if (key := setting_of(each)) is not None}
    if not by_key or ctx.resilient_parsing:
        return
    database = _database(command, ctx, args)
    found = None if database is None else read_settings(database)
    if found is not None:
        ctx.meta[_FILE] = found
        ctx.default_map = dict(_converted(ctx, found, by_key))


def explains(ctx: click.Context) -> bool:
    """Return whether `--explain-settings` was given."""
    return ctx.get_parameter_source(_EXPLAIN) is ParameterSource.COMMANDLINE


def explain(ctx: click.Context) -> None:
    """Print the value of each option and where it came from."""
    found = list(_sourced(ctx))
    if ctx.params.get("as_json"):
        print_json([asdict(each) for each in found])
        return
    table = plain_table("!option", "value", "from")
    for each in found:
        table.add_row(each.option, escape(each.value), each.source)
    print_table(result_console(), "", table)


def _database(command: click.Command, ctx: click.Context, args: Sequence[str]) -> Path | None:
    """Return the database that a command is called for; None where it is another's, or for help."""
    try:
        given, rest, _ = command.make_parser(ctx).parse_args(list(args))
    except click.UsageError:  # which is told when the command parses
        return None
    if (rest and isinstance(command, click.Group)) or given.keys() & _only_shown(command, ctx):
        return None
    option = next((each for each in command.params if each.name == "db_path"), None)
    if option is None:
        return None
    value = given.get("db_path") or option.value_from_envvar(ctx) or option.get_default(ctx)
    return Path(str(value))


def _only_shown(command: click.Command, ctx: click.Context) -> set[str]:
    """Return the names of the flags that show something and end the command: help, version."""
    every = command.get_params(ctx)
    flags = [each for each in every if isinstance(each, click.Option) and each.is_flag]
    return {each.name or "" for each in flags if each.is_eager and not each.expose_value}


def _converted(
    ctx: click.Context, found: SettingsFile, by_key: Mapping[str, click.Parameter]
) -> Iterator[tuple[str, Any]]:
    for key in found.values.keys() & by_key.keys():
        parameter = by_key[key]
        try:
            yield parameter.name or "", parameter.type_cast_value(ctx, found.values[key])
        except click.BadParameter as error:
            text = error.message[:1].lower() + error.message[1:].rstrip(".")
            raise InputError(f"{found.place(key)}: {key}: {text}") from error


def _sourced(ctx: click.Context) -> Iterator[SourcedValue]:
    values = ctx.params | {"log_format": ctx.meta.get(LOG_FORMAT)}
    for parameter in ctx.command.params:
        if isinstance(parameter, click.Option) and parameter.name in values:
            value = values[parameter.name]
            turned = parameter.is_flag and parameter.flag_value is False  # as of --no-warm-start
            yield SourcedValue(
                option=max(parameter.opts, key=len),
                value=_shown(not value if turned else value),
                source=_source(ctx, parameter),
                setting=setting_of(parameter),
            )


def _source(ctx: click.Context, parameter: click.Option) -> str:
    source, key = ctx.get_parameter_source(parameter.name or ""), setting_of(parameter)
    if source is ParameterSource.DEFAULT_MAP and key is not None:
        file: SettingsFile = ctx.meta[_FILE]
        return file.place(key)
    if source is ParameterSource.ENVIRONMENT:
        return f"environment, {parameter.envvar}"
    return "default" if source is None else _WORDS[source]


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return ",".join(map(str, value)) or "-"
    return "-" if value is None else str(value)
