"""How moments are written down."""

from datetime import UTC, datetime


def stamp(moment: datetime | None = None) -> str:
    """`moment` (default: now) in UTC to the second, as ISO 8601.

    >>> stamp(datetime(2026, 11, 20, 21, 40, tzinfo=UTC))
    '2026-11-20T21:40:00Z'
    """
    return (moment or datetime.now(UTC)).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
