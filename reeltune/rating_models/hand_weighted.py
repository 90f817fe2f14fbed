"""Hand-weighted recommender: scores and reasons from hyperparameters and fitted components."""

import dataclasses
from collections.abc import Mapping
from functools import lru_cache
from typing import ClassVar, Self

import numpy as np

from reeltune.components import COMPONENTS, Component
from reeltune.components.hyperparameters import SPACE
from reeltune.components.user_centred import UserCentredRatings
from reeltune.domain.arrays import AnyArray, Floats, Ints, Ints32
from reeltune.domain.errors import InputError
from reeltune.domain.space import Configuration, Space
from reeltune.ratings.catalogue import Catalogue
from reeltune.ratings.table import RatingTable


class HandWeighted:
    """Hand-weighted recommender: a weighted sum of components, each in [0, 1]."""

    space: ClassVar[Space] = SPACE

    def __init__(self, hyperparameters: Configuration) -> None:
        self.hyperparameters = hyperparameters
        self.components: tuple[Component, ...] = ()

    def fit(
        self, ratings: RatingTable, catalogue: Catalogue, measured: RatingTable | None = None
    ) -> Self:
        """Fit the components to `ratings`; those already fitted to the same table are reused.

        With `measured` the model can only score users with a rating there, which is quicker.
        """
        self.components = fit_components(ratings, catalogue, measured)
        return self

    def fold_in(self, ratings: RatingTable, catalogue: Catalogue, newcomers: RatingTable) -> Self:
        """Return this model for the users of `ratings` who have a rating in `newcomers`.

        Their profiles are made of `ratings` as in `fit`; what was fitted of movies stays.
        """
        centred = UserCentredRatings.of(ratings, newcomers)
        folded = type(self)(self.hyperparameters)
        folded.components = tuple(
            part.fit(centred, catalogue) if part.is_personal else part for part in self.components
        )
        return folded

    def score(self, users: Ints) -> Floats:
        """Return weighted sums, in [0, 1]: (U, M)."""
        return np.asarray(sum(self.parts(users).values()))

    def score_at(self, users: Ints, movies: Ints32) -> Floats:
        """Return what `score` gives for users[n] and movies[n], (N,), for a few pairs."""
        total = np.zeros(len(users))
        for part in self.components:
            weight = self.hyperparameters[f"{part.name}_weight"]
            total += weight * part.score_at(users, movies.astype(np.int64), self.hyperparameters)
        return total

    def parts(self, users: Ints) -> dict[str, Floats]:
        """Return what each component adds to the score: (U, M), or (1, M) if the same for all."""
        if not self.components:
            raise InputError("the recommender is not fitted: call fit or load first")
        return {
            part.name: self.hyperparameters[f"{part.name}_weight"]
            * part.score(users, self.hyperparameters)
            for part in self.components
        }

    def arrays(self) -> dict[str, AnyArray]:
        """Return the fields of all fitted components, as `component.field`."""
        return {
            f"{part.name}.{field.name}": getattr(part, field.name)
            for part in self.components
            for field in dataclasses.fields(part)
        }

    def load(self, arrays: Mapping[str, AnyArray]) -> Self:
        """Load the components from their fields."""
        self.components = tuple(
            kind(
                **{
                    name.removeprefix(f"{kind.name}."): array
                    for name, array in arrays.items()
                    if name.startswith(f"{kind.name}.")
                }
            )
            for kind in COMPONENTS.values()
        )
        return self


@lru_cache(maxsize=4)
def fit_components(
    ratings: RatingTable, catalogue: Catalogue, measured: RatingTable | None
) -> tuple[Component, ...]:
    """Return all components fitted to `ratings`, cached, as no hyperparameter enters here.

    For users without a rating in `measured` they are not valid; with None, they are for all.
    """
    centred = UserCentredRatings.of(ratings, measured)
    return tuple(component.fit(centred, catalogue) for component in COMPONENTS.values())
