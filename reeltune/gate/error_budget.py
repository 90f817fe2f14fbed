"""Looks at the test part are counted: what this one may take of the year's budget."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from reeltune.db.connection import Connection
from reeltune.db.test_evaluations import load_looks
from reeltune.stats.alpha_spending import BUDGET, YEAR_DAYS, Spent

SECONDS_PER_DAY = 86_400
MOST_DAYS_AHEAD = 30  # a clock that was set back by more had been wrong before


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetState:
    """Where the budget for false promotions stands before a look."""

    level: float  # what this look may take
    n_looks: int  # looks for a nightly decision within the last 365 days
    spent: float  # by them
    most_a_year: float = BUDGET.most_a_year

    @property
    def said(self) -> str:
        """In one line."""
        return (
            f"at most {self.most_a_year:g} false promotions are expected a year; this look may "
            f"take {self.level:.2g} of that, {self.n_looks} in the last 365 days took "
            f"{self.spent:.2g}"
        )


def budget_state(conn: Connection, now: str) -> BudgetState:
    """What all looks so far leave to one at the moment `now`."""
    today = _day(now)
    spent = [look for look in load_looks(conn) if look.level]
    days = _believed([_day(look.looked_at) for look in spent], today)
    past = [Spent(day, look.level) for day, look in zip(days, spent, strict=True)]
    recent = [each.level for each in past if today - each.day < YEAR_DAYS]
    return BudgetState(level=BUDGET.level(past, today), n_looks=len(recent), spent=sum(recent))


def _believed(days: Sequence[float], today: float) -> list[float]:
    """Return `days` in their order; one far ahead of today is taken for that of the next look.

    >>> _believed([1.0, 50_000.0, 3.0, 50_000.0], 5.0)
    [1.0, 3.0, 3.0, 5.0]
    """
    found, following = [], today
    for day in reversed(days):
        following = day if day <= today + MOST_DAYS_AHEAD else following
        found.append(following)
    return found[::-1]


def _day(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp() / SECONDS_PER_DAY
