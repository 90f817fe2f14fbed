"""Format of moments and durations."""

from datetime import UTC, datetime


def stamp(moment: datetime | None = None) -> str:
    """Return `moment` (default: now) in UTC to the second, as ISO 8601.

    >>> stamp(datetime(2026, 11, 20, 21, 40, tzinfo=UTC))
    '2026-11-20T21:40:00Z'
    """
    return (moment or datetime.now(UTC)).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


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
