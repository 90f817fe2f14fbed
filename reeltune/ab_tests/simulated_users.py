"""Simulated users: who comes when, how often, and how readily each clicks.

Users come at random times; how often each comes again has a gamma distribution, so that a few
account for many lists, and each has a click rate of their own, so that lists of one user are alike.
That is what makes tests whose units are lists find differences that are not there.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from reeltune.ab_tests.assignment import assigned_arm
from reeltune.domain.ab_tests import ABTest, ServedList, UserOutcome
from reeltune.domain.arrays import Floats, Ints

_HOUR = 3600
_MAX_RATE = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedSite:
    """Site with its users and what they do."""

    users: int  # who come within `hours`
    hours: int = 14 * 24
    lists_per_user: float = 3.0  # mean, of those who come at the beginning
    heaviness: float = 0.5  # shape of the gamma distribution: less is heavier
    click_rate: float = 0.1
    own_rates: float = 10.0  # concentration of the users' click rates: less differ more
    one_list_each: bool = False


@dataclass(frozen=True, eq=False)
class SimulatedVisits:
    """Lists in the order of time."""

    users: Ints  # (N,) from 0
    seconds: Ints  # (N,) since the beginning
    chances: Floats  # (N,) uniform: a list is clicked where this is below its click rate
    rates: Floats  # (U,) the users' own click rates


def simulated_visits(site: SimulatedSite, seed: int) -> SimulatedVisits:
    """Return all lists that the users of a site are shown, the same for the same seed."""
    rng = np.random.default_rng([seed, 14])
    span = site.hours * _HOUR
    first = np.sort(rng.integers(0, span, site.users))
    again = np.zeros(site.users, dtype=np.int64)
    if not site.one_list_each:
        mean = max(0.0, site.lists_per_user - 1.0)
        rate = rng.gamma(site.heaviness, mean / site.heaviness, site.users)
        again = rng.poisson(rate * (span - first) / span)
    users = np.repeat(np.arange(site.users), again + 1)
    is_first = np.diff(users, prepend=-1) > 0
    later = first[users] + rng.random(len(users)) * (span - first[users])
    seconds = np.where(is_first, first[users], later).astype(np.int64)
    order = np.argsort(seconds, kind="stable")
    shape = site.own_rates
    rates = rng.beta(shape * site.click_rate, shape * (1 - site.click_rate), site.users)
    if site.one_list_each:
        rates = np.full(site.users, site.click_rate)
    return SimulatedVisits(users[order], seconds[order], rng.random(len(users))[order], rates)


@dataclass(frozen=True, slots=True)
class SimulatedHour:
    """Lists and clicks of some time."""

    served: list[ServedList]
    outcomes: list[UserOutcome]
    until: int  # Unix seconds


def simulated_hours(
    test: ABTest,
    site: SimulatedSite,
    visits: SimulatedVisits,
    effect: float,
    *,
    began: int,
    hours: float = 1.0,
) -> Iterator[SimulatedHour]:
    """Yield what comes in each hour, or in each `hours`, of a test.

    `effect` is the relative change of the click rate in a challenger's arm.
    """
    step = int(hours * _HOUR)
    edges = np.searchsorted(visits.seconds, np.arange(0, site.hours * _HOUR + step, step))
    for n, (low, high) in enumerate(pairwise(edges)):
        found = SimulatedHour([], [], began + (n + 1) * step)
        for place in range(low, high):
            _add(found, test, visits, place, effect, began)
        yield found


def _add(
    found: SimulatedHour,
    test: ABTest,
    visits: SimulatedVisits,
    place: int,
    effect: float,
    began: int,
) -> None:
    number = int(visits.users[place])
    user = f"{number}"
    arm = assigned_arm(test, user)
    if arm is None:
        return
    moment = began + int(visits.seconds[place])
    request = f"{test.test_id}-{place}"
    found.served.append(
        ServedList(request_id=request, user=user, happened_at=moment, test=test.name)
    )
    rate = visits.rates[number] * (1.0 + effect if arm.number else 1.0)
    if visits.chances[place] < min(rate, _MAX_RATE):
        found.outcomes.append(
            UserOutcome(
                kind="clicked", user=user, happened_at=moment, request_id=request, movie_id=1
            )
        )
