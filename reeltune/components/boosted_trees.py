"""Gradient-boosted trees on components and movie features: a regression, and a ranking.

Source: Chen and Guestrin 2016, "XGBoost: a scalable tree boosting system".
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from reeltune.components.learned_component import History
from reeltune.components.pair_features import PairFeatures, fitted_features
from reeltune.components.rating_predictor import StarPlanes, within_scale
from reeltune.components.ridge_regression import features_among
from reeltune.domain.arrays import AnyArray, Floats, Floats32, Ints
from reeltune.domain.parameters import FloatParameter, Hyperparameter, IntParameter
from reeltune.domain.space import Configuration

LEVEL_COLUMN = 1  # column of the features with the user's mean
CALIBRATION_FOLD = 0  # of the ratings that scores of a ranking are made stars by
N_USERS_AT_ONCE = 16

N_TREES = IntParameter(
    name="boosted_trees", default=150, low=20, high=600, log=True, meaning="number of trees"
)
TREE_DEPTH = IntParameter(
    name="boosted_depth", default=4, low=2, high=8, meaning="most questions from root to leaf"
)
TREE_RATE = FloatParameter(
    name="boosted_learning_rate",
    default=0.06,
    low=0.01,
    high=0.3,
    log=True,
    meaning="how much each tree adds of what it learned",
)
LEAF_PENALTY = FloatParameter(
    name="boosted_leaf_penalty",
    default=10.0,
    low=0.1,
    high=300.0,
    log=True,
    meaning="penalty on the squared values of the leaves",
)


@dataclass(frozen=True, eq=False)
class BoostedTrees:
    """Regression of stars by trees, on features that were fitted without the rating itself."""

    name: ClassVar[str] = "boosted"
    hyperparameters: ClassVar[tuple[Hyperparameter, ...]] = (
        N_TREES,
        TREE_DEPTH,
        TREE_RATE,
        LEAF_PENALTY,
    )
    planes: ClassVar[tuple[str, ...]] = ("boosted",)
    objective: ClassVar[dict[str, Any]] = {"objective": "reg:squarederror"}

    features: PairFeatures
    booster: NDArray[np.uint8]  # in XGBoost's UBJ
    calibration: Floats  # (3,) stars = [1, user's mean, score] @ calibration

    @classmethod
    def fit(cls, history: History, values: Configuration) -> Self:
        """Fit features, then trees to features of fits without the rating."""
        features, x, folds = fitted_features(history)
        chosen = cls.trained_on(folds)
        if not chosen.any():
            return cls(features, np.zeros(0, dtype=np.uint8), np.array([features.mean, 0.0, 0.0]))
        booster = cls.train(x[chosen], history, chosen, values)
        stars = history.ratings.ratings.astype(np.float64)
        held_out = ~chosen
        calibration = cls.calibrate(
            x[held_out, LEVEL_COLUMN].astype(np.float64),
            _score(booster, x[held_out]),
            stars[held_out],
        )
        content = np.frombuffer(bytes(booster.save_raw("ubj")), dtype=np.uint8)
        return cls(features, content, calibration)

    @classmethod
    def trained_on(cls, folds: Ints) -> NDArray[np.bool_]:
        """Return which ratings the trees are fitted to, by their folds."""
        return np.ones(len(folds), dtype=np.bool_)

    @classmethod
    def train(
        cls, x: Floats32, history: History, chosen: NDArray[np.bool_], values: Configuration
    ) -> Any:
        """Return the trees for the `chosen` ratings (N,), with features x (n, F)."""
        import xgboost

        stars, users = history.ratings.ratings[chosen], history.ratings.users[chosen]
        is_ranking = cls.objective["objective"].startswith("rank:")
        data = xgboost.DMatrix(x, label=2 * stars if is_ranking else stars, nthread=1)
        if is_ranking:
            data.set_info(qid=users)
        parameters = {
            "tree_method": "hist",
            "max_depth": int(values[TREE_DEPTH.name]),
            "eta": float(values[TREE_RATE.name]),
            "lambda": float(values[LEAF_PENALTY.name]),
            "nthread": 1,  # sums in one order, on any number of cores
            "seed": 0,
            **cls.objective,
        }
        return xgboost.train(parameters, data, num_boost_round=int(values[N_TREES.name]))

    @classmethod
    def calibrate(cls, level: Floats, scores: Floats, stars: Floats) -> Floats:
        """Return what makes stars of scores (n,): here, they are stars."""
        return np.array([0.0, 0.0, 1.0])

    @cached_property
    def _booster(self) -> Any:
        import xgboost

        booster = xgboost.Booster()
        booster.load_model(bytearray(self.booster.tobytes()))
        return booster

    def score(self, users: Ints) -> StarPlanes:
        """Return the stars, (U, M)."""
        blocks = [
            self._stars(self.features.of_everything(users[k : k + N_USERS_AT_ONCE]))
            for k in range(0, len(users), N_USERS_AT_ONCE)
        ]
        found = np.concatenate([np.zeros(0), *blocks]).astype(np.float32)
        return {self.name: found.reshape(len(users), len(self.features.of_movies))}

    def predict(self, users: Ints, movies: Ints) -> Floats:
        """Return the stars of pairs, (N,)."""
        return within_scale(self._stars(self.features.at(users, movies)))

    def _stars(self, x: Floats32) -> Floats:
        scores = _score(self._booster, x) if len(self.booster) else np.zeros(len(x))
        base, of_level, of_score = self.calibration
        stars: Floats = base + of_level * x[:, LEVEL_COLUMN].astype(np.float64) + of_score * scores
        return stars

    def fold_in(self, history: History) -> Self:
        """Return the component for the users of `history`; what was fitted of movies stays."""
        return replace(self, features=self.features.fold_in(history))

    def arrays(self) -> dict[str, AnyArray]:
        """Return the trees, and what the features are of."""
        own: dict[str, AnyArray] = {"booster": self.booster, "calibration": self.calibration}
        return own | {f"features.{n}": a for n, a in self.features.arrays().items()}

    @classmethod
    def load(cls, arrays: Mapping[str, AnyArray]) -> Self:
        """Return the component that `arrays` are of."""
        return cls(
            features=PairFeatures.load(features_among(arrays)),
            booster=np.asarray(arrays["booster"], dtype=np.uint8),
            calibration=np.asarray(arrays["calibration"], dtype=np.float64),
        )


@dataclass(frozen=True, eq=False)
class BoostedRanking(BoostedTrees):
    """Ranking of each user's movies by trees; a fifth of the ratings says what its scores mean.

    Source: Burges 2010, "From RankNet to LambdaRank to LambdaMART", with gains linear in stars.
    """

    name: ClassVar[str] = "boosted_ranking"
    planes: ClassVar[tuple[str, ...]] = ("boosted_ranking",)
    objective: ClassVar[dict[str, Any]] = {"objective": "rank:ndcg", "ndcg_exp_gain": False}

    @classmethod
    def trained_on(cls, folds: Ints) -> NDArray[np.bool_]:
        """Return which ratings the trees are fitted to, by their folds."""
        others: NDArray[np.bool_] = folds != CALIBRATION_FOLD
        return others

    @classmethod
    def calibrate(cls, level: Floats, scores: Floats, stars: Floats) -> Floats:
        """Return the least squares of stars (n,) on the user's mean and the score."""
        x = np.column_stack([np.ones(len(level)), level, scores])
        return np.asarray(np.linalg.lstsq(x, stars, rcond=None)[0], dtype=np.float64)


def _score(booster: Any, x: Floats32) -> Floats:
    if not len(x):
        return np.zeros(0)
    return np.asarray(booster.inplace_predict(x), dtype=np.float64)
