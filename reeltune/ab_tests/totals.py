"""Totals of users while a batch is recorded, and the changes of the arms' sums that follow."""

from dataclasses import replace

from reeltune.db.ab_activity import load_covariate
from reeltune.db.ab_records import add_sums, load_totals, save_totals
from reeltune.db.connection import Connection
from reeltune.domain.ab_tests import PREFERENCE, ABTest, UserTotals
from reeltune.stats.cluster_sums import ClusterSums

_Key = tuple[int, int, str]  # test, phase, user


def summed_metrics(test: ABTest) -> list[str]:
    """Return the metrics whose sums are kept for a test; `lists` always, which counts users."""
    names = {"lists", test.settings.primary, *(each.metric for each in test.settings.guardrails)}
    if test.settings.design == "interleaving":
        names.add(PREFERENCE)
    return sorted(names)


def sums_of(totals: UserTotals | None, metric: str) -> ClusterSums:
    """Return the sums of one user."""
    if totals is None:
        return ClusterSums()
    x, y = totals.counted(metric)
    if x == 0:
        return ClusterSums()
    c = totals.covariate
    return ClusterSums(
        n=1, x=x, y=y, c=c, xx=x * x, yy=y * y, cc=c * c, xy=x * y, xc=x * c, yc=y * c
    )


class TotalsOfBatch:
    """Totals that a batch has read and changed; `save` writes them and the sums' changes."""

    def __init__(self, conn: Connection) -> None:
        self._conn = conn
        self._before: dict[_Key, UserTotals | None] = {}
        self._now: dict[_Key, UserTotals] = {}
        self._tests: dict[int, ABTest] = {}

    def of(self, test: ABTest, phase: int, user: str, arm: int, first_at: int) -> UserTotals:
        """Return the totals of a user, which the caller changes; new ones begin with the arm."""
        key = (test.test_id, phase, user)
        if key not in self._now:
            found = load_totals(self._conn, *key)
            self._before[key] = None if found is None else replace(found)
            if found is None:
                covariate = load_covariate(self._conn, test.test_id, user)
                found = UserTotals(arm, first_at, covariate=covariate)
            self._now[key] = found
            self._tests[test.test_id] = test
        return self._now[key]

    def save(self) -> None:
        """Write the totals, and add to the sums of the arms what has changed."""
        changes: dict[tuple[int, int, int, str], ClusterSums] = {}
        for key, totals in self._now.items():
            test_id, phase, _ = key
            save_totals(self._conn, *key, totals)
            for metric in summed_metrics(self._tests[test_id]):
                place = (test_id, phase, totals.arm, metric)
                change = sums_of(totals, metric).less(sums_of(self._before[key], metric))
                changes[place] = changes[place] + change if place in changes else change
        for place, change in changes.items():
            add_sums(self._conn, *place, change)
