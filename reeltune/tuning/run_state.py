"""Run state: what a tuning run has tried, in memory; answers what its loop asks."""

from bisect import bisect_right
from collections import Counter, deque
from collections.abc import Mapping, Sequence

from reeltune.db.experiments import estimate_of
from reeltune.domain.experiment import BASELINE, FINISHED, Experiment, TuningRun
from reeltune.domain.guardrail_figure import GuardrailFigure
from reeltune.domain.objectives import upwards, value_of
from reeltune.gate.constraints import constraints
from reeltune.search import Trial


class RunState:
    """Experiments of one run, as far as they have come.

    They may finish in any order. An experiment is settled when it and all with lower numbers are
    finished: what is said of the settled ones does not depend on which finished first.
    """

    def __init__(self, run: TuningRun, stored: Sequence[Experiment]) -> None:
        self.run = run
        self.experiments = {e.number: e for e in sorted(stored, key=lambda e: e.number)}
        self.settled = 0  # all experiments below this number are finished, and in the history
        self._leaders: list[Experiment] = []  # of the settled ones, each better than those before
        self._counts = Counter(e.status for e in stored)
        self._waiting = deque(e.number for e in self.experiments.values() if _waits(e))
        self._next_number = 1 + max(self.experiments, default=-1)
        self._trials: list[Trial] = []  # of the settled ones, with their results
        while self._next_is_finished():
            self._lead(self.experiments[self.settled])

    @property
    def best(self) -> Experiment | None:
        """Best of the settled experiments within the guardrails, by its lower bound."""
        return self._leaders[-1] if self._leaders else None

    @property
    def baseline(self) -> Experiment:
        """Experiment that tries the deployed configuration."""
        return self.experiments[BASELINE]

    def count(self, *statuses: str) -> int:
        """Return how many experiments are in one of these statuses."""
        return sum(n for status, n in self._counts.items() if status in statuses)

    def waiting(self) -> list[Experiment]:
        """Return experiments that are stored but not begun, of those the run asks for."""
        wanted = range(self.run.n_configs + 1)
        return [self.experiments[n] for n in self._waiting if n in wanted]

    def next_number(self) -> int | None:
        """Return the number of the next candidate to be proposed; None if there are enough."""
        return self._next_number if self._next_number <= self.run.n_configs else None

    def finished_up_to(self, number: int) -> bool:
        """Return whether all experiments up to and including `number` are finished."""
        return self.settled > number

    def trials(self, up_to: int) -> list[Trial]:
        """Return all experiments as a strategy may see them: with results only `up_to` that number.

        Of a pruned one it sees the estimate.
        """
        known = self._trials[: max(0, up_to + 1)]
        rest = [
            self.experiments[n]
            for n in range(len(known), self._next_number)
            if n in self.experiments
        ]
        return [*known, *(self._trial(e, seen=e.number <= up_to) for e in rest)]

    def _trial(self, experiment: Experiment, *, seen: bool) -> Trial:
        if not seen:
            return Trial(experiment.hyperparameters, None, experiment.number)
        pruned = experiment.status == "pruned"
        value = experiment.objective_value
        if pruned:
            value = experiment.metrics.get(estimate_of(self.run.objective))
        return Trial(
            experiment.hyperparameters,
            None if value is None else self.run.direction.upwards(value),
            experiment.number,
            failed=experiment.status == "failed",
            pruned=pruned,
            values=values_of(experiment, self.run),
            constraints=constraints(experiment.guardrails, self._baseline_guardrails),
        )

    @property
    def _baseline_guardrails(self) -> Mapping[str, GuardrailFigure]:
        baseline = self.experiments.get(BASELINE)
        return {} if baseline is None else baseline.guardrails

    def best_up_to(self, number: int) -> Experiment | None:
        """Return the best completed experiment up to and including `number`, by its lower bound."""
        best = bisect_right(self._leaders, number, key=lambda leader: leader.number)
        return self._leaders[best - 1] if best else None

    def _put(self, experiment: Experiment) -> None:
        """Hold an experiment as it is from now on."""
        before = self.experiments.get(experiment.number)
        if before is not None:
            self._counts[before.status] -= 1
            if _waits(before):
                self._waiting.remove(experiment.number)
        self._counts[experiment.status] += 1
        self.experiments[experiment.number] = experiment
        self._next_number = max(self._next_number, experiment.number + 1)

    def _next_is_finished(self) -> bool:
        following = self.experiments.get(self.settled)
        return following is not None and following.status in FINISHED

    def _lead(self, experiment: Experiment) -> None:
        """Count an experiment, all before which are settled, as settled too."""
        if is_better(experiment, self.best):
            self._leaders.append(experiment)
        self._trials.append(self._trial(experiment, seen=True))
        self.settled += 1


def is_better(experiment: Experiment, best: Experiment | None) -> bool:
    """Return whether an experiment leads from now on: by its lower bound; of equals the earlier.

    One that violates a guardrail never does.
    """
    worth = experiment.worth
    to_beat = None if best is None else best.worth
    is_above = worth is not None and (to_beat is None or worth > to_beat)
    return is_above and experiment.is_feasible


def values_of(experiment: Experiment, run: TuningRun) -> tuple[float, ...]:
    """Return an experiment's values by several objectives, more is better; empty for one."""
    if len(run.objectives) == 1 or experiment.status != "completed":
        return ()
    metrics, seconds = experiment.metrics, experiment.duration_seconds
    found = [value_of(name, metrics, seconds) for name in run.objectives]
    return upwards(run.directions, found)


def _waits(experiment: Experiment) -> bool:
    return experiment.status == "pending"
