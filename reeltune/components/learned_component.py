"""Protocol of learned components: parts of a score whose weights are fitted, not set by hand."""

from collections.abc import Callable, Mapping
from dataclasses import Field, dataclass, field, fields
from functools import cached_property
from typing import Any, ClassVar, Protocol, Self, TypeVar

import numpy as np

from reeltune.components.user_centred import UserCentredRatings
from reeltune.domain.arrays import AnyArray, Floats32, Ints
from reeltune.domain.parameters import Hyperparameter
from reeltune.domain.space import Configuration
from reeltune.ratings.catalogue import Catalogue
from reeltune.ratings.splits import places_by_time
from reeltune.ratings.table import RatingTable

Planes = Mapping[str, Floats32]  # scores by name, (U, M) or (1, M) each
Kept = TypeVar("Kept")

MAX_KEPT = 2  # of what a history keeps of one kind, for other values of a hyperparameter


@dataclass(frozen=True, eq=False)
class History:
    """Ratings that components are fitted to, with what several of them need.

    Where only some users are scored, `ratings` are theirs and `of_all` those of everybody.
    """

    ratings: RatingTable
    catalogue: Catalogue
    of_all: RatingTable | None = None
    _kept: dict[str, dict[float, Any]] = field(default_factory=dict, init=False, repr=False)

    @cached_property
    def centred(self) -> UserCentredRatings:
        """Ratings less the mean of their users."""
        if self.of_all is None:
            return UserCentredRatings.of(self.ratings)
        return UserCentredRatings(self.of_all, self.ratings)

    def kept(self, kind: str, value: float, make: Callable[[], Kept]) -> Kept:
        """Return what `make` returns of this history and `value`, made once for experiments."""
        known = self._kept.setdefault(kind, {})
        if value not in known:
            if len(known) >= MAX_KEPT:
                del known[next(iter(known))]
            known[value] = make()
        found: Kept = known[value]
        return found

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
        """Return by plane the scores (U, M), or (1, M) where they are the same for all users.

        A user's scores do not depend on who else is asked for, to the last bit.
        """

    def fold_in(self, history: History) -> Self:
        """Return the component for the users of `history`; what was fitted of movies stays."""

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
