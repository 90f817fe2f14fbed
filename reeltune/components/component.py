"""What each part of the score is to the model."""

from dataclasses import Field
from typing import Any, ClassVar, Protocol, Self

from reeltune.components.user_centred import UserCentredRatings
from reeltune.domain.arrays import Floats, Ints
from reeltune.domain.space import Configuration
from reeltune.ratings.catalogue import Catalogue

NEUTRAL = 0.5  # what is said of a movie of which nothing is known


class Component(Protocol):
    """One part of the score: a frozen dataclass of arrays, fitted once for all configurations.

    What depends on a hyperparameter is worked out in `score`, so that one fit serves every
    configuration of a tuning run. The fields are all that is stored of it.
    """

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]
    name: ClassVar[str]
    hyperparameters: ClassVar[tuple[str, ...]]  # those that `score` reads

    @classmethod
    def fit(cls, centred: UserCentredRatings, catalogue: Catalogue) -> Self:
        """Learn from `centred` alone; the catalogue says what the movies are."""

    def score(self, users: Ints, values: Configuration) -> Floats:
        """(U, M), or (1, M) where it is the same for all users; each entry in [0, 1]."""

    def score_at(self, users: Ints, movies: Ints, values: Configuration) -> Floats:
        """(N,) what `score` says of user `users[n]` and movie `movies[n]`, for a few pairs."""
