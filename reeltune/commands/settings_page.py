"""Page of all settings, and the commented settings file that `reeltune init` writes.

Both are made of `SETTINGS` and of the options that name its keys. `python -m
reeltune.commands.settings_page docs/SETTINGS.md` writes the page.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import groupby
from pathlib import Path
from textwrap import wrap
from typing import Any

import click

from reeltune.cli.command import Command
from reeltune.cli.settings import SETTINGS, Setting
from reeltune.cli.sources import setting_of
from reeltune.commands.main import main as reeltune
from reeltune.domain.errors import InputError

_HEAD = """\
# Settings of {name}: what its commands take where an option is not given.
# Remove the # before a line to set it. `reeltune nightly --explain-settings`
# shows what holds, and why. docs/SETTINGS.md has every key.
"""
_PAGE = """\
# Settings

`movies.toml` beside `movies.db` says what the commands for that database take where an option is
not given; `real.db` has `real.toml`. `reeltune init` writes one in which every key is explained
and none is set. Take away the `#` before what you want to set.

```console
$ reeltune init
$ reeltune nightly --explain-settings
```

An option on the command line wins, then the environment (`REELTUNE_DB`), then this file, then the
default. `--explain-settings`, of every command that reads the file, says of each option where its
value came from, and does nothing else. A key that there is not, or a value of another type, ends
such a command with one line and exit status 1. Relative paths are relative to the file. Functions
called from Python read no settings.

Where something else says something too:

- A remembered source (`import table --remember`) keeps its own mapping and its own
  `--max-rejected`, in the database; `import.sync` only says whether `nightly` reads such sources.
- A sweep (`tune --config`) says all in its file; only `search.jobs`, where it names none,
  `gate.finalists`, `run.wait` and `run.notify` count for it.
- A plain `retrain`, and the renewal of a night, are of the model in production; `study.model` is
  the one that is tuned.
- Of several objectives `retrain` takes the first.
- `tune` does what is asked for on the command line; without that, `search.method` lets it tune.

| key | option | values | default | what it is |
|---|---|---|---|---|
{rows}
"""


@click.command(cls=Command)
@click.argument("path", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--check", "checks", is_flag=True, help="Write nothing; exit with 1 if it differs.")
def main(path: Path, checks: bool) -> None:
    """Write the page of all settings to PATH."""
    page = settings_page().encode()
    if not checks:
        path.write_bytes(page)
    elif not path.is_file() or path.read_bytes() != page:
        raise InputError(
            f"{str(path)!r} does not say what reeltune/cli/settings.py and the options declare:"
            f" write it anew with `python -m reeltune.commands.settings_page {path}`"
        )


def settings_page() -> str:
    """Return the page of all settings."""
    found = options_by_key()
    return _PAGE.format(rows="\n".join(_row(SETTINGS[key], found[key][0]) for key in SETTINGS))


def settings_text(name: str) -> str:
    """Return a settings file for a database of that name, every key commented out."""
    found, parts = options_by_key(), [_HEAD.format(name=name)]
    for section, settings in groupby(SETTINGS.values(), lambda each: each.key.partition(".")[0]):
        lines = [line for each in settings for line in _lines(each, found[each.key][0])]
        parts.append("\n".join([f"[{section}]", *lines, ""]))
    return "\n".join(parts)


def options_by_key() -> Mapping[str, list[click.Option]]:
    """Return the options of all commands that a key sets, the one with a default first."""
    found: dict[str, list[click.Option]] = defaultdict(list)
    for command in commands(reeltune):
        for parameter in command.params:
            key = setting_of(parameter)
            if isinstance(parameter, click.Option) and key is not None:
                found[key].append(parameter)
    return {key: sorted(each, key=_has_no_default) for key, each in found.items()}


def commands(group: click.Group) -> Iterator[click.Command]:
    """Yield all commands of a group, and of the groups in it."""
    ctx = click.Context(group)
    for name in group.list_commands(ctx):
        command = group.get_command(ctx, name)
        assert command is not None
        yield command
        if isinstance(command, click.Group):
            yield from commands(command)


def _lines(setting: Setting, option: click.Option) -> Iterator[str]:
    allowed = f": {_allowed(option)}" if isinstance(option.type, click.Choice) else ""
    for line in wrap(f"{setting.about}{allowed}", 77, break_on_hyphens=False):
        yield f"# {line}"
    default = _default(option)
    value = setting.example if default is None else default
    yield f"#{setting.key.partition('.')[2]} = {_toml(value)}"


def _row(setting: Setting, option: click.Option) -> str:
    default = _default(option)
    cells = (
        f"`{setting.key}`",
        f"`{max(option.opts, key=len)}`",
        _allowed(option),
        "" if default is None else f"`{_toml(default)}`",
        setting.about,
    )
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _allowed(option: click.Option) -> str:
    """Return which values an option takes; nothing of text and where any number will do."""
    kind: Mapping[str, Any] = dict(option.type.to_info_dict())
    if "choices" in kind:
        return ", ".join(map(str, kind["choices"]))
    low, high = kind.get("min"), kind.get("max")
    if low is None:
        return ""
    if high is None:
        return f"above {low:g}" if kind["min_open"] else f"{low:g} or more"
    return f"{low:g} to {high:g}"


def _default(option: click.Option) -> object:
    """Return what holds without file and command line; None where that depends on more."""
    found: object = option.to_info_dict()["default"]
    return None if callable(found) else found


def _has_no_default(option: click.Option) -> bool:
    return _default(option) is None


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f'"{value}"' if isinstance(value, str) else str(value)


if __name__ == "__main__":
    main(prog_name="python -m reeltune.commands.settings_page")
