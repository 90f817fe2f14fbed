"""Backlog of production: ratings and nights it is behind, and refusals in a row."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import takewhile

from reeltune.db.changes import (
    count_changes,
    is_logged_since,
    load_oldest_changed,
    load_position,
)
from reeltune.db.command_runs import load_run_starts
from reeltune.db.connection import Connection
from reeltune.db.ratings import count_ratings
from reeltune.db.test_evaluations import load_verdicts
from reeltune.domain.clock import latest_believable, stamp
from reeltune.domain.version import Version


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """Distance of production behind the ratings, and the latest refusals."""

    ratings_behind: int  # added, changed or deleted since production was fitted
    nights_behind: int  # days on which a command ran since, and left them unseen
    changes_refused: int  # in a row, of nights that wanted another configuration
    renewals_refused: int  # in a row
    production_age_hours: float  # since it was fitted

    @property
    def message(self) -> str:
        """State in words."""
        parts = [f"fitted {self.production_age_hours:,.0f} hours ago"]
        parts.append(f"{self.ratings_behind:,} ratings and {self.nights_behind} nights behind")
        if self.changes_refused or self.renewals_refused:
            parts.append(
                f"refused in a row: {self.changes_refused} changes,"
                f" {self.renewals_refused} renewals"
            )
        return ", ".join(parts)


def measure_backlog(conn: Connection, production: Version) -> Backlog:
    """Return how far `production` is behind.

    A night counts if it began after production was fitted and after the oldest of the unseen
    ratings was given. Ratings of old days that were imported lately count from the former.
    """
    behind = count_behind(conn, production)
    return Backlog(
        ratings_behind=behind,
        nights_behind=_count_nights(conn, production) if behind else 0,
        changes_refused=_refused_in_a_row(conn, "nightly"),
        renewals_refused=_refused_in_a_row(conn, "routine"),
        production_age_hours=_hours_since(production.created_at),
    )


def count_behind(conn: Connection, production: Version) -> int:
    """Return how many ratings are not as they were when `production` was fitted.

    By the log of changes; where that does not reach back, by their number.
    """
    since, until = production.training.last_change, load_position(conn)
    if since is not None and until is not None and is_logged_since(conn, since):
        return count_changes(conn, since, until).n_ratings
    return abs(count_ratings(conn) - production.training.n_ratings)


def _count_nights(conn: Connection, production: Version) -> int:
    since = production.created_at
    logged = production.training.last_change
    oldest = load_oldest_changed(conn, logged) if logged is not None else None
    if oldest is not None:
        believed = min(oldest, latest_believable())
        since = max(since, stamp(datetime.fromtimestamp(believed, UTC)))
    return len({moment[:10] for moment in load_run_starts(conn, since)})


def _refused_in_a_row(conn: Connection, decision: str) -> int:
    verdicts = load_verdicts(conn, decision)
    return len(list(takewhile(lambda verdict: verdict == "refused", verdicts)))


def _hours_since(moment: str) -> float:
    passed = datetime.fromisoformat(stamp()) - datetime.fromisoformat(moment).astimezone(UTC)
    return round(max(0.0, passed / timedelta(hours=1)), 2)
