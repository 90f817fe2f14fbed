"""Progress display of a running study: a live line on a terminal, plain lines in a log, or none."""

from collections.abc import Callable, Iterable
from time import monotonic
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console, RenderableType
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
)
from rich.text import Text

from reeltune.domain.clock import stamp
from reeltune.domain.experiment import Experiment, TuningRun
from reeltune.domain.shown import figure, gain_figure
from reeltune.domain.study import RATINGS
from reeltune.tracking.event_log import EventLog
from reeltune.tracking.pace import Pace, experiment_label
from reeltune.tracking.plain_text import plain_text

MIN_LOG_SECONDS = 0.25  # the least time between two lines of a log
MAX_SHOWN_ERRORS = 5  # failures printed one by one on a terminal; further ones are counted

Clock = Callable[[], float]


class Watcher(Protocol):
    """Observer of a run's progress, used in a `with` block, for one run after another.

    Experiments already done when a run is resumed are in `n_done` from the start.
    """

    def started(self, run: TuningRun, n_total: int, n_done: int) -> None:
        """Note that a run begins, with `n_done` of `n_total` experiments (and baseline) done."""

    def finished(self, experiment: Experiment, best: Experiment | None, n_done: int) -> None:
        """Note that an experiment is completed, failed or pruned; `best` is the best so far."""

    def ended(self, reason: str) -> None:
        """Note that the run is over, or stops here, for `reason`."""

    def __enter__(self) -> Self:
        """Begin the display."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Restore the terminal, whatever happened."""


def watcher(console: Console, *, quiet: bool) -> Watcher:
    """Return the observer that suits `console`."""
    if quiet or console.quiet:
        return SilentWatcher()
    if isinstance(console.file, EventLog):
        return EventWatcher(console.file)
    return TerminalWatcher(console) if console.is_terminal else LogWatcher(console)


class SilentWatcher:
    """Observer that prints nothing."""

    def started(self, run: TuningRun, n_total: int, n_done: int) -> None:
        """Do nothing."""

    def finished(self, experiment: Experiment, best: Experiment | None, n_done: int) -> None:
        """Do nothing."""

    def ended(self, reason: str) -> None:
        """Do nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        pass


class _Bar(Progress):
    """Bar with lines of text below it, as wide as the terminal at most."""

    below: tuple[str, ...] = ()

    def get_renderables(self) -> Iterable[RenderableType]:
        """Yield the bar, then the lines."""
        yield self.make_tasks_table(self.tasks)
        for line in self.below:
            yield Text(line, style="dim", no_wrap=True, overflow="ellipsis")


class TerminalWatcher:
    """Live line: bar, count, best so far, pace, time left; failures above it.

    Below it the best with the bound of its gain, and what was tried last against the baseline.
    """

    def __init__(self, console: Console, clock: Clock = monotonic) -> None:
        self._console, self._clock = console, clock
        self._pace: Pace | None = None
        self._task: TaskID | None = None
        self._progress = _Bar(
            BarColumn(bar_width=None),
            MofNCompleteColumn(),
            TextColumn("tried"),
            TextColumn("[green]{task.fields[best]}"),
            TextColumn("[red]{task.fields[failed]}"),
            TextColumn("{task.fields[rate]}"),
            TextColumn("{task.fields[left]}"),
            console=console,
            transient=True,
            expand=True,
        )

    def started(self, run: TuningRun, n_total: int, n_done: int) -> None:
        """Show the bar."""
        self._pace = Pace(run, n_total, self._clock(), n_done)
        self._task = self._progress.add_task(
            "", total=n_total, completed=n_done, best="", failed="", rate="", left=""
        )
        self._progress.start()

    def finished(self, experiment: Experiment, best: Experiment | None, n_done: int) -> None:
        """Advance the bar, and print a failure."""
        assert self._pace is not None
        assert self._task is not None
        pace = self._pace
        remark = pace.note(experiment, best, n_done, self._clock())
        if remark is not None:
            self._say(remark)
        if experiment.status == "failed" and pace.n_failed <= MAX_SHOWN_ERRORS:
            self._say(f"[red]experiment {experiment.number} failed:[/] {_error(experiment)}")
        self._progress.below = pace.details(experiment, self._console.encoding)
        self._progress.update(
            self._task,
            completed=n_done,
            best=pace.best_text(),
            failed=pace.failed_text(),
            rate=pace.rate(),
            left=pace.time_left(),
        )

    def ended(self, reason: str) -> None:
        """Remove the bar and print one line."""
        self._stop()
        if self._pace is not None:
            self._say(f"[bold]{escape(_last_words(self._pace, reason, self._clock()))}[/]")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stop()

    def _stop(self) -> None:
        self._progress.stop()
        if self._task is not None:
            self._progress.remove_task(self._task)
            self._task = None

    def _say(self, markup: str) -> None:
        self._console.print(markup, soft_wrap=True, highlight=False)


class LogWatcher(SilentWatcher):
    """Dated plain lines: one at the start and at the end, one per experiment, few a second.

    A new best always has its line; so each line left out is in the count of the next.
    """

    def __init__(self, console: Console, clock: Clock = monotonic) -> None:
        self._console, self._clock = console, clock
        self._pace: Pace | None = None
        self._last = float("-inf")

    def started(self, run: TuningRun, n_total: int, n_done: int) -> None:
        """Print what is tried."""
        self._pace = Pace(run, n_total, self._clock(), n_done)
        self._last = float("-inf")
        before = f", {n_done} done before" if n_done else ""
        what = "model" if run.task == RATINGS else run.task
        self._say(
            f"{run.tuning_run_id}: {n_total} experiments{before}, "
            f"objective {run.objective}{run.direction.note}, {what} {run.model}, seed {run.seed}"
        )

    def finished(self, experiment: Experiment, best: Experiment | None, n_done: int) -> None:
        """Print the experiment, unless the last line was printed just before."""
        assert self._pace is not None
        pace, now = self._pace, self._clock()
        remark = pace.note(experiment, best, n_done, now)
        is_best = best is not None and best.experiment_id == experiment.experiment_id
        if is_best or now - self._last >= MIN_LOG_SECONDS or n_done == pace.n_total:
            self._last = now
            self._say(_log_line(pace, experiment))
        if remark is not None:
            self._say(remark)

    def ended(self, reason: str) -> None:
        """Print the result."""
        if self._pace is not None:
            self._say(_last_words(self._pace, reason, self._clock()))

    def _say(self, line: str) -> None:
        shown = plain_text(line, self._console.encoding)
        self._console.print(f"{stamp()} {shown}", markup=False, highlight=False, soft_wrap=True)


class EventWatcher(SilentWatcher):
    """Events of a run for a log that programs read: its start, every experiment, its end."""

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self._run_id, self._n_total = "", 0

    def started(self, run: TuningRun, n_total: int, n_done: int) -> None:
        """Write what is tried."""
        self._run_id, self._n_total = run.tuning_run_id, n_total
        self._log.emit(
            "run started",
            run=run.tuning_run_id,
            method=run.method,
            objective=run.objective,
            model=run.model,
            seed=run.seed,
            n_done=n_done,
            n_total=n_total,
        )

    def finished(self, experiment: Experiment, best: Experiment | None, n_done: int) -> None:
        """Write the experiment, and the best so far."""
        self._log.emit(
            "experiment",
            run=self._run_id,
            number=experiment.number,
            status=experiment.status,
            value=experiment.objective_value,
            gain=experiment.improvement_from_baseline,
            error=experiment.error,
            seconds=experiment.duration_seconds,
            best_number=None if best is None else best.number,
            best_value=None if best is None else best.objective_value,
            n_done=n_done,
            n_total=self._n_total,
        )

    def ended(self, reason: str) -> None:
        """Write why it ended."""
        self._log.emit("run ended", run=self._run_id, message=reason)


def _log_line(pace: Pace, experiment: Experiment) -> str:
    """Return count, result of the experiment, and the best so far, in columns."""
    width = len(str(pace.n_total))
    value, gain = experiment.objective_value, experiment.improvement_from_baseline
    seconds = experiment.duration_seconds
    found = [
        f"{pace.n_done:>{width}}/{pace.n_total}",
        f"{experiment_label(experiment):>{max(width, len('baseline'))}}",
        f"{experiment.status:<9}",
        figure(value, pace.run.task) if value is not None else " " * 6,
        gain_figure(gain, pace.run.task) if gain is not None else " " * 7,
        f"{seconds:6.2f} s" if seconds is not None else " " * 8,
    ]
    if experiment.status == "failed":
        return "  ".join([*found[:3], " ".join((experiment.error or "").split())])
    return "  ".join([*found, f"{pace.best_text():<30}", f"{pace.rate():>9}"]).rstrip()


def _last_words(pace: Pace, reason: str, now: float) -> str:
    parts = [f"{pace.n_done} of {pace.n_total} experiments", pace.failed_text(), pace.best_text()]
    parts += [f"{now - pace.began:.1f} s", pace.rate()]
    return f"{pace.run.tuning_run_id}: {reason}; " + ", ".join(part for part in parts if part)


def _error(experiment: Experiment) -> str:
    return escape(plain_text(experiment.error or "without a message"))
