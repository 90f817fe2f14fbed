"""Loop of a tuning run: propose, try, record, until enough were tried."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from reeltune.domain.experiment import (
    BASELINE,
    FINISHED,
    Experiment,
    Measurement,
    Pruned,
    RunStatus,
)
from reeltune.domain.space import Configuration
from reeltune.executors import Executor, TaskOutcome
from reeltune.search import Trial
from reeltune.tracking.progress import Watcher
from reeltune.tuning.ledger import Ledger
from reeltune.tuning.plan import Plan
from reeltune.tuning.proposer import Proposer, new_experiment, strategy_of
from reeltune.tuning.pruning_rules import PRUNERS, EvaluationRequest
from reeltune.tuning.stopping import Stop
from reeltune.tuning.stopping_monitor import StoppingMonitor

GIVE_UP_AFTER = 5  # failures with no success before them
MAX_ATTEMPTS = 3  # at an experiment whose worker dies, as by a system short of memory


@dataclass(frozen=True)
class Loop:
    """Loop that tries the experiments of one run, as many at once as the executor takes.

    Experiment n is proposed from the results up to n - `asynchronous_delay` and from nothing else,
    however many have finished by then: so any number of jobs, and a resumed run, propose the same.
    A rule that ends the run after experiment n lets those up to n + `asynchronous_delay` - 1 go on,
    for the same reason.
    """

    ledger: Ledger
    plan: Plan
    tuner: Proposer
    earlier: Sequence[Trial]  # comparable results of other runs
    executor: Executor[Configuration | EvaluationRequest, Measurement | Pruned]
    watcher: Watcher

    @cached_property
    def stopping_monitor(self) -> StoppingMonitor:
        """Rules that may end the run."""
        return StoppingMonitor(self.plan.stop, self.ledger)

    @cached_property
    def _held_earlier(self) -> Sequence[Trial]:
        """Earlier results with their constraints, once the baseline is known."""
        figures = self.ledger.baseline.guardrails
        return self.tuner.earlier_trials(self.ledger.run, figures) if figures else self.earlier

    def run(self) -> tuple[RunStatus, Stop]:
        """Try what is left to try; return how that ended, and why."""
        while True:
            exhausted = self._fill()
            if not self.ledger.count("running"):
                break
            self._record(self.executor.finished())
            if self.ledger.settled >= GIVE_UP_AFTER and not self.ledger.count("completed"):
                return "failed", self._failures(f"the first {GIVE_UP_AFTER} experiments all failed")
        if not self.ledger.count("completed"):
            return "failed", self._failures("all experiments failed")
        stop = self.stopping_monitor.stop(self.ledger.settled)
        if stop is not None:
            return "completed", stop
        if exhausted:
            return "completed", Stop("exhausted", "everything that can be proposed was tried")
        return "completed", Stop("configs", f"all {self.plan.n_configs} configurations tried")

    def _failures(self, fact: str) -> Stop:
        errors = (e.error for _, e in sorted(self.ledger.experiments.items()) if e.error)
        return Stop("failures", f"{fact}, the first with: {next(errors, 'no reason')}")

    def _fill(self) -> bool:
        """Begin experiments while there is room; True if the strategy has nothing left."""
        waiting = deque(self.ledger.waiting())
        room = self.executor.capacity - self.ledger.count("running")
        taken: list[Experiment] = []
        is_exhausted = False
        while len(taken) < room:
            number = waiting[0].number if waiting else self._number_after(taken)
            if number is None or not self._may_begin(number, stored=bool(waiting)):
                break
            experiment = waiting.popleft() if waiting else self._propose(number, taken)
            if experiment is None:
                is_exhausted = True
                break
            taken.append(experiment)
        self._begin(taken)
        return is_exhausted

    def _number_after(self, taken: Sequence[Experiment]) -> int | None:
        """Return the number of the next candidate after those `taken`; None if enough."""
        following = self.ledger.next_number()
        new = [e.number for e in taken if following is not None and e.number >= following]
        number = max(new) + 1 if new else following
        return number if number is not None and number <= self.ledger.run.n_configs else None

    def _begin(self, experiments: Sequence[Experiment]) -> None:
        if experiments:
            self.ledger.begin(experiments)
        for experiment in experiments:
            self.executor.submit(experiment.number, self._task(experiment))

    def _task(self, experiment: Experiment) -> EvaluationRequest | dict[str, Any]:
        """Return what a worker is given: the same with any number of jobs and in a resumed run."""
        configuration = dict(experiment.hyperparameters)
        if self.plan.pruner is None:
            return configuration
        visible = experiment.number - self.plan.asynchronous_delay
        return PRUNERS[self.plan.pruner](self.ledger, configuration, visible)

    @property
    def is_adaptive(self) -> bool:
        """True if proposals depend on results."""
        return strategy_of(self.ledger.run).is_adaptive

    def _may_begin(self, number: int, *, stored: bool) -> bool:
        """Return whether all has finished that it depends on, and no rule ends the run there."""
        visible = number - self.plan.asynchronous_delay
        compares = self.plan.stop.needs_results or self.plan.pruner is not None
        waits = compares or (self.is_adaptive and not stored)
        if waits and not self.ledger.finished_up_to(visible):
            return False
        return self.stopping_monitor.stop(visible) is None

    def _propose(self, number: int, taken: Sequence[Experiment]) -> Experiment | None:
        """Return the candidate for `number` after those `taken`, whatever has finished by now."""
        run, ledger = self.ledger.run, self.ledger
        visible = number - self.plan.asynchronous_delay
        open_trials = [
            Trial(e.hyperparameters, None, e.number)
            for e in taken
            if e.number not in ledger.experiments
        ]
        earlier = self.earlier if visible < BASELINE else self._held_earlier
        trials = [*earlier, *ledger.trials(visible), *open_trials]
        proposal = self.tuner.propose(run, number, ledger.baseline.hyperparameters, trials)
        if proposal is None:
            return None
        parent = ledger.best_up_to(visible) if self.is_adaptive else None
        return new_experiment(
            run,
            number,
            proposal.configuration,
            proposal.phase,
            None if parent is None else parent.experiment_id,
        )

    def _record(self, outcomes: Sequence[TaskOutcome[Measurement | Pruned]]) -> None:
        """Record results; tell the watcher what has finished once it is durable."""
        ledger = self.ledger
        again = [o for o in outcomes if o.worker_died and self._may_try_again(o.number)]
        settled = [outcome for outcome in outcomes if outcome not in again]
        with ledger.together():
            for outcome in settled:
                self._settle(outcome)
        n_finished = ledger.count(*FINISHED) - len(settled)
        for count, outcome in enumerate(settled, n_finished + 1):
            self.watcher.finished(ledger.experiments[outcome.number], ledger.best, count)
        self._begin([ledger.experiments[outcome.number] for outcome in again])

    def _may_try_again(self, number: int) -> bool:
        return self.ledger.experiments[number].attempts < MAX_ATTEMPTS

    def _settle(self, outcome: TaskOutcome[Measurement | Pruned]) -> None:
        if isinstance(outcome.result, Pruned):
            self.ledger.prune(outcome.number, outcome.result)
        elif outcome.result is not None:
            self.ledger.complete(outcome.number, outcome.result)
        else:
            self.ledger.fail(outcome.number, outcome.error or "no result", outcome.seconds)
