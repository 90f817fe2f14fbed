"""Progress and speed of a running study, and their texts.

Speed leaves out what comes before the first results: loading, and compiling on a machine's first
run. Experiments may be done in batches, whose results come at one moment: speed is counted from
batch to batch.
"""

from dataclasses import dataclass

from reeltune.domain.clock import duration
from reeltune.domain.experiment import BASELINE, Experiment, TuningRun
from reeltune.domain.shown import figure, gain_figure

BATCH_SECONDS = 0.02  # results that come within it are of one batch
MIN_RATE_SECONDS = 0.25  # before that, a rate says nothing


@dataclass(slots=True)
class _Batch:
    """Moment at which results came, and how many experiments were done by then."""

    at: float
    n_done: int


@dataclass(slots=True)
class Pace:
    """Progress and speed of a run."""

    run: TuningRun
    n_total: int
    began: float
    n_done: int = 0
    n_failed: int = 0
    best: Experiment | None = None
    baseline_value: float | None = None  # known from the first experiment that was compared to it
    first: _Batch | None = None
    closed: _Batch | None = None
    latest: _Batch | None = None

    def note(
        self, experiment: Experiment, best: Experiment | None, n_done: int, now: float
    ) -> str | None:
        """Record that an experiment is done; return a remark if the best has a lower value now."""
        before, self.best = self.best, best
        self.n_done = n_done
        self._time(n_done, now)
        self.n_failed += experiment.status == "failed"
        value, gain = experiment.objective_value, experiment.improvement_from_baseline
        if value is not None and gain is not None:
            upwards = self.run.direction.upwards
            self.baseline_value = upwards(upwards(value) - gain)
        return None if before is None or best is None else self._surer(before, best)

    def per_second(self) -> float | None:
        """Return experiments per second since the first results; None while it is not known."""
        # The latest batch may still be coming in, unless it has all that was to be done.
        last = self.latest if self.n_done >= self.n_total else self.closed
        if self.first is None or last is None or last.at - self.first.at < MIN_RATE_SECONDS:
            return None
        return (last.n_done - self.first.n_done) / (last.at - self.first.at)

    def rate(self) -> str:
        """Return the speed per second, or per minute where that reads better; empty at first."""
        found = self.per_second()
        if found is None:
            return ""
        return f"{found:.1f}/s" if found >= 1 else f"{60 * found:.1f}/min"

    def time_left(self) -> str:
        """Return about how long the rest takes; empty at first."""
        found = self.per_second()
        return f"{duration((self.n_total - self.n_done) / found)} left" if found else ""

    def _time(self, n_done: int, now: float) -> None:
        if self.latest is not None and now - self.latest.at < BATCH_SECONDS:
            self.latest.n_done = n_done
            return
        if self.first is None:
            self.first = self.latest
        self.closed, self.latest = self.latest, _Batch(now, n_done)

    def _surer(self, before: Experiment, best: Experiment) -> str | None:
        """Return why the best is another, if its value is worse than that of the one before."""
        if before.objective_value is None or best.objective_value is None:
            return None
        if self.run.direction.gain(best.objective_value, before.objective_value) >= 0:
            return None
        values = [figure(e.objective_value or 0.0, self.run.task) for e in (best, before)]
        return (
            f"best is now {experiment_label(best)}: its value {values[0]} is behind the "
            f"{values[1]} of {experiment_label(before)}, but its 95 % bound is better"
        )

    def best_text(self) -> str:
        """Return the best value so far, its experiment, and its gain over the baseline."""
        if self.best is None or self.best.objective_value is None:
            return "best -"
        value, gain = self.best.objective_value, ""
        if self.baseline_value is not None and self.best.number != BASELINE:
            added = self.run.direction.gain(value, self.baseline_value)
            gain = f" {gain_figure(added, self.run.task)}"
        return f"best {figure(value, self.run.task)}{gain} ({experiment_label(self.best)})"

    def failed_text(self) -> str:
        """Return how many experiments failed; empty if none did."""
        return f"{self.n_failed} failed" if self.n_failed else ""


def experiment_label(experiment: Experiment) -> str:
    """Return the label of an experiment in a line."""
    return "baseline" if experiment.number == BASELINE else f"no. {experiment.number}"
