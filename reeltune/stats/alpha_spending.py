"""Nights are a sequence: how much chance of a false promotion each of them may take."""

from collections.abc import Iterable
from dataclasses import dataclass

YEAR_DAYS = 365.0


@dataclass(frozen=True, slots=True)
class SpentLevel:
    """What an earlier look at the test part has spent."""

    day: float  # since any fixed moment
    level: float


@dataclass(frozen=True, slots=True)
class ErrorBudget:
    """Expected false promotions, as a reserve that fills from day to day.

    Each look spends a share of what is there, whether it leads to a promotion or not. So the
    levels of all looks within a year add up to at most `saved + per_year`, however many there are,
    and that sum bounds the expected number of false promotions, whatever the dependence between
    the looks. Who looks seldom may look hard: the reserve fills again; who looks every night
    spends what the day has brought.

    Source: Lan and DeMets 1983, "Discrete sequential boundaries for clinical trials" (spending a
    level over looks); the sum is Boole's inequality, as in Bonferroni's procedure.
    """

    per_year: float = 0.4  # comes in over a year
    saved: float = 0.1  # the most that is kept, and what is there at the start
    share: float = 0.5  # of what is there, that one look spends

    @property
    def max_per_year(self) -> float:
        """The bound on the expected number of false promotions within any 365 days."""
        return self.per_year + self.saved

    def level(self, past: Iterable[SpentLevel], day: float) -> float:
        """The level of a look on `day` after the looks in `past`, in their order.

        A day before the last look, from a clock set back, counts as the same.

        >>> first = BUDGET.level([], 0.0)
        >>> first, round(BUDGET.level([SpentLevel(0.0, first)], 1.0), 4)
        (0.05, 0.0255)
        """
        there, last = self.saved, None
        for spent in past:
            there = max(0.0, self._filled(there, last, spent.day) - spent.level)
            last = spent.day if last is None else max(last, spent.day)
        return self.share * self._filled(there, last, day)

    def _filled(self, there: float, last: float | None, day: float) -> float:
        days = 0.0 if last is None else max(0.0, day - last)
        return min(self.saved, there + self.per_year * days / YEAR_DAYS)


BUDGET = ErrorBudget()
