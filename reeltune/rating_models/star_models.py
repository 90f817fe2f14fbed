"""Recommenders that rank by predicted stars: each a rating predictor alone."""

from collections.abc import Mapping
from typing import ClassVar, Protocol, Self, runtime_checkable

import numpy as np

from reeltune.components.biased_means import BiasedMeans
from reeltune.components.boosted_trees import BoostedRanking, BoostedTrees
from reeltune.components.factorization import Factorization
from reeltune.components.hyperparameters import ACCURACY_THRESHOLD
from reeltune.components.learned_component import History
from reeltune.components.rating_predictor import RatingPredictor
from reeltune.components.ridge_regression import RidgeRegression
from reeltune.components.two_tower import TwoTower
from reeltune.domain.arrays import AnyArray, Floats, Ints
from reeltune.domain.errors import InputError
from reeltune.domain.space import Configuration, Fixed, Single, Space
from reeltune.ratings.catalogue import Catalogue
from reeltune.ratings.shared_fits import SharedFits
from reeltune.ratings.table import RatingTable
from reeltune.search.single_thread import one_thread


@runtime_checkable
class PredictsStars(Protocol):
    """Recommender that says how many stars a user will give."""

    def predict(self, users: Ints, movies: Ints) -> Floats:
        """Return the stars that users[n] will give movies[n], (N,), within the scale of ratings."""


def space_of_predictor(component: type[RatingPredictor]) -> Space:
    """Return the hyperparameters of a rating predictor that stands alone."""
    return Space((*(Single(each) for each in component.hyperparameters), Fixed(ACCURACY_THRESHOLD)))


class StarModel:
    """Recommender by one rating predictor."""

    component: ClassVar[type[RatingPredictor]]
    space: ClassVar[Space]

    def __init__(self, hyperparameters: Configuration) -> None:
        self.hyperparameters = hyperparameters
        self._fitted: RatingPredictor | None = None

    def fit(
        self, ratings: RatingTable, catalogue: Catalogue, shared: SharedFits | None = None
    ) -> Self:
        """Fit the predictor; what no hyperparameter decides is made once for all experiments."""
        shared = SharedFits() if shared is None else shared
        history = shared.get("history", lambda: History(ratings, catalogue))
        with one_thread():
            self._fitted = self.component.fit(history, self.hyperparameters)
        return self

    def fold_in(self, ratings: RatingTable, catalogue: Catalogue, newcomers: RatingTable) -> Self:
        """Return this model for the users of `ratings` who have a rating in `newcomers`.

        Their profiles are made of `ratings`; what was fitted of movies stays.
        """
        wanted = np.diff(newcomers.starts) > 0
        own = ratings.where(wanted[ratings.users])
        folded = type(self)(self.hyperparameters)
        with one_thread():
            folded._fitted = self.predictor.fold_in(History(own, catalogue, of_all=ratings))
        return folded

    def score(self, users: Ints) -> Floats:
        """Return the stars, not cut to the scale, (U, M)."""
        with one_thread():
            return self.predictor.score(users)[self.component.name].astype(np.float64)

    def predict(self, users: Ints, movies: Ints) -> Floats:
        """Return the stars that users[n] will give movies[n], (N,), within the scale."""
        with one_thread():
            return self.predictor.predict(users, movies)

    def arrays(self) -> dict[str, AnyArray]:
        """Return the predictor's arrays."""
        return self.predictor.arrays()

    def load(self, arrays: Mapping[str, AnyArray]) -> Self:
        """Load the predictor from its arrays."""
        self._fitted = self.component.load(arrays)
        return self

    @property
    def predictor(self) -> RatingPredictor:
        """Fitted predictor.

        Raises:
            InputError: there is none yet.
        """
        if self._fitted is None:
            raise InputError("the recommender is not fitted: call fit or load first")
        return self._fitted


class BiasedMeansModel(StarModel):
    """Means with biases of users and movies."""

    component = BiasedMeans
    space = space_of_predictor(BiasedMeans)


class RidgeModel(StarModel):
    """Ridge regression on components and movie features."""

    component = RidgeRegression
    space = space_of_predictor(RidgeRegression)


class BoostedTreesModel(StarModel):
    """Regression by gradient-boosted trees."""

    component = BoostedTrees
    space = space_of_predictor(BoostedTrees)


class BoostedRankingModel(StarModel):
    """Ranking by gradient-boosted trees."""

    component = BoostedRanking
    space = space_of_predictor(BoostedRanking)


class FactorizationModel(StarModel):
    """Matrix factorization."""

    component = Factorization
    space = space_of_predictor(Factorization)


class TwoTowerNetwork(StarModel):
    """Two-tower network."""

    component = TwoTower
    space = space_of_predictor(TwoTower)
