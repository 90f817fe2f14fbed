"""Protocol of learned components: parts of a score whose weights are fitted, not set by hand."""

from collections.abc import Mapping
from dataclasses import Field, dataclass, fields
from functools import cached_property
from typing import Any, ClassVar, Protocol, Self

import numpy as np
import scipy  # its parts are imported when first used

from reeltune.components.user_centred import UserCentredRatings
from reeltune.domain.arrays import AnyArray, Floats, Ints
from reeltune.domain.parameters import Hyperparameter
from reeltune.domain.space import Configuration
from reeltune.ratings.catalogue import Catalogue
from reeltune.ratings.splits import places_by_time
from reeltune.ratings.table import RatingTable

Planes = Mapping[str, Floats]  # scores by name, (U, M) or (1, M) each


@dataclass(frozen=True, eq=False)
class History:
    """Ratings that components are fitted to, with what several of them need."""

    ratings: RatingTable
    catalogue: Catalogue

    @cached_property
    def centred(self) -> UserCentredRatings:
        """Ratings less the mean of their users."""
        return UserCentredRatings.of(self.ratings)

    @cached_property
    def by_time(self) -> Ints:
        """Order of the ratings by user and time, ties by a hash: (N,) rows of the table."""
        order = np.empty(len(self.ratings), dtype=np.int64)
        order[places_by_time(self.ratings)] = np.arange(len(self.ratings))
        return order

    @cached_property
    def later(self) -> Ints:
        """Number of the user's ratings after each rating: (N,), 0 = the latest."""
        ends = self.ratings.starts[1:][self.ratings.users]
        return ends - 1 - places_by_time(self.ratings)

    def matrix(self, values: Floats) -> "scipy.sparse.csr_array":
        """Return (U, M) with `values` (N,) of the ratings."""
        table = self.ratings
        shape = (table.n_users, table.n_movies)
        return scipy.sparse.csr_array((values, table.movies, table.starts), shape)


class LearnedComponent(Protocol):
    """Source of scores on any scale, fitted for a configuration.

    A component gives one score or several, each a plane of users and movies. What they are worth is
    learned by whoever combines them, so that no scale is set by hand.
    """

    name: ClassVar[str]
    hyperparameters: ClassVar[tuple[Hyperparameter, ...]]  # that `fit` reads
    planes: ClassVar[tuple[str, ...]]  # names of what `score` returns

    @classmethod
    def fit(cls, history: History, values: Configuration) -> Self:
        """Fit to `history` alone."""

    def score(self, users: Ints) -> Planes:
        """Return by plane the scores (U, M), or (1, M) where they are the same for all users."""

    def arrays(self) -> dict[str, AnyArray]:
        """Return all that was fitted, by name."""

    @classmethod
    def load(cls, arrays: Mapping[str, AnyArray]) -> Self:
        """Return the component that `arrays` are of."""


class ArrayFields:
    """Dataclass whose fields are arrays, and all that is stored of it."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]

    def arrays(self) -> dict[str, AnyArray]:
        """Return the fields."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @classmethod
    def load(cls, arrays: Mapping[str, AnyArray]) -> Self:
        """Return the component with these fields."""
        return cls(**arrays)
