"""Progress and speed of a running study, and their texts."""

from dataclasses import dataclass

from reeltune.domain.experiment import BASELINE, Experiment, TuningRun
from reeltune.domain.shown import figure, gain_figure

MIN_RATE_SECONDS = 0.25  # before that, a rate says nothing


@dataclass(slots=True)
class Pace:
    """Progress and speed of a run."""

    run: TuningRun
    n_total: int
    n_before: int  # done before the display began
    began: float
    n_done: int = 0
    n_failed: int = 0
    best: Experiment | None = None
    baseline_value: float | None = None  # known from the first experiment that was compared to it

    def note(self, experiment: Experiment, best: Experiment | None, n_done: int) -> None:
        """Record that an experiment is done."""
        self.n_done, self.best = n_done, best
        self.n_failed += experiment.status == "failed"
        value, gain = experiment.objective_value, experiment.improvement_from_baseline
        if value is not None and gain is not None:
            upwards = self.run.direction.upwards
            self.baseline_value = upwards(upwards(value) - gain)

    def rate(self, now: float) -> str:
        """Return experiments per second, or per minute where that reads better; empty at first."""
        seconds, n = now - self.began, self.n_done - self.n_before
        if n <= 0 or seconds < MIN_RATE_SECONDS:
            return ""
        return f"{n / seconds:.1f}/s" if n >= seconds else f"{60 * n / seconds:.1f}/min"

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
