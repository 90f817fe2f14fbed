"""Traffic: which effect so many users can show in a day, a week, a month."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from reeltune.db.ab_activity import load_activity
from reeltune.db.connection import Connection
from reeltune.domain.ab_tests import ABPhase, ABSettings, ABTest
from reeltune.stats.sequential_power import always_valid_drift, planned_drift

HORIZON_HOURS = {"24 hours": 24, "a week": 168, "a month": 720}
_DAY = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteTraffic:
    """Traffic of a site before a test, and how much its users differ."""

    users: Mapping[str, float]  # different users within each horizon
    rate: float  # of the primary metric, per list
    variance: float  # of a user's part in the rate, over rate squared
    source: str  # in words


def detectable_effects(
    settings: ABSettings,
    users: Mapping[str, float],
    *,
    variance: float,
    planned: float,
    alpha: float,
) -> dict[str, float]:
    """Return the least relative effect that is found with a power of 80 %, by horizon.

    Args:
        settings: of the test.
        users: of champion and challenger together, by the end of each horizon.
        variance: squared relative standard error of the difference, times the users.
        planned: users for whom the interval is narrowest.
        alpha: two-sided level.

    Horizons by whose end there are fewer than 20 users are left out.
    """
    found = {}
    for name, n_users in users.items():
        if n_users < 20 or not variance > 0:
            continue
        if settings.analysis == "planned":
            shares = [k / settings.n_analyses for k in range(1, settings.n_analyses + 1)]
            n_users = min(n_users, settings.expected_users)
            drift = planned_drift(shares, alpha=alpha)
        else:
            drift = always_valid_drift(n_users, planned, alpha=alpha)
        found[name] = drift * math.sqrt(variance / n_users)
    return found


def users_by_horizon(conn: Connection, test: ABTest, phase: ABPhase, now: int) -> dict[str, float]:
    """Return the users of champion and a challenger by the end of each horizon, from now on.

    What is to come is expected to come as new users did in the last 24 hours.
    """
    began = phase.started_at
    since = max(began, now - _DAY)
    all_users = load_activity(conn, test.test_id, phase.number, began, now).new_users
    recent = load_activity(conn, test.test_id, phase.number, since, now).new_users
    per_hour = recent / max((now - since) / 3600, 1.0)
    pair = phase.arms[0].share + phase.arms[-1].share if len(phase.arms) > 1 else 1.0
    window = test.settings.window_hours if test.settings.design == "ab" else 0.0
    return {
        name: max(0.0, all_users + per_hour * (horizon - window)) * pair
        for name, horizon in HORIZON_HOURS.items()
    }


def effects_before(settings: ABSettings, traffic: SiteTraffic, alpha: float) -> dict[str, float]:
    """Return the least relative effect that a test can show by horizon, before it is started."""
    shares = settings.arm_shares
    pair = shares[0] + min(shares[1:])
    balance = pair / shares[0] + pair / min(shares[1:])  # variance of the difference, by users
    users = {name: n * settings.max_share * pair for name, n in traffic.users.items()}
    return detectable_effects(
        settings,
        users,
        variance=traffic.variance * balance,
        planned=settings.expected_users,
        alpha=alpha,
    )
