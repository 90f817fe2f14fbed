"""Progress display of long steps: a bar on a terminal, occasional lines in a log."""

from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)

from reeltune.domain.clock import duration, stamp
from reeltune.domain.progress import Listener, progress_to
from reeltune.tracking.event_log import EventLog

QUIET_SECONDS = 5.0  # a step that ends sooner is not spoken of
STEP_LOG_SECONDS = 10.0  # between two lines of a log


@contextmanager
def steps_shown(console: Console, *, quiet: bool) -> Iterator[None]:
    """Display long steps within the block, in a way that suits `console`."""
    if quiet or console.quiet:
        yield
    elif isinstance(console.file, EventLog):
        with progress_to(StepEvents(console, console.file)):
            yield
    elif console.is_terminal:
        with _bars(console) as bars, progress_to(bars):
            yield
    else:
        with progress_to(Lines(console)):
            yield


class Lines:
    """Dated lines: share done, and time left."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._step = ""
        self._began = self._printed = 0.0

    def __call__(self, step: str, share: float) -> None:
        """Print the share of a step that is done, if it is time for a line."""
        now = monotonic()
        if step != self._step:
            self._step, self._began = step, now
            self._printed = now + QUIET_SECONDS - STEP_LOG_SECONDS
        if share < 1 and share > 0 and now - self._printed >= STEP_LOG_SECONDS:
            self._printed = now
            self._say(step, share, (now - self._began) * (1 - share) / share)

    def _say(self, step: str, share: float, seconds_left: float) -> None:
        self._console.print(
            f"{stamp()} {step}: {share:.0%}, {duration(seconds_left)} left",
            markup=False,
            highlight=False,
        )


class StepEvents(Lines):
    """Events with the same, for a log that programs read."""

    def __init__(self, console: Console, log: EventLog) -> None:
        super().__init__(console)
        self._log = log

    def _say(self, step: str, share: float, seconds_left: float) -> None:
        self._log.emit("progress", step=step, share=share, seconds_left=seconds_left)


class Bars:
    """Progress bar for each long step."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._step = ""
        self._task: TaskID | None = None
        self._began = 0.0

    def __call__(self, step: str, share: float) -> None:
        """Show the share of a step that is done."""
        if step != self._step:
            self._leave()
            self._step, self._began = step, monotonic()
        if self._task is None and share < 1 and monotonic() - self._began >= QUIET_SECONDS:
            self._task = self._progress.add_task(step, total=1.0)
            self._progress.start()
        if self._task is not None:
            self._progress.update(self._task, completed=share)
        if share >= 1:
            self._leave()

    def _leave(self) -> None:
        if self._task is not None:
            self._progress.remove_task(self._task)
            self._progress.stop()
        self._task, self._step = None, ""


@contextmanager
def _bars(console: Console) -> Iterator[Listener]:
    progress = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(compact=True),
        TextColumn("left"),
        console=console,
        transient=True,
    )
    try:
        yield Bars(progress)
    finally:
        progress.stop()
