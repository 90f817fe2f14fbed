"""What happens after a run: how it ended is recorded for `status`, and told to a user's command."""

import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import click

from cli.exits import EXIT_ERROR, EXIT_INTERRUPTED, exit_code
from db.connection import connection, transaction
from db.upkeep import CommandRun, save_command_run
from domain.clock import stamp
from domain.errors import BusyError, InterruptedRunError, ReelTuneError

NOTIFY_SECONDS = 30.0

option_notify: Callable[[Callable[..., Any]], Callable[..., Any]] = click.option(
    "--notify",
    metavar="COMMAND",
    help="Run this afterwards, with how it ended as JSON on its standard input.",
)


@contextmanager
def reported(
    database: Path, command: str, notify: str | None, *, records: bool = True
) -> Iterator[dict[str, Any]]:
    """However the `with` block ends is recorded, and told to the command `notify`.

    What the block puts into the dictionary it is given is told as the result. With `records` false
    it is only told. Neither a record
    nor a notification that fails changes how the block ends.
    """
    told: dict[str, Any] = {}
    began = stamp()
    ended = partial(_ended, database, command, notify, began, told)
    try:
        yield told
    except BusyError as error:  # another run holds the database, and will record how it ends
        ended(exit_code(error), str(error), records=False)
        raise
    except ReelTuneError as error:
        finished = not isinstance(error, InterruptedRunError)
        ended(exit_code(error), str(error), records=records and finished)
        raise
    except KeyboardInterrupt:
        ended(EXIT_INTERRUPTED, "interrupted", records=False)
        raise
    except Exception as error:
        ended(EXIT_ERROR, f"{type(error).__name__}: {error}", records=records)
        raise
    else:
        ended(0, "done", records=records)


def _ended(
    database: Path,
    command: str,
    notify: str | None,
    began: str,
    told: dict[str, Any],
    code: int,
    said: str,
    *,
    records: bool,
) -> None:
    run = CommandRun(
        command=command,
        started_at=began,
        ended_at=stamp(),
        exit_code=code,
        said=" ".join(said.split())[:500],
    )
    if records:
        with suppress(ReelTuneError), connection(database) as conn, transaction(conn):
            save_command_run(conn, run)
    if notify is not None:
        message = {
            "command": run.command,
            "database": str(database.absolute()),
            "started_at": run.started_at,
            "ended_at": run.ended_at,
            "exit_code": run.exit_code,
            "said": run.said,
            "result": told or None,
        }
        notify_user(notify, message)


def notify_user(command: str, message: dict[str, Any], seconds: float = NOTIFY_SECONDS) -> None:
    """Run a user's shell command with `message` as JSON on its standard input, for so long at most.

    What it prints goes to standard error; that it fails or hangs is told there, and no more.
    """
    text = json.dumps(message, ensure_ascii=True, default=str) + "\n"
    try:
        process = subprocess.Popen(  # noqa: S602 it is the user's own command line, as in cron
            command,
            shell=True,
            stdin=subprocess.PIPE,
            stdout=2,  # standard output is the command's own result
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        click.echo(f"note: --notify could not be run: {error}", err=True)
        return
    try:
        process.communicate(text.encode(), timeout=seconds)
    except subprocess.TimeoutExpired:
        with suppress(OSError):
            os.killpg(process.pid, signal.SIGKILL)
        with suppress(OSError):
            assert process.stdin is not None
            process.stdin.close()
        process.wait()
        click.echo(f"note: --notify took longer than {seconds:g} s and was stopped", err=True)
    if process.returncode > 0:
        click.echo(f"note: --notify ended with exit code {process.returncode}", err=True)
