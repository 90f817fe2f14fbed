"""Ridge regression of ratings on components and movie features."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, Self

import numpy as np

from reeltune.components.learned_component import History
from reeltune.components.pair_features import PairFeatures, fitted_features
from reeltune.components.rating_predictor import StarPlanes, within_scale
from reeltune.domain.arrays import AnyArray, Floats, Ints
from reeltune.domain.parameters import FloatParameter, Hyperparameter
from reeltune.domain.space import Configuration

RIDGE_PENALTY = FloatParameter(
    name="ridge_penalty",
    default=100.0,
    low=0.1,
    high=1e5,
    log=True,
    meaning="penalty on the squared coefficients of standardised features of a rating",
)


@dataclass(frozen=True, eq=False)
class RidgeRegression:
    """Linear model of stars by features that were fitted without the rating itself.

    Source: Hoerl and Kennard 1970, "Ridge regression"; as scikit-learn does it.
    """

    name: ClassVar[str] = "ridge"
    hyperparameters: ClassVar[tuple[Hyperparameter, ...]] = (RIDGE_PENALTY,)
    planes: ClassVar[tuple[str, ...]] = ("ridge",)

    features: PairFeatures
    coefficients: Floats  # (F,)
    intercept: Floats  # (1,)

    @classmethod
    def fit(cls, history: History, values: Configuration) -> Self:
        """Fit features, then the coefficients to features of fits without the rating."""
        from sklearn.linear_model import Ridge

        features, x32, _ = fitted_features(history)
        x = x32.astype(np.float64)
        if not len(x):
            return cls(features, np.zeros(x.shape[1]), np.array([features.mean]))
        centre, scale = x.mean(axis=0), x.std(axis=0)
        scale[scale < 1e-9] = 1.0
        solved = Ridge(alpha=float(values[RIDGE_PENALTY.name]), solver="cholesky")
        solved.fit((x - centre) / scale, history.ratings.ratings.astype(np.float64))
        coefficients = np.asarray(solved.coef_, dtype=np.float64) / scale
        intercept = float(solved.intercept_) - float(centre @ coefficients)
        return cls(features, coefficients, np.array([intercept]))

    def score(self, users: Ints) -> StarPlanes:
        """Return the stars, (U, M)."""
        n_movies = len(self.features.of_movies)
        rows = [
            self._stars(self.features.of_everything(users[k : k + 1])) for k in range(len(users))
        ]
        return {self.name: np.array(rows, dtype=np.float32).reshape(len(users), n_movies)}

    def predict(self, users: Ints, movies: Ints) -> Floats:
        """Return the stars of pairs, (N,)."""
        return within_scale(self._stars(self.features.at(users, movies)))

    def _stars(self, x: AnyArray) -> Floats:
        stars: Floats = x.astype(np.float64) @ self.coefficients + self.intercept
        return stars

    def fold_in(self, history: History) -> Self:
        """Return the component for the users of `history`; what was fitted of movies stays."""
        return replace(self, features=self.features.fold_in(history))

    def arrays(self) -> dict[str, AnyArray]:
        """Return the coefficients, and what the features are of."""
        own = {"coefficients": self.coefficients, "intercept": self.intercept}
        return own | {f"features.{n}": a for n, a in self.features.arrays().items()}

    @classmethod
    def load(cls, arrays: Mapping[str, AnyArray]) -> Self:
        """Return the component that `arrays` are of."""
        return cls(
            features=PairFeatures.load(features_among(arrays)),
            coefficients=np.asarray(arrays["coefficients"], dtype=np.float64),
            intercept=np.asarray(arrays["intercept"], dtype=np.float64),
        )


def features_among(arrays: Mapping[str, AnyArray]) -> dict[str, AnyArray]:
    """Return the arrays of the features, by their own names."""
    prefix = "features."
    return {n.removeprefix(prefix): a for n, a in arrays.items() if n.startswith(prefix)}
