"""Hybrid recommender: learned and hand-set components, with weights fitted to what users chose."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import ClassVar, Self

import numpy as np

from reeltune.components.compiled_loops import plane_loops
from reeltune.components.hyperparameters import ACCURACY_THRESHOLD
from reeltune.components.learned import LEARNED_COMPONENTS, SWITCHES
from reeltune.components.learned_component import History, LearnedComponent
from reeltune.domain.arrays import AnyArray, Bools, Floats, Ints
from reeltune.domain.errors import InputError
from reeltune.domain.parameters import FloatParameter, IntParameter
from reeltune.domain.space import Configuration, Fixed, Single, Space
from reeltune.rating_models.combiner import FIRST_WEIGHT, Loss, fit_weights
from reeltune.rating_models.hybrid_examples import (
    FEW_RATINGS,
    Window,
    examples_of,
    fit_all,
    newcomers_window,
    windows,
)
from reeltune.rating_models.hybrid_features import (
    FEATURES_PER_PLANE,
    Plane,
    RatedMovies,
    blocks,
    planes_of,
)
from reeltune.ratings.catalogue import Catalogue
from reeltune.ratings.table import RatingTable
from reeltune.search.single_thread import one_thread

WEIGHT_STEPS = 2.0**20  # of the grid of weights: sums of scores, on a grid too, are exact
LISTS, ORDER = 0, 1  # stages: weights of the first places, and of all other movies
KNOWN, NEW = 0, 1  # users with a history, and with few ratings or none
LEAD = "list"  # part of the score that lets the first places stand above all others

TAU = FloatParameter(
    name="tau",
    default=0.7,
    low=0.0,
    high=1.0,
    meaning="how much the weights are fitted to pairs (accuracy), and the rest to lists (NDCG)",
)
L2 = FloatParameter(
    name="weight_penalty",
    default=3e-3,
    low=1e-5,
    high=1e-1,
    log=True,
    meaning="penalty on the squared weights of the components",
)
LIST_PLACES = IntParameter(
    name="list_places",
    default=20,
    low=0,
    high=100,
    meaning="first places that are for the list alone; below, movies stand by how well they will be"
    " rated. 0: all by one order",
)
POPULARITY_DISCOUNT = FloatParameter(
    name="popularity_discount",
    default=0.5,
    low=0.0,
    high=1.0,
    meaning="how much less what is liked by all counts for the lists of users with a history; the"
    " more, the more movies are recommended",
)
OF_COMPONENTS = [p for kind in LEARNED_COMPONENTS.values() for p in kind.hyperparameters]
PLANES = [name for kind in LEARNED_COMPONENTS.values() for name in kind.planes]
ALIKE_FOR_ALL = ("quality", "popularity", "trending")  # planes
FOR_NEWCOMERS = ("quality", "era", "trending", "genre", "cast", "franchise")  # need little history


class Hybrid:
    """Weighted sum of components, standardised for each user; the weights are fitted, not set.

    Two sets of weights: for users with a history, fitted on what users chose in the latest
    windows of the past; and for those with few ratings or none, fitted on users' first choices.
    Each set has two stages: the first `list_places` are the best by weights for lists; below them
    all stand by weights that are fitted to pairs of a liked and another movie alone.
    """

    space: ClassVar[Space] = Space(
        (
            Single(TAU),
            Single(L2),
            Single(LIST_PLACES),
            Single(POPULARITY_DISCOUNT),
            *(Single(each) if each.searched else Fixed(each) for each in OF_COMPONENTS),
            Fixed(ACCURACY_THRESHOLD),
        )
    )

    def __init__(self, hyperparameters: Configuration) -> None:
        self.hyperparameters = hyperparameters
        self.components: tuple[LearnedComponent, ...] = ()
        self.weights = self._no_weights
        self.rated: RatedMovies | None = None

    @classmethod
    def kinds(cls) -> dict[str, type[LearnedComponent]]:
        """Return the components, in the order in which they are added up."""
        return LEARNED_COMPONENTS

    def fit(self, ratings: RatingTable, catalogue: Catalogue) -> Self:
        """Fit the weights on windows of `ratings`, then the components that have any on all."""
        with one_thread():
            names = self._names()
            for_new = [name for name in names if name in FOR_NEWCOMERS]
            known = self._fit_weights(windows(ratings, catalogue), names)
            new = self._fit_weights([newcomers_window(ratings, catalogue)], for_new)
            self.discount(known[LISTS])
            self.weights = np.stack([known, new], axis=1)  # by stage and kind of user
            wanted = [name for name, kind in self.kinds().items() if self._uses(kind.planes)]
            history = history_of(ratings, catalogue)
            self.components = fit_all(history, self.hyperparameters, wanted)
        self.rated = RatedMovies.of(ratings)
        return self

    def fold_in(self, ratings: RatingTable, catalogue: Catalogue, newcomers: RatingTable) -> Self:
        """Return this model for the users of `ratings` who have a rating in `newcomers`.

        Their profiles are made of `ratings`; weights, and what was fitted of movies, stay.
        """
        wanted = np.diff(newcomers.starts) > 0
        own = ratings.where(wanted[ratings.users])
        history = History(own, catalogue, of_all=ratings)
        folded = type(self)(self.hyperparameters)
        folded.weights, folded.rated = self.weights, RatedMovies.of(own)
        with one_thread():
            folded.components = tuple(each.fold_in(history) for each in self.components)
        return folded

    @property
    def _no_weights(self) -> Floats:
        return np.zeros((2, 2, FEATURES_PER_PLANE * len(PLANES)))  # by stage and kind of user

    @property
    def n_movies(self) -> int:
        """Number of movies that it was fitted to: M."""
        return self._rated.n_movies

    @property
    def n_list_places(self) -> int:
        """Number of first places that have weights of their own; 0: one stage."""
        return int(self.hyperparameters[LIST_PLACES.name])

    def score(self, users: Ints) -> Floats:
        """Return the weighted sums, (U, M)."""
        with one_thread():
            found = [
                score_models([self], planes_of(self.components, some, self._rated), some)[0]
                for some in blocks(users, self.n_movies)
            ]
        return np.concatenate([np.zeros((0, self.n_movies)), *found])

    def parts(self, users: Ints) -> dict[str, Floats]:
        """Return what each plane adds to the score, (U, M); LEAD is what first places have more."""
        with one_thread():
            planes = planes_of(self.components, users, self._rated)
        by_stage = [
            {name: self._part(stage, name, plane, users) for name, plane in planes.items()}
            for stage in range(self.n_stages)
        ]
        if self.n_stages == 1:
            return by_stage[LISTS]
        lists, order = (sum_of(each, users, self.n_movies) for each in by_stage)
        is_first, leads = self.put_first(lists, order, users)
        parts = {
            name: np.where(is_first, part, by_stage[ORDER][name])
            for name, part in by_stage[LISTS].items()
        }
        return parts | {LEAD: is_first * leads[:, None]}

    @property
    def n_stages(self) -> int:
        """Number of stages: 2 where the first places have weights of their own."""
        return 2 if self.n_list_places else 1

    def put_first(self, lists: Floats, order: Floats, users: Ints) -> tuple[Bools, Floats]:
        """Join the scores (U, M) of both stages in `lists`; return the first, and their lead."""
        rated = self._rated
        found: tuple[Bools, Floats] = plane_loops().put_first(
            lists, order, users, rated.starts, rated.movies, self.n_list_places
        )
        return found

    def weights_of(self, stage: int, plane: str, users: Ints) -> tuple[Floats, Floats]:
        """Return the weights of a plane and of the same bounded, for each user: (1, U) each."""
        is_new = self._rated.n_ratings[users] < FEW_RATINGS
        rows = self.weights[stage, np.where(is_new, NEW, KNOWN)]
        linear, bounded = rows[:, _columns(plane)].T
        return np.ascontiguousarray(linear[None]), np.ascontiguousarray(bounded[None])

    def _part(self, stage: int, name: str, plane: Plane, users: Ints) -> Floats:
        part: Floats = np.zeros((1, len(users), self.n_movies))
        plane.add_to(part, 0, *self.weights_of(stage, name, users))
        found: Floats = part[0]
        return found

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
        if self.weights.shape != self._no_weights.shape:
            raise InputError(
                "the hybrid was fitted by an earlier program, with other components: retrain it"
                " (python retrain_model.py --force)"
            )
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

    def _fit_weights(self, past: Sequence[Window], names: Sequence[str]) -> Floats:
        """Return the weights (2, F) for the windows of the past; all alike where there are none.

        Of planes of other components than those of these names they are 0, and so are those of a
        stage that there is not.
        """
        columns = [
            column
            for name, kind in self.kinds().items()
            if name in names
            for plane in kind.planes
            for column in _columns(plane)
        ]
        examples = [
            examples_of(window, fit_all(window.history, self.hyperparameters, names))
            for window in past
            if len(window.held_out)
        ]
        weights = np.zeros(self.weights[:, 0].shape)
        for stage, tau in enumerate((float(self.hyperparameters[TAU.name]), 1.0)[: self.n_stages]):
            loss = Loss(tau, l2=float(self.hyperparameters[L2.name]))
            weights[stage, columns] = fit_weights(examples, loss) if examples else FIRST_WEIGHT
        return np.rint(weights * WEIGHT_STEPS) / WEIGHT_STEPS

    def discount(self, weights: Floats) -> None:
        """Take from weights (F,) of what is alike for all users the share that they are less."""
        columns = [column for plane in ALIKE_FOR_ALL for column in _columns(plane)]
        kept = 1 - float(self.hyperparameters[POPULARITY_DISCOUNT.name])
        weights[columns] = np.rint(weights[columns] * kept * WEIGHT_STEPS) / WEIGHT_STEPS

    def _names(self) -> list[str]:
        """Return the names of the components that are not left out."""
        values = self.hyperparameters
        return [n for n in self.kinds() if n not in SWITCHES or values[SWITCHES[n]] > 0]

    def _uses(self, planes: Sequence[str]) -> bool:
        """Return if any feature of these planes has a weight."""
        columns = [column for plane in planes for column in _columns(plane)]
        return bool((self.weights[..., columns] > 0).any())


def score_models(
    models: Sequence[Hybrid], planes: Mapping[str, Plane], users: Ints, first: int = 0
) -> Floats:
    """Return the scores (B, n, M) of `users` (n,) by models with the same components.

    The planes are of more users; these are theirs from `first` on.
    """
    stages = [(model, stage) for model in models for stage in range(model.n_stages)]
    scores = np.zeros((len(stages), len(users), models[0].n_movies))
    for name, plane in planes.items():
        weights = [model.weights_of(stage, name, users) for model, stage in stages]
        linear, bounded = (np.concatenate(each) for each in zip(*weights, strict=True))
        plane.add_to(scores, first, linear, bounded)
    wholes = [n for n, (_, stage) in enumerate(stages) if stage == LISTS]
    for model, n in zip(models, wholes, strict=True):
        if model.n_stages > 1:
            model.put_first(scores[n], scores[n + 1], users)
    return scores[wholes]


def sum_of(parts: Mapping[str, Floats], users: Ints, n_movies: int) -> Floats:
    """Return the sum of parts (U, M) of a score."""
    return np.asarray(sum(parts.values(), start=np.zeros((len(users), n_movies))))


@lru_cache(maxsize=4)
def history_of(ratings: RatingTable, catalogue: Catalogue) -> History:
    """Return the history of all ratings, with what configurations share of it."""
    return History(ratings, catalogue)


def _columns(plane: str) -> list[int]:
    """Return the columns of a plane's features."""
    first = FEATURES_PER_PLANE * PLANES.index(plane)
    return list(range(first, first + FEATURES_PER_PLANE))


def _starting_with(prefix: str, arrays: Mapping[str, AnyArray]) -> dict[str, AnyArray]:
    """Return the arrays whose names start with `prefix`, by the rest of their names."""
    return {n.removeprefix(prefix): a for n, a in arrays.items() if n.startswith(prefix)}
