"""Protocol of a log that programs read: events by name, with fields."""

from typing import Protocol, runtime_checkable


@runtime_checkable
class EventLog(Protocol):
    """Log that takes events with fields in place of lines."""

    def emit(self, event: str, **fields: object) -> None:
        """Write an event; its fields are plain values, without NaN."""
