"""Component protocol: one part of the model's score."""

from dataclasses import Field
from typing import Any, ClassVar, Protocol, Self

from reeltune.components.user_centred import UserCentredRatings
from reeltune.domain.arrays import Floats, Ints
from reeltune.domain.space import Configuration
from reeltune.ratings.catalogue import Catalogue

NEUTRAL = 0.5  # preference for a movie of which nothing is known


class Component(Protocol):
    """Part of the score: a frozen dataclass of arrays, fitted once for all configurations.

    What depends on a hyperparameter is computed in `score`, so that one fit serves every
    configuration of a tuning run. The fields are all that is stored of it.
    """

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]
    name: ClassVar[str]
    hyperparameters: ClassVar[tuple[str, ...]]  # those that `score` reads
    is_personal: ClassVar[bool]  # whether a user's own ratings decide that user's scores

    @classmethod
    def fit(cls, centred: UserCentredRatings, catalogue: Catalogue) -> Self:
        """Fit to `centred` alone; the catalogue describes the movies."""

    def score(self, users: Ints, values: Configuration) -> Floats:
        """Return scores in [0, 1]: (U, M), or (1, M) where they are the same for all users."""

    def score_at(self, users: Ints, movies: Ints, values: Configuration) -> Floats:
        """Return what `score` gives for users[n] and movies[n], (N,), for a few pairs."""
