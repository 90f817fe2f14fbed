"""Where a run stops: its rules, applied to each of its beginnings in turn."""

from domain.experiment import BASELINE
from training.ledger import FIRST, Ledger
from training.stopping import Stop, StopRules, best_number, standard_error


class Brake:
    """Finds the first beginning of a run after which a rule ends it, and remembers it."""

    def __init__(self, rules: StopRules, ledger: Ledger) -> None:
        self.rules = rules
        self.ledger = ledger
        self._checked = 0  # beginnings of so many experiments are known not to end the run
        self._stop: Stop | None = None

    def stop(self, up_to: int) -> Stop | None:
        """Why the run ends, if that can be said from the experiments up to number `up_to`."""
        if not self.rules.look_at_results:
            return None
        while self._stop is None and self._checked < min(self.ledger.settled, up_to + 1):
            self._stop = self._stop_after(self._checked + 1)
            self._checked += self._stop is None
        return self._stop if self._checked <= up_to else None

    def _stop_after(self, n: int) -> Stop | None:
        values = [self.ledger.experiments[number].objective_value for number in range(n)]
        return self.rules.stop(values, self._noise(values) if self.rules.until_converged else None)

    def _noise(self, values: list[float | None]) -> float | None:
        """Standard error of the best's gain over the baseline.

        Where the baseline is the best: that of its gain over the first candidate.
        """
        best = best_number(values)
        if best is None:
            return None
        a = self.ledger.user_values(best)
        b = self.ledger.user_values(FIRST if best == BASELINE else BASELINE)
        return None if a is None or b is None else standard_error(a, b)
