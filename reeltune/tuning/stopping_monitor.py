"""Stopping monitor: a run's rules, applied to its first experiments, ever more of them."""

from collections.abc import Sequence

from reeltune.domain.experiment import BASELINE, Experiment
from reeltune.tuning.ledger import Ledger
from reeltune.tuning.stopping import Stop, StopRules, best_number


class StoppingMonitor:
    """Monitor that finds the first experiment after which a rule ends the run."""

    def __init__(self, rules: StopRules, ledger: Ledger) -> None:
        self.rules = rules
        self.ledger = ledger
        self._checked = 0  # so many first experiments are known not to end the run
        self._stop: Stop | None = None

    def stop(self, up_to: int) -> Stop | None:
        """Return why the run ends, if the experiments up to number `up_to` say so."""
        if not self.rules.needs_results:
            return None
        while self._stop is None and self._checked < min(self.ledger.settled, up_to + 1):
            self._stop = self._stop_after(self._checked + 1)
            self._checked += self._stop is None
        return self._stop if self._checked <= up_to else None

    def _stop_after(self, n: int) -> Stop | None:
        found = [self.ledger.experiments[number] for number in range(n)]
        values = [e.feasible_worth for e in found]
        return self.rules.stop(values, noise(found), self.ledger.run.direction)


def noise(experiments: Sequence[Experiment]) -> float | None:
    """Return the standard error of the best one's gain over the baseline; None if not known.

    Where the baseline is the best: that of the first candidate's.
    """
    best = best_number([e.feasible_worth for e in experiments])
    if best is None:
        return None
    if best != BASELINE:
        return experiments[best].improvement_error
    errors = (e.improvement_error for e in experiments[BASELINE + 1 :])
    return next((error for error in errors if error is not None), None)
