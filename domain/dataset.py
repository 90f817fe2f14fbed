"""All that training sees: the ratings and the catalogue they are of."""

import hashlib
from dataclasses import dataclass
from functools import cached_property

from domain.catalogue import Catalogue
from domain.ratings import RatingTable


@dataclass(frozen=True, eq=False)
class Dataset:
    """Ratings and catalogue as of one moment, over the same movies."""

    ratings: RatingTable
    catalogue: Catalogue

    @cached_property
    def fingerprint(self) -> str:
        """Hash of all that training sees, 64 hex digits."""
        both = self.ratings.fingerprint + self.catalogue.fingerprint
        return hashlib.sha256(both.encode()).hexdigest()
