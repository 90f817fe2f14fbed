"""Notification: runs a user's command with how something ended, as JSON on its standard input."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import click

from reeltune.cli.exits import EXIT_ERROR, exit_code
from reeltune.domain.clock import stamp
from reeltune.domain.errors import ReelTuneError

NOTIFY_SECONDS = 30.0


def message(
    command: str, database: Path, began: str, code: int, reason: str, result: dict[str, Any]
) -> dict[str, Any]:
    """Return what a user's command gets about a command that has just ended."""
    return {
        "command": command,
        "database": str(database.absolute()),
        "started_at": began,
        "ended_at": stamp(),
        "exit_code": code,
        "said": " ".join(reason.split())[:500],
        "result": result or None,
    }


@contextmanager
def notified_on_failure(
    command: str, database: Path, notify: str | None
) -> Iterator[dict[str, Any]]:
    """Run the user's command `notify` if the block ends with an exit status that is not 0.

    What the block puts into the dictionary it is given is sent as the result; its `said`, if it
    has one, as the reason.
    """
    result: dict[str, Any] = {}
    began, code, reason = stamp(), 0, ""
    try:
        yield result
    except SystemExit as end:
        code, reason = end.code if isinstance(end.code, int) else 0, str(result.get("said", ""))
        raise
    except ReelTuneError as error:
        code, reason = exit_code(error), str(error)
        raise
    except Exception as error:
        code, reason = EXIT_ERROR, f"{type(error).__name__}: {error}"
        raise
    finally:
        if notify is not None and code != 0:
            notify_user(notify, message(command, database, began, code, reason, result))


def notify_user(command: str, facts: dict[str, Any], seconds: float = NOTIFY_SECONDS) -> None:
    """Run a user's shell command with `facts` as JSON on its standard input, `seconds` at most.

    What it prints goes to standard error. If it fails or hangs, a note says so there.
    """
    text = json.dumps(facts, ensure_ascii=True, default=str) + "\n"
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
        click.echo(f"note: --notify ended with exit status {process.returncode}", err=True)
