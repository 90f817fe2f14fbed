"""Recommender protocol: the interface of a model that is tuned, versioned and served."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal, Protocol, Self, runtime_checkable

from reeltune.domain.arrays import AnyArray, Floats, Ints
from reeltune.domain.space import Configuration, Space
from reeltune.ratings.catalogue import Catalogue
from reeltune.ratings.table import RatingTable


@runtime_checkable
class Recommender(Protocol):
    """Model class: made with its hyperparameters, fitted to ratings, asked for scores.

    It is also what `--model package.module:Name` names. What `arrays` returns is all that is stored
    of a fitted model: `load(arrays())` must score exactly as the fitted model does.

    Methods may accept more, by name; what they do not accept is not given (`ratings.calls`):

    - `fit(..., measured=)`: only users with a rating in this table will be scored, so that profiles
      of others need not be made. `fit(..., shared=)`: a `SharedFits` of the experiments on the same
      ratings, for what does not depend on the hyperparameters that differ.
    - `load(arrays, ratings=)`: the ratings of the users and movies of the fit, at their positions:
      those of the fit when a model is stored, those of today when it is loaded to serve.

    The same ratings and hyperparameters must give the same arrays, to the last bit, on the same
    machine: a version is reproduced and refitted by that. Scores are asked for blocks of users, of
    64 MiB; what else a fit needs of memory is the model's own.
    """

    space: ClassVar[Space]

    def __init__(self, hyperparameters: Configuration) -> None:
        """Set the hyperparameters, a valid configuration of `space`."""

    def fit(self, ratings: RatingTable, catalogue: Catalogue) -> Self:
        """Fit to `ratings`, and to no other ratings; return itself."""

    def score(self, users: Ints) -> Floats:
        """Return the scores of all movies, (U, M), for `users` (U,), by position in the table."""

    def arrays(self) -> dict[str, AnyArray]:
        """Return all that was fitted, by name."""

    def load(self, arrays: Mapping[str, AnyArray]) -> Self:
        """Load what `arrays` returned; return itself."""


@runtime_checkable
class Explaining(Protocol):
    """Recommender that says what a score is made of."""

    def parts(self, users: Ints) -> Mapping[str, Floats]:
        """Return what each component adds to the scores: (U, M), or (1, M) if alike for all."""


@dataclass(frozen=True)
class Recommendation:
    """Movie on a user's list, and what each component added to its score."""

    movie_id: int
    score: float
    parts: dict[str, float]  # by component; empty for a model that does not say


ProfileSource = Literal["fitted", "folded in", "popular"]
