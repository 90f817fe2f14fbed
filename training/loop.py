"""The loop of a tuning run: propose, try, record, until enough were tried."""

from collections.abc import Sequence
from dataclasses import dataclass

from domain.experiment import Experiment, Measurement, RunStatus
from domain.space import Configuration
from executors import Executor
from hyperparameter_tuner import HyperparameterTuner, check_method, new_experiment
from search import Trial
from tracking.progress import Watcher
from training.ledger import Ledger

IN_FLIGHT = (
    4  # experiments a proposal does not wait for; part of a run, so that jobs change nothing
)
GIVE_UP_AFTER = 5  # failures with no success before them


@dataclass(frozen=True)
class Loop:
    """Tries the experiments of one run, as many at once as the executor takes.

    Experiment n is proposed from the results up to n - `in_flight` and from nothing else, however
    many have finished by then: so any number of jobs, and a resumed run, propose the same.
    """

    ledger: Ledger
    tuner: HyperparameterTuner
    earlier: Sequence[Trial]  # comparable results of other runs
    executor: Executor[Configuration, Measurement]
    watch: Watcher

    @property
    def in_flight(self) -> int:
        """The run's own setting."""
        wanted = self.ledger.run.settings["in_flight"]
        assert isinstance(wanted, int)
        return wanted

    def run(self) -> tuple[RunStatus, str]:
        """Try what is left to try; how that ended, and why."""
        while True:
            exhausted = self._fill()
            if not self.ledger.count("running"):
                break
            self._record()
            if self.ledger.settled >= GIVE_UP_AFTER and not self.ledger.count("completed"):
                return "failed", f"the first {GIVE_UP_AFTER} experiments all failed"
        if exhausted:
            return "completed", "nothing is left to propose that was not tried"
        return "completed", f"all {self.ledger.run.n_configs} configurations tried"

    def _fill(self) -> bool:
        """Begin experiments while there is room; True if the strategy has nothing left."""
        waiting = self.ledger.waiting()
        while self.ledger.count("running") < self.executor.capacity:
            if waiting:
                experiment = waiting.pop(0)
            else:
                number = self.ledger.next_number()
                if number is None or not self._may_propose(number):
                    return False
                proposed = self._propose(number)
                if proposed is None:
                    return True
                experiment = proposed
            self.ledger.begin(experiment)
            self.executor.submit(experiment.number, dict(experiment.hyperparameters))
        return False

    @property
    def looks_back(self) -> bool:
        """Do proposals depend on results?"""
        return check_method(self.ledger.run.method).looks_back

    def _may_propose(self, number: int) -> bool:
        """Has all finished that this proposal looks back on?"""
        return not self.looks_back or self.ledger.finished_up_to(number - self.in_flight)

    def _propose(self, number: int) -> Experiment | None:
        """The candidate for `number`: the same whatever else has finished by now."""
        run, ledger = self.ledger.run, self.ledger
        visible = number - self.in_flight
        trials = [*self.earlier, *ledger.trials(visible)]
        proposal = self.tuner.propose(run, number, ledger.baseline.hyperparameters, trials)
        if proposal is None:
            return None
        parent = ledger.best_up_to(visible) if self.looks_back else None
        return new_experiment(
            run,
            number,
            proposal.configuration,
            proposal.phase,
            None if parent is None else parent.experiment_id,
        )

    def _record(self) -> None:
        ledger = self.ledger
        for outcome in self.executor.finished():
            if outcome.result is not None:
                ledger.complete(outcome.number, outcome.result)
            else:
                ledger.fail(outcome.number, outcome.error or "no result", outcome.seconds)
            done = ledger.experiments[outcome.number]
            self.watch.finished(done, ledger.best, ledger.count("completed", "failed"))
