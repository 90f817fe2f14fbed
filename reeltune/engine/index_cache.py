"""Keeps what an engine stands on for the next start, and for the workers of this one."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar, get_type_hints

import numpy as np

from reeltune.domain.arrays import AnyArray
from reeltune.ratings.dataset import ArrayStore, Dataset
from reeltune.tracking.lineage import environment, program_version

KIND = "world"

Record = TypeVar("Record", bound=NamedTuple)


@dataclass(frozen=True, slots=True)
class CacheKey:
    """Where a world is kept, under a name that says all that it is made of."""

    store: ArrayStore
    name: str

    @classmethod
    def of(cls, data: Dataset, split: str) -> "CacheKey | None":
        """The place of what is measured on the validation part; None where nothing is kept."""
        if data.cache is None:
            return None
        made_of = (
            data.fingerprint,
            split,
            program_version(),
            sorted(environment().items()),
        )
        digest = hashlib.sha256(repr(made_of).encode()).hexdigest()
        return cls(data.cache, f"{KIND}-{data.fingerprint[:16]}-{digest[:16]}")

    def part(self, what: str) -> "CacheKey":
        """The place of a part of what is kept here."""
        digest = hashlib.sha256(f"{self.name} {what}".encode()).hexdigest()
        return CacheKey(self.store, f"{self.name}-{digest[:8]}")


def load_or_make(
    cache_key: CacheKey | None, kind: type[Record], make: Callable[[], Record | None]
) -> Record | None:
    """The named tuple kept at `cache_key`; else what `make` makes, kept there from now on."""
    if cache_key is None:
        return make()
    arrays = cache_key.store.load(cache_key.name)
    if arrays is None:
        made = make()
        if made is None:
            return None
        cache_key.store.save(cache_key.name, dict(flattened(made)))
        arrays = cache_key.store.load(
            cache_key.name
        )  # as workers see it, so that all share the memory
        if arrays is None:
            return made
    return restored(kind, arrays)


def flattened(record: NamedTuple, prefix: str = "") -> Iterator[tuple[str, AnyArray]]:
    """The fields of a named tuple of arrays, numbers and such tuples, by dotted name."""
    for name, value in record._asdict().items():
        if hasattr(value, "_asdict"):
            yield from flattened(value, f"{prefix}{name}.")
        else:
            yield prefix + name, np.asarray(value)


def restored(
    kind: Callable[..., Record], arrays: Mapping[str, AnyArray], prefix: str = ""
) -> Record:
    """The named tuple that was `flattened` into `arrays`."""
    values: dict[str, Any] = {}
    for name, hint in get_type_hints(kind).items():
        if hasattr(hint, "_fields"):
            values[name] = restored(hint, arrays, f"{prefix}{name}.")
        else:
            found = arrays[prefix + name]
            values[name] = found.item() if hint in (int, float) else found
    return kind(**values)
