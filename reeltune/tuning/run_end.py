"""End of a run: recorded in any case, however the work on it ends."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from reeltune.db.connection import Connection, busy_seconds
from reeltune.db.dead_runs import close_run
from reeltune.db.experiments import count_by_status
from reeltune.db.versions import database_path
from reeltune.domain.errors import BusyError, InterruptedRunError
from reeltune.domain.experiment import RunStatus, TuningRun
from reeltune.tuning.stopping import OutOfTimeError, Stop
from reeltune.views.next_step import resume_line


@dataclass
class RunEnd:
    """Status and reason with which the work on a run ends; at first, an error."""

    status: RunStatus = "interrupted"
    stop: Stop = field(default_factory=lambda: Stop("error", "stopped by an error"))


@contextmanager
def recorded_end(conn: Connection, run: TuningRun, seconds: float | None) -> Iterator[RunEnd]:
    """Record how the block ends, as it says itself or by what interrupts it.

    When the `seconds` are up, the run is completed. Only where another program keeps the database
    locked can the end not be recorded; the run can be resumed all the same.

    Raises:
        BusyError: the database is locked; it says how to go on.
        InterruptedRunError: on KeyboardInterrupt; it says how to go on.
    """
    patience = busy_seconds(conn)
    line = resume_line(run.tuning_run_id, database_path(conn))
    try:
        with _recorded(conn, run, seconds, line) as end:
            yield end
    except BusyError as error:
        raise BusyError(f"{error}; then resume it with: {line}") from error
    finally:
        conn.set_busy_timeout(patience)


@contextmanager
def _recorded(
    conn: Connection, run: TuningRun, seconds: float | None, line: str
) -> Iterator[RunEnd]:
    end = RunEnd()
    try:
        yield end
    except OutOfTimeError:
        end.status = "completed"
        end.stop = Stop("timeout", f"the time limit was reached after {seconds:.3g} s")
    except BusyError:
        conn.set_busy_timeout(0)  # it was waited for
        raise
    except KeyboardInterrupt:
        end.stop = Stop("interrupted", "interrupted")
        n_done = count_by_status(conn, run.tuning_run_id).get("completed", 0)
        raise InterruptedRunError(
            f"run {run.tuning_run_id} is interrupted after {n_done} of "
            f"{run.n_configs + 1} experiments; resume it with: {line}"
        ) from None
    finally:
        close_run(conn, run.tuning_run_id, end.status, end.stop.message)
