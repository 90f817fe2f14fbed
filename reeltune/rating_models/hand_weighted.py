"""The recommender: hyperparameters and fitted components make scores, top-k lists, reasons."""

import dataclasses
import importlib
from collections.abc import Mapping
from functools import lru_cache
from typing import ClassVar, Self

import numpy as np

from reeltune.components import COMPONENTS, Component
from reeltune.components.hyperparameters import SPACE
from reeltune.components.opinions import Opinions
from reeltune.domain.arrays import AnyArray, Floats, Ints, Ints32
from reeltune.domain.errors import InputError
from reeltune.domain.space import Configuration, Space
from reeltune.metrics.ranking import tie_order
from reeltune.ratings.catalogue import Catalogue
from reeltune.ratings.recommender import Recommendation, Recommender
from reeltune.ratings.table import RatingTable

BUILT_IN = "hand-weighted"


class HandWeighted:
    """The hand-weighted recommender: a weighted sum of components, each in [0, 1]."""

    space: ClassVar[Space] = SPACE

    def __init__(self, hyperparameters: Configuration) -> None:
        self.hyperparameters = hyperparameters
        self.components: tuple[Component, ...] = ()

    def fit(
        self, ratings: RatingTable, catalogue: Catalogue, measured: RatingTable | None = None
    ) -> Self:
        """Fit the components to `ratings`; fitted before to the same table, they are reused.

        With `measured` it can only score users with a rating there, which is quicker.
        """
        self.components = fit_components(ratings, catalogue, measured)
        return self

    def score(self, users: Ints) -> Floats:
        """(U, M) weighted sums, in [0, 1]."""
        return np.asarray(sum(self.parts(users).values()))

    def score_at(self, users: Ints, movies: Ints32) -> Floats:
        """(N,) what `score` says of user `users[n]` and movie `movies[n]`, for a few pairs."""
        total = np.zeros(len(users))
        for part in self.components:
            weight = self.hyperparameters[f"{part.name}_weight"]
            total += weight * part.score_at(users, movies.astype(np.int64), self.hyperparameters)
        return total

    def parts(self, users: Ints) -> dict[str, Floats]:
        """What each component adds to the score of `users`: (U, M), or (1, M) if the same."""
        if not self.components:
            raise InputError("the recommender is not fitted: call fit or load first")
        return {
            part.name: self.hyperparameters[f"{part.name}_weight"]
            * part.score(users, self.hyperparameters)
            for part in self.components
        }

    def arrays(self) -> dict[str, AnyArray]:
        """The fields of all fitted components, as `component.field`."""
        return {
            f"{part.name}.{field.name}": getattr(part, field.name)
            for part in self.components
            for field in dataclasses.fields(part)
        }

    def load(self, arrays: Mapping[str, AnyArray]) -> Self:
        """Put the components together from their fields."""
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
    """All components fitted to `ratings`; remembered, since no hyperparameter enters here.

    Of users without a rating in `measured` they say nothing that is of use; with None, of all.
    """
    opinions = Opinions.of(ratings, measured)
    return tuple(component.fit(opinions, catalogue) for component in COMPONENTS.values())


def model_class(name: str) -> type[Recommender]:
    """The recommender that `name` means: the built-in one, or `package.module:Name`.

    Raises:
        InputError: it cannot be imported or is no recommender.
    """
    if name == BUILT_IN:
        return HandWeighted
    module_name, _, class_name = name.partition(":")
    if not class_name:
        raise InputError(f"a model is {BUILT_IN!r} or 'package.module:Name', got {name!r}")
    try:
        found = getattr(importlib.import_module(module_name), class_name)
    except (ImportError, AttributeError, ValueError) as error:
        raise InputError(f"model {name!r} cannot be imported: {error}") from error
    missing = [n for n in ("space", "fit", "score", "arrays", "load") if not hasattr(found, n)]
    if missing or not isinstance(found, type):
        raise InputError(f"model {name!r} is no recommender: it lacks {', '.join(missing)}")
    return found


def recommend(
    model: Recommender, ratings: RatingTable, user_id: int, k: int = 10
) -> list[Recommendation]:
    """The `k` best movies that the user has not rated, best first, each with its reasons.

    Raises:
        InputError: there is no such user in `ratings`.
    """
    user = int(np.searchsorted(ratings.user_ids, user_id))
    if user == ratings.n_users or ratings.user_ids[user] != user_id:
        raise InputError(f"user {user_id} has no ratings")
    seen = ratings.movies[ratings.starts[user] : ratings.starts[user + 1]]
    scores = np.array(model.score(np.array([user]))[0])
    reasons = model.parts(np.array([user])) if isinstance(model, HandWeighted) else {}
    return [
        Recommendation(
            movie_id=int(ratings.movie_ids[movie]),
            score=float(scores[movie]),
            parts={name: float(part[0, movie]) for name, part in reasons.items()},
        )
        for movie in top_movies(scores, seen, tie_order(ratings.movie_ids), k)
    ]


def top_movies(scores: Floats, seen: Ints32, ties: Ints, k: int) -> list[int]:
    """Positions of the `k` best of `scores` (M,) outside `seen`, ties in the order of `ties`."""
    order = np.lexsort((ties, -scores))
    return [int(movie) for movie in order[~np.isin(order, seen)][:k]]
