"""Format of moments and durations."""

from datetime import UTC, datetime


def stamp(moment: datetime | None = None) -> str:
    """Return `moment` (default: now) in UTC to the second, as ISO 8601; sorts as time does.

    >>> stamp(datetime(2026, 11, 20, 21, 40, tzinfo=UTC))
    '2026-11-20T21:40:00Z'
    """
    in_utc = (moment or datetime.now(UTC)).astimezone(UTC).replace(tzinfo=None)
    return in_utc.isoformat(timespec="seconds") + "Z"


def stamp_of(seconds: float) -> str:
    """Return a moment given in Unix seconds, as `stamp` writes it.

    >>> stamp_of(0)
    '1970-01-01T00:00:00Z'
    """
    return stamp(datetime.fromtimestamp(seconds, UTC))


CLOCK_ERROR_SECONDS = 86_400  # what lies further ahead of this machine's clock is no moment


def latest_believable(now: datetime | None = None) -> int:
    """Return the last moment that is believed, in Unix seconds: a day ahead, for clocks differ.

    >>> latest_believable(datetime(1970, 1, 1, tzinfo=UTC))
    86400
    """
    return int((now or datetime.now(UTC)).timestamp()) + CLOCK_ERROR_SECONDS


def duration(seconds: float) -> str:
    """Return seconds as text in the unit that is easiest to read.

    >>> duration(75.0), duration(7200.0)
    ('75 s', '2.0 h')
    """
    if seconds < 1:
        return "<1 s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.1f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
