"""Alpha spending: the level of each nightly decision, within a yearly bound on false promotions."""

from collections.abc import Iterable
from dataclasses import dataclass

YEAR_DAYS = 365.0


@dataclass(frozen=True, slots=True)
class SpentLevel:
    """Level that an earlier evaluation on the test part has spent."""

    day: float  # since any fixed moment
    level: float


@dataclass(frozen=True, slots=True)
class ErrorBudget:
    """Expected false promotions, as a reserve that grows from day to day.

    Each test-set evaluation spends a share of the reserve, whether it leads to a promotion or not.
    So the levels of all evaluations within a year add up to at most `saved + per_year`, however
    many there are, and that sum bounds the expected number of false promotions, whatever the
    dependence between the evaluations. After a pause the reserve is full and the level high;
    evaluated every night, each spends what the day has added.

    Source: Lan and DeMets 1983, "Discrete sequential boundaries for clinical trials" (spending a
    level over interim analyses); the sum is Boole's inequality, as in Bonferroni's procedure.
    """

    per_year: float = 0.4  # comes in over a year
    saved: float = 0.1  # the most that the reserve holds, and what it holds at the start
    share: float = 0.5  # of the reserve, that one evaluation spends

    @property
    def max_per_year(self) -> float:
        """Bound on the expected number of false promotions within any 365 days."""
        return self.per_year + self.saved

    def level(self, past: Iterable[SpentLevel], day: float) -> float:
        """Return the level of an evaluation on `day` after those in `past`, in their order.

        A day before the last evaluation, from a clock set back, counts as the same.

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
