"""Shared fits: what experiments on the same ratings have in common, made once."""

from collections.abc import Callable, Hashable
from typing import Any, TypeVar

Made = TypeVar("Made")
MAX_ENTRIES = 16


class SharedFits:
    """Store of what fits to the same ratings share, by what it depends on beside them.

    It holds the 16 entries that were used last. Whoever keeps one keeps it for one table of ratings
    and one catalogue; a model asks it for what no other hyperparameter decides than those in a key.

    >>> shared = SharedFits()
    >>> shared.get(("gram", 3.0), lambda: "made"), shared.get(("gram", 3.0), lambda: "made again")
    ('made', 'made')
    """

    def __init__(self) -> None:
        self._entries: dict[Hashable, Any] = {}

    def get(self, key: Hashable, make: Callable[[], Made]) -> Made:
        """Return what `make` returned for this key; what it raises is not kept."""
        made: Made = self._entries.pop(key) if key in self._entries else make()
        self._entries[key] = made
        while len(self._entries) > MAX_ENTRIES:
            del self._entries[next(iter(self._entries))]
        return made

    def __reduce__(self) -> tuple[type["SharedFits"], tuple[()]]:
        """Return an empty store: another process makes its own entries."""
        return SharedFits, ()
