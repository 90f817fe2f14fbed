"""Data set: ratings and the catalogue that they refer to."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from reeltune.domain.arrays import AnyArray
from reeltune.ratings.catalogue import Catalogue
from reeltune.ratings.table import RatingTable

INDEX_KIND = "index"  # kind of the arrays of the compiled engine, in names of an `ArrayStore`


class ArrayStore(Protocol):
    """Storage for arrays between starts, under names that identify all that they depend on."""

    def load(self, name: str) -> Mapping[str, AnyArray] | None:
        """Load the arrays saved under `name`; None if there are none."""

    def save(self, name: str, arrays: Mapping[str, AnyArray]) -> None:
        """Save `arrays`, if that is possible."""


@dataclass(frozen=True, eq=False)
class Dataset:
    """Ratings and catalogue as of one moment, over the same movies."""

    ratings: RatingTable
    catalogue: Catalogue
    cache: ArrayStore | None = None  # for what is computed from them; None: nothing is stored
    known_fingerprint: str | None = None  # as stored with cached data
    last_change: int | None = None  # the last that these data have seen; None: not known

    @cached_property
    def fingerprint(self) -> str:
        """Hash of all data that models are fitted to, 64 hex digits."""
        if self.known_fingerprint is not None:
            return self.known_fingerprint
        both = self.ratings.fingerprint + self.catalogue.fingerprint
        return hashlib.sha256(both.encode()).hexdigest()
