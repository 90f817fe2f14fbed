"""Traffic of a site before a test: what the service has logged, else what users have rated."""

import numpy as np

from reeltune.ab_tests.traffic import HORIZON_HOURS, SiteTraffic
from reeltune.db.ab_activity import count_served_users, load_served_sums
from reeltune.db.connection import Connection
from reeltune.db.ratings import load_ratings
from reeltune.stats.cluster_sums import ClusterSums, sums_of_users

ASSUMED_RATE = 0.1
_HOUR = 3600
_MIN_LOGGED_USERS = 100
_MIN_LOGGED_OUTCOMES = 10


def site_traffic(
    store: Connection,
    ratings: Connection,
    metric: str,
    now: int,
    *,
    users_per_day: float | None = None,
    rate: float | None = None,
) -> SiteTraffic:
    """Return a site's traffic.

    Args:
        store: of the service.
        ratings: the database of movies and ratings.
        metric: primary metric of the test.
        now: Unix seconds.
        users_per_day: different users of a day, if a person knows; each day's are taken to be new.
        rate: of the metric, per list, if a person knows.

    The log of the last 30 days counts where it has a hundred users and ten outcomes. Without it,
    users are those who rated in the last day, week and month of the ratings, a list for each day on
    which they did; a rate that nobody gave is taken to be 10 %, and users to differ in nothing but
    how many lists they see: the effects shown are then the least that can be hoped for.
    """
    logged = _logged(store, metric, now)
    if logged is not None:
        sums, source = logged, "the service's log of the last 30 days"
        users = {
            name: float(count_served_users(store, now - hours * _HOUR))
            for name, hours in HORIZON_HOURS.items()
        }
    else:
        users, lists = _rating_users(ratings)
        sums = sums_of_users(lists, np.zeros(len(lists)))
        source = "ratings, as nothing is logged yet"
    if users_per_day is not None:
        users = {name: users_per_day * hours / 24 for name, hours in HORIZON_HOURS.items()}
        source = f"{users_per_day:,.0f} users a day, each day others"
    known = sums.ratio if logged is not None else ASSUMED_RATE
    used = known if rate is None else rate
    if logged is None or rate is not None:
        source += f"; a rate of {used:.1%} is assumed"
        variance = (1.0 - min(used, 0.99)) / used / max(1.0, sums.x / max(sums.n, 1.0))
    else:
        variance = sums.variance / sums.ratio**2
    return SiteTraffic(users=users, rate=used, variance=variance, source=source)


def _logged(store: Connection, metric: str, now: int) -> ClusterSums | None:
    rows = load_served_sums(store, metric, now - 30 * 24 * _HOUR)
    x, y = np.array(rows, dtype=np.float64).reshape(-1, 2).T
    if metric == "lists":
        x, y = np.ones(len(x)), x
    if len(x) < _MIN_LOGGED_USERS or y.sum() < _MIN_LOGGED_OUTCOMES:
        return None
    return sums_of_users(x, y)


def _rating_users(conn: Connection) -> tuple[dict[str, float], np.ndarray]:
    """Return the users who rated within each horizon before the newest rating, and their days."""
    table = load_ratings(conn)
    if len(table) == 0:
        return dict.fromkeys(HORIZON_HOURS, 0.0), np.ones(0)
    age_hours = (int(table.rated_at.max()) - table.rated_at) / _HOUR
    users = {
        name: float(len(np.unique(table.users[age_hours <= hours])))
        for name, hours in HORIZON_HOURS.items()
    }
    recent = age_hours <= 720
    visits = np.unique(np.stack([table.users[recent], table.rated_at[recent] // 86_400]), axis=1)
    lists = np.bincount(visits[0])
    return users, lists[lists > 0].astype(np.float64)
