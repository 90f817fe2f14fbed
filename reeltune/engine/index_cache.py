"""Cache of the engine's index, for later starts and for worker processes."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar, get_type_hints

import numpy as np

from reeltune.domain.arrays import AnyArray
from reeltune.ratings.dataset import INDEX_KIND, ArrayStore, Dataset
from reeltune.tracking.lineage import environment, program_version

R = TypeVar("R", bound=NamedTuple)


@dataclass(frozen=True, slots=True)
class CacheKey:
    """Name of an index in the array cache: a hash of all that it depends on."""

    store: ArrayStore
    name: str

    @classmethod
    def of(cls, data: Dataset, split: str) -> "CacheKey | None":
        """Return the key of the index for the validation part; None without a cache."""
        if data.cache is None:
            return None
        made_of = (
            data.fingerprint,
            split,
            program_version(),
            sorted(environment().items()),
        )
        digest = hashlib.sha256(repr(made_of).encode()).hexdigest()
        return cls(data.cache, f"{INDEX_KIND}-{data.fingerprint[:16]}-{digest[:16]}")

    def part(self, what: str) -> "CacheKey":
        """Return the key of a part of this index."""
        digest = hashlib.sha256(f"{self.name} {what}".encode()).hexdigest()
        return CacheKey(self.store, f"{self.name}-{digest[:8]}")


def load_or_make(
    cache_key: CacheKey | None, kind: type[R], make: Callable[[], R | None]
) -> R | None:
    """Load the named tuple stored under `cache_key`; otherwise call `make` and store its result."""
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
    """Yield the fields of a named tuple of arrays, numbers and such tuples, by dotted name."""
    for name, value in record._asdict().items():
        if hasattr(value, "_asdict"):
            yield from flattened(value, f"{prefix}{name}.")
        else:
            yield prefix + name, np.asarray(value)


def restored(kind: Callable[..., R], arrays: Mapping[str, AnyArray], prefix: str = "") -> R:
    """Return the named tuple that was `flattened` into `arrays`."""
    values: dict[str, Any] = {}
    for name, hint in get_type_hints(kind).items():
        if hasattr(hint, "_fields"):
            values[name] = restored(hint, arrays, f"{prefix}{name}.")
        else:
            found = arrays[prefix + name]
            values[name] = found.item() if hint in (int, float) else found
    return kind(**values)
