"""Says what was in production at a moment."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time

from reeltune.db.connection import Connection
from reeltune.db.versions import load_events
from reeltune.domain.clock import stamp
from reeltune.domain.errors import InputError, NotFoundError
from reeltune.domain.version import VersionEvent


@dataclass(frozen=True, slots=True)
class Moment:
    """Version in production at `at`, since when and why."""

    at: str
    promoted: VersionEvent


def production_at(conn: Connection, moment: str) -> Moment:
    """Return what was in production at `moment`, by the events.

    Raises:
        InputError: it is no date or moment.
        NotFoundError: nothing was in production then.
    """
    at = read_moment(moment)
    before = [
        e for e in load_events(conn) if e.event == "promoted" and e.happened_at <= at
    ]  # in the order in which they happened, whatever the clock said
    if not before:
        raise NotFoundError(f"nothing was in production at {at}")
    return Moment(at, before[-1])


def read_moment(text: str) -> str:
    """Return a moment in UTC, as it is written down; of a day without a time its end.

    >>> read_moment("2026-11-01")
    '2026-11-01T23:59:59Z'
    >>> read_moment("2026-11-01T10:00+02:00")
    '2026-11-01T08:00:00Z'
    """
    try:
        if len(text) == len("2026-11-01"):
            return stamp(datetime.combine(date.fromisoformat(text), time(23, 59, 59), UTC))
        moment = datetime.fromisoformat(text)
        return stamp(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    except (ValueError, OverflowError) as error:
        raise InputError(
            f"a moment is like 2026-11-01 or 2026-11-01T10:00 (UTC), got {text[:80]!r}"
        ) from error
