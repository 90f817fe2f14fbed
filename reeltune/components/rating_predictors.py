"""Registry of rating predictors: components of predicted stars, alone or in a hybrid."""

from reeltune.components.biased_means import BiasedMeans
from reeltune.components.boosted_trees import BoostedRanking, BoostedTrees
from reeltune.components.factorization import Factorization
from reeltune.components.rating_predictor import RatingPredictor
from reeltune.components.ridge_regression import RidgeRegression
from reeltune.components.two_tower import TwoTower

RATING_PREDICTORS: dict[str, type[RatingPredictor]] = {
    kind.name: kind
    for kind in (
        BiasedMeans,
        RidgeRegression,
        BoostedTrees,
        BoostedRanking,
        Factorization,
        TwoTower,
    )
}
