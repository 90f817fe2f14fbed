"""Command: schedule. Prints the line of cron, or writes the units of systemd, for every night."""

import pwd
import re
import shlex
import sys
from pathlib import Path
from typing import Any

import click

from reeltune.cli.command import Command, option
from reeltune.cli.options import option_db
from reeltune.domain.errors import NotFoundError, StorageError

_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")
_SERVICE = """\
[Unit]
Description=Tune and redeploy {name}

[Service]
Type=oneshot
User={user}
ExecStart={command}
SuccessExitStatus=3
TimeoutStartSec=4h
Nice=10
"""
_TIMER = """\
[Unit]
Description=Tune and redeploy {name} every night

[Timer]
OnCalendar=*-*-* {at}:00
RandomizedDelaySec=10min
Persistent=true

[Install]
WantedBy=timers.target
"""


class TimeOfDay(click.ParamType[str]):
    """Time of day as HH:MM."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the time."""
        if not _TIME.fullmatch(str(value)):
            self.fail(f"must be a time of day like 03:15, got {value!r}", param, ctx)
        return str(value)


@click.command(cls=Command, examples=("", "--at 04:30 --db movies.db", "--systemd units"))
@option(
    "Schedule",
    "--at",
    setting="schedule.at",
    type=TimeOfDay(),
    default="03:15",
    show_default=True,
    metavar="HH:MM",
    help="When a night begins.",
)
@option(
    "Schedule",
    "--systemd",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIRECTORY",
    help="Write a service and a timer there.",
)
@option_db
def schedule(at: str, systemd: Path | None, db_path: Path) -> None:
    """Print the line of cron for a night, or write systemd units.

    Both run `reeltune nightly` for the database, which reads all else from its settings. Cron mails
    the last line of the log if the exit status is not 0.
    """
    database = db_path.resolve()
    if not database.exists():
        raise NotFoundError(f"no database at {str(database)!r}")
    words = [*_program(), "nightly", "--db", str(database)]
    if systemd is None:
        click.echo(crontab_line(at, words, database))
        return
    for path in write_units(systemd, at, words, database):
        click.echo(f"written: {path}")


def crontab_line(at: str, words: list[str], database: Path) -> str:
    """Return the line of crontab; what it prints goes to a log beside the database.

    >>> crontab_line("03:15", ["reeltune", "nightly"], Path("/srv/movies.db"))
    '15 3 * * * reeltune nightly >> /srv/movies.log 2>&1 || tail -n 1 /srv/movies.log'
    """
    hour, minute = map(int, at.split(":"))
    log = shlex.quote(str(database.with_suffix(".log")))
    command = f"{shlex.join(words)} >> {log} 2>&1 || tail -n 1 {log}"
    return f"{minute} {hour} * * * " + command.replace("%", r"\%")


def write_units(directory: Path, at: str, words: list[str], database: Path) -> list[Path]:
    """Write a service and its timer; it runs as the owner of the database.

    Raises:
        StorageError: they cannot be written.
    """
    name = f"reeltune-{re.sub(r'[^A-Za-z0-9_-]', '-', database.stem)}"
    service = _SERVICE.format(
        name=_specifiers(database.name),
        user=pwd.getpwuid(database.stat().st_uid).pw_name,
        command=" ".join(_quoted(word) for word in words),
    )
    timer = _TIMER.format(name=_specifiers(database.name), at=at)
    units = {directory / f"{name}.service": service, directory / f"{name}.timer": timer}
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for path, text in units.items():
            path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise StorageError(f"{str(directory)!r} cannot be written: {error}") from error
    return list(units)


def _program() -> list[str]:
    """Return how this program is called from anywhere."""
    command = Path(sys.executable).with_name("reeltune")
    return [str(command)] if command.is_file() else [sys.executable, "-m", "reeltune"]


def _quoted(word: str) -> str:
    """Return a word of a command line as systemd reads it."""
    escaped = _specifiers(word).replace("\\", "\\\\").replace('"', '\\"').replace("$", "$$")
    return f'"{escaped}"' if re.search(r"""[\s"'\\;]""", word) else escaped


def _specifiers(text: str) -> str:
    return text.replace("%", "%%")
