"""Error budget of the gate: what the next evaluation on the test part may spend."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from reeltune.db.connection import Connection
from reeltune.db.test_evaluations import load_test_evaluations
from reeltune.stats.alpha_spending import BUDGET, YEAR_DAYS, SpentLevel

MAX_DAYS_AHEAD = 30  # a clock that was set back by more had been wrong before


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetState:
    """State of the error budget before an evaluation on the test part."""

    level: float  # what this evaluation may spend
    n_looks: int  # nightly decisions within the last 365 days
    spent: float  # by them
    most_a_year: float = BUDGET.max_per_year

    @property
    def left(self) -> float:
        """Budget that is left for 365 days: false promotions that may still be expected."""
        return max(0.0, self.most_a_year - self.spent)

    @property
    def state(self) -> str:
        """Budget that is left, and what the next evaluation may spend, in words."""
        return (
            f"{self.left:.2g} of {self.most_a_year:g} a year left,"
            f" {self.level:.2g} for the next change"
        )

    @property
    def message(self) -> str:
        """Budget, level and what was spent, in one line."""
        return (
            f"at most {self.most_a_year:g} false promotions are expected a year; this evaluation "
            f"on the test part may spend {self.level:.2g} of that, those of the last 365 days "
            f"({self.n_looks:,}) have spent {self.spent:.2g}"
        )


def budget_state(conn: Connection, now: str) -> BudgetState:
    """Return what all earlier evaluations on the test part leave for one at the moment `now`."""
    today = _day(now)
    spent = [each for each in load_test_evaluations(conn) if each.level]
    days = _believed([_day(each.looked_at) for each in spent], today)
    past = [SpentLevel(day, each.level) for day, each in zip(days, spent, strict=True)]
    recent = [each.level for each in past if today - each.day < YEAR_DAYS]
    return BudgetState(level=BUDGET.level(past, today), n_looks=len(recent), spent=sum(recent))


def _believed(days: Sequence[float], today: float) -> list[float]:
    """Return `days` in order; one far ahead of today is taken for that of the next evaluation.

    >>> _believed([1.0, 50_000.0, 3.0, 50_000.0], 5.0)
    [1.0, 3.0, 3.0, 5.0]
    """
    found, following = [], today
    for day in reversed(days):
        following = day if day <= today + MAX_DAYS_AHEAD else following
        found.append(following)
    return found[::-1]


def _day(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp() / timedelta(days=1).total_seconds()
