"""Progress and speed of a running study, and their texts.

Speed leaves out what comes before the first results: loading, and compiling on a machine's first
run. Experiments may be done in batches, whose results come at one moment: speed is counted from
batch to batch.
"""

from dataclasses import dataclass, field

from reeltune.domain.clock import duration
from reeltune.domain.experiment import BASELINE, Experiment, TuningRun
from reeltune.domain.shown import figure, gain_figure
from reeltune.domain.space import Configuration, Value
from reeltune.tracking.plain_text import plain_text

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
    baseline: Configuration = field(default_factory=dict)  # what the run began from, once known
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

    def details(self, experiment: Experiment, encoding: str = "utf-8") -> tuple[str, ...]:
        """Return lines on the best, with the bound of its gain, and on what was tried last."""
        if experiment.number == BASELINE:
            self.baseline = experiment.hyperparameters
        lines = [self._best_line(), self._last_line(experiment)]
        return tuple(plain_text(line, encoding) for line in lines if line)

    def _best_line(self) -> str:
        best = self.best
        if best is None or best.objective_value is None or best.lower_bound is None:
            return ""
        task, at_least = self.run.task, self.run.direction.at_least
        found = f"best {experiment_label(best)}: {figure(best.objective_value, task)}"
        if best.number == BASELINE:
            return found
        bound = f"{found}, 95 % surely {at_least} {figure(best.lower_bound, task)}"
        if self.baseline_value is None:
            return bound
        before = figure(self.baseline_value, task)
        gain = self.run.direction.gain(best.lower_bound, self.baseline_value)
        return f"{bound} ({gain_figure(gain, task)} on the {before} of the baseline)"

    def _last_line(self, experiment: Experiment) -> str:
        value = experiment.objective_value
        found = experiment.status if value is None else figure(value, self.run.task)
        line = f"last {experiment_label(experiment)}: {found}"
        before = self.baseline
        changed = sorted(
            (name for name, now in experiment.hyperparameters.items() if now != before.get(name)),
            key=lambda name: -_relative(experiment.hyperparameters[name], before.get(name)),
        )
        if not before or not changed:
            return line
        parts = [
            f"{name} {_short(experiment.hyperparameters[name])} ({_short(before.get(name))})"
            for name in changed
        ]
        return f"{line}  {', '.join(parts)}"

    def failed_text(self) -> str:
        """Return how many experiments failed; empty if none did."""
        return f"{self.n_failed} failed" if self.n_failed else ""


def _relative(now: Value, before: Value | None) -> float:
    """Return by how much a value differs, as a share of the larger of the two."""
    if isinstance(now, int | float) and isinstance(before, int | float):
        return abs(now - before) / max(abs(now), abs(before), 1e-12)
    return 1.0


def _short(value: Value | None) -> str:
    if isinstance(value, float):
        return f"{value:.3g}"
    return "-" if value is None else str(value)


def experiment_label(experiment: Experiment) -> str:
    """Return the label of an experiment in a line."""
    return "baseline" if experiment.number == BASELINE else f"no. {experiment.number}"
