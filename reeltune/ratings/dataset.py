"""All that training sees: the ratings and the catalogue they are of."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from reeltune.domain.arrays import AnyArray
from reeltune.ratings.catalogue import Catalogue
from reeltune.ratings.table import RatingTable


class ArrayStore(Protocol):
    """Where arrays are kept for the next start, by a name that says all that they depend on."""

    def load(self, name: str) -> Mapping[str, AnyArray] | None:
        """What was saved under `name`; None where it has to be made."""

    def save(self, name: str, arrays: Mapping[str, AnyArray]) -> None:
        """Keep `arrays`, if that is possible."""


@dataclass(frozen=True, eq=False)
class Dataset:
    """Ratings and catalogue as of one moment, over the same movies."""

    ratings: RatingTable
    catalogue: Catalogue
    cache: ArrayStore | None = None  # for what is made of them; None: nothing is kept
    known_fingerprint: str | None = None  # from where the data were kept
    last_change: int | None = None  # the last that these data have seen; None: not known

    @cached_property
    def fingerprint(self) -> str:
        """Hash of all that training sees, 64 hex digits."""
        if self.known_fingerprint is not None:
            return self.known_fingerprint
        both = self.ratings.fingerprint + self.catalogue.fingerprint
        return hashlib.sha256(both.encode()).hexdigest()
