"""What a recommender must offer to be tuned, versioned and served."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Protocol, Self, runtime_checkable

from reeltune.domain.arrays import AnyArray, Floats, Ints
from reeltune.domain.space import Configuration, Space
from reeltune.ratings.catalogue import Catalogue
from reeltune.ratings.table import RatingTable


@runtime_checkable
class Recommender(Protocol):
    """A model class: made with its hyperparameters, fitted to ratings, asked for scores.

    It is also what `--model package.module:Name` names. What `arrays` returns is all that is kept
    of a fitted model: `load(arrays())` must score exactly as the fitted model does.
    """

    space: ClassVar[Space]

    def __init__(self, hyperparameters: Configuration) -> None:
        """Keep a valid configuration of `space`."""

    def fit(self, ratings: RatingTable, catalogue: Catalogue) -> Self:
        """Learn from `ratings`, and from nothing else that anybody rated; returns itself."""

    def score(self, users: Ints) -> Floats:
        """(U, M) worth of each movie to `users` (U,), positions in the table fitted to."""

    def arrays(self) -> dict[str, AnyArray]:
        """All that was learnt, by name."""

    def load(self, arrays: Mapping[str, AnyArray]) -> Self:
        """Take back what `arrays` gave; returns itself."""


@dataclass(frozen=True)
class Recommendation:
    """One movie on a user's list, and what each part of the score added to it."""

    movie_id: int
    score: float
    parts: dict[str, float]  # by component; empty for a model that does not say
