"""Command log: how a command ended is recorded for `status`, and sent to a user's command."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

from reeltune.cli.exits import EXIT_ERROR, EXIT_INTERRUPTED, exit_code
from reeltune.cli.notify import message, notify_user
from reeltune.db.command_runs import CommandRun, save_command_run
from reeltune.db.connection import connection, transaction
from reeltune.domain.clock import stamp
from reeltune.domain.errors import BusyError, InterruptedRunError, ReelTuneError


@contextmanager
def logged(
    database: Path, command: str, notify: str | None, *, records: bool = True
) -> Iterator[dict[str, Any]]:
    """Record however the `with` block ends, and send it to the command `notify`.

    What the block puts into the dictionary it is given is sent as the result. With `records` false
    it is only sent. Neither a record nor a notification that fails changes how the block ends.
    """
    result: dict[str, Any] = {}
    ended = partial(_ended, database, command, notify, stamp(), result)
    try:
        yield result
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
        ended(0, str((result.get("night") or {}).get("line", "done")), records=records)


def _ended(
    database: Path,
    command: str,
    notify: str | None,
    began: str,
    result: dict[str, Any],
    code: int,
    reason: str,
    *,
    records: bool,
) -> None:
    run = CommandRun(
        command=command,
        started_at=began,
        ended_at=stamp(),
        exit_code=code,
        said=" ".join(reason.split())[:500],
    )
    if records:
        with suppress(ReelTuneError), connection(database) as conn, transaction(conn):
            save_command_run(conn, run)
    if notify is not None:
        notify_user(notify, message(command, database, began, code, reason, result))
