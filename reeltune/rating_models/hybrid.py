"""Hybrid recommender: learned and hand-set components, with weights fitted to what users chose."""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Self

import numpy as np

from reeltune.components.hyperparameters import ACCURACY_THRESHOLD
from reeltune.components.learned import LEARNED_COMPONENTS
from reeltune.components.learned_component import History, LearnedComponent
from reeltune.domain.arrays import AnyArray, Floats, Ints
from reeltune.domain.errors import InputError
from reeltune.domain.parameters import FloatParameter
from reeltune.domain.space import Configuration, Fixed, Single, Space
from reeltune.rating_models.combiner import FIRST_WEIGHT, Loss, fit_weights
from reeltune.rating_models.hybrid_examples import (
    FEW_RATINGS,
    USERS_AT_A_TIME,
    Window,
    examples_of,
    fit_all,
    newcomers_window,
    windows,
)
from reeltune.rating_models.hybrid_features import (
    FEATURES_PER_PLANE,
    RatedMovies,
    planes_of,
    signed_log,
    standardised,
)
from reeltune.ratings.catalogue import Catalogue
from reeltune.ratings.table import RatingTable
from reeltune.search.single_thread import one_thread

SCORE_DECIMALS = 9  # of scores: sums of other blocks of users differ in the last bits

TAU = FloatParameter(
    name="tau",
    default=0.7,
    low=0.0,
    high=1.0,
    meaning="how much the weights are fitted to pairs (accuracy), and the rest to lists (NDCG)",
)
L2 = FloatParameter(
    name="weight_penalty",
    default=1e-3,
    low=1e-5,
    high=1e-1,
    log=True,
    meaning="penalty on the squared weights of the components",
)
OF_COMPONENTS = [p for kind in LEARNED_COMPONENTS.values() for p in kind.hyperparameters]
PLANES = [name for kind in LEARNED_COMPONENTS.values() for name in kind.planes]


class Hybrid:
    """Weighted sum of components, standardised for each user; the weights are fitted, not set.

    Two sets of weights: for users with a history, fitted on what users chose in the latest
    windows of the past; and for those with few ratings or none, fitted on users' first choices.
    """

    space: ClassVar[Space] = Space(
        (
            Single(TAU),
            Single(L2),
            *(Single(each) for each in OF_COMPONENTS),
            Fixed(ACCURACY_THRESHOLD),
        )
    )

    def __init__(self, hyperparameters: Configuration) -> None:
        self.hyperparameters = hyperparameters
        self.components: tuple[LearnedComponent, ...] = ()
        self.weights: Floats = np.zeros((2, FEATURES_PER_PLANE * len(PLANES)))
        self.rated: RatedMovies | None = None

    @classmethod
    def kinds(cls) -> dict[str, type[LearnedComponent]]:
        """Return the components, in the order in which they are added up."""
        return LEARNED_COMPONENTS

    def fit(self, ratings: RatingTable, catalogue: Catalogue) -> Self:
        """Fit the weights on windows of `ratings`, then the components that have any on all."""
        with one_thread():
            known = self._fit_weights(windows(ratings, catalogue))
            new = self._fit_weights([newcomers_window(ratings, catalogue)])
            self.weights = np.array([known, new])
            wanted = [name for name, kind in self.kinds().items() if self._uses(kind.planes)]
            self.components = fit_all(History(ratings, catalogue), self.hyperparameters, wanted)
        self.rated = RatedMovies.of(ratings)
        return self

    def score(self, users: Ints) -> Floats:
        """Return the weighted sums, (U, M)."""
        with one_thread():
            blocks = [
                sum_of(self._parts(users[at : at + USERS_AT_A_TIME]))
                for at in range(0, len(users), USERS_AT_A_TIME)
            ]
        n_movies = self._rated.n_movies
        return np.round(np.concatenate([np.zeros((0, n_movies)), *blocks]), SCORE_DECIMALS)

    def parts(self, users: Ints) -> dict[str, Floats]:
        """Return what each plane adds to the score, (U, M)."""
        with one_thread():
            return self._parts(users)

    def arrays(self) -> dict[str, AnyArray]:
        """Return the weights, what users have rated, and the components' arrays."""
        found = {"weights": self.weights, **self._rated.arrays()}
        for component in self.components:
            for name, array in component.arrays().items():
                found[f"{component.name}.{name}"] = array
        return found

    def load(self, arrays: Mapping[str, AnyArray]) -> Self:
        """Load what `arrays` returned."""
        self.weights = np.asarray(arrays["weights"], dtype=np.float64)
        self.rated = RatedMovies.load(arrays)
        self.components = tuple(
            kind.load(own)
            for name, kind in LEARNED_COMPONENTS.items()
            if (own := _starting_with(f"{name}.", arrays))
        )
        return self

    @property
    def _rated(self) -> "RatedMovies":
        if self.rated is None:
            raise InputError("the recommender is not fitted: call fit or load first")
        return self.rated

    def _fit_weights(self, past: Sequence[Window]) -> Floats:
        """Return the weights (F,) for the windows of the past; all alike where there are none."""
        names = list(self.kinds())
        examples = [
            examples_of(window, fit_all(window.history, self.hyperparameters, names))
            for window in past
            if len(window.held_out)
        ]
        if not examples:
            return np.full(self.weights.shape[1], FIRST_WEIGHT)
        loss = Loss(tau=float(self.hyperparameters["tau"]), l2=float(self.hyperparameters[L2.name]))
        columns = [
            column
            for kind in self.kinds().values()
            for plane in kind.planes
            for column in _columns(plane)
        ]
        weights = np.zeros(self.weights.shape[1])
        weights[columns] = fit_weights(examples, loss)
        return weights

    def _uses(self, planes: Sequence[str]) -> bool:
        """Return if any feature of these planes has a weight."""
        columns = [column for plane in planes for column in _columns(plane)]
        return bool((self.weights[:, columns] > 0).any())

    def _parts(self, users: Ints) -> dict[str, Floats]:
        rated = self._rated
        candidates = rated.unrated(users)
        is_new = rated.n_ratings[users] < FEW_RATINGS
        weights = self.weights[is_new.astype(np.int64)]  # (U, F)
        found = {}
        for name, plane in planes_of(self.components, users).items():
            linear, logarithmic = (weights[:, [column]] for column in _columns(name))
            z = standardised(plane, candidates)
            found[name] = linear * z + logarithmic * signed_log(z)
        return found


def sum_of(parts: Mapping[str, Floats]) -> Floats:
    """Return the sum of parts (U, M) of a score, added up in their order."""
    return np.asarray(sum(parts.values()))


def _columns(plane: str) -> list[int]:
    """Return the columns of a plane's features."""
    first = FEATURES_PER_PLANE * PLANES.index(plane)
    return list(range(first, first + FEATURES_PER_PLANE))


def _starting_with(prefix: str, arrays: Mapping[str, AnyArray]) -> dict[str, AnyArray]:
    """Return the arrays whose names start with `prefix`, by the rest of their names."""
    return {n.removeprefix(prefix): a for n, a in arrays.items() if n.startswith(prefix)}
