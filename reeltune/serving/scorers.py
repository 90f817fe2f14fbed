"""Scorers: the best movies for one user by a stored model, compiled where that is possible."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from reeltune.components.damped_mean import overall_mean
from reeltune.domain.arrays import Bools, Floats, Ints, Ints32
from reeltune.engine.arrays import Bytes
from reeltune.engine.coverage import component_gaps
from reeltune.metrics.ranking import tie_order
from reeltune.rating_models.hand_weighted import HandWeighted
from reeltune.ratings.catalogue import Catalogue
from reeltune.ratings.recommender import Explaining, Recommender
from reeltune.ratings.table import RatingTable
from reeltune.ratings.updates import replace_users
from reeltune.serving.arrays import (
    CAST,
    FRANCHISE,
    GENRE,
    ServingIndex,
    UserProfile,
    Workspace,
    make_workspace,
)
from reeltune.serving.compiled_kernel import best_of_scores, best_of_user
from reeltune.serving.folding import OwnRatings, fold_user_in, personal_of_nobody
from reeltune.serving.index import Personal, common_parts, fitted_profile, index_of_version
from reeltune.versioning.profiles import FoldingRecommender

_FIRST = -1  # id below all that there are
_PERSONAL = {"franchise": FRANCHISE, "genre": GENRE, "cast": CAST}


@dataclass(frozen=True, eq=False)
class Selection:
    """Best n movies for one user, in order."""

    movies: Ints32  # (n,) positions
    scores: Floats  # (n,)
    parts: Mapping[str, Floats]  # (n,) by component; empty where nothing is said, or not asked for


class Scorer(Protocol):
    """Stored model that finds the best movies for one user at a time; any number of threads."""

    @property
    def can_fold_in(self) -> bool:
        """True if users who came after the fit can be scored."""

    def best_of_fitted(self, user: int, left_out: Bytes, k: int, *, explain: bool) -> Selection:
        """Return the best `k` movies for the user at a position of the fit.

        `left_out` (M,) is 1 for movies that may not be shown.
        """

    def best_of_folded(
        self, own: OwnRatings, left_out: Bytes, k: int, *, explain: bool
    ) -> Selection:
        """Return the best `k` movies for who has these ratings now, and was not in the fit."""


@dataclass(frozen=True, eq=False)
class _Movies:
    """Index over what is known of the movies, with the working memory of each thread."""

    index: ServingIndex
    _local: threading.local = field(default_factory=threading.local)

    def best(self, profile: UserProfile, left_out: Bytes, k: int) -> tuple[Ints32, Floats, Floats]:
        """Return positions, scores and personal preferences of the best movies."""
        work: Workspace | None = getattr(self._local, "work", None)
        if work is None:
            work = self._local.work = make_workspace(self.index)
        return best_of_user(self.index, profile, left_out, work, k)


class CompiledScorer:
    """Scorer of the hand-weighted model, by compiled code, with the bits of its `score`."""

    can_fold_in = True

    def __init__(self, model: HandWeighted, ratings: RatingTable, catalogue: Catalogue) -> None:
        """Make the index of a fitted model; ratings and catalogue are those of today."""
        self._ratings, self._catalogue = ratings, catalogue
        self._mean = overall_mean(ratings)
        self._personal = Personal.of(model.components)
        values, movie_ids = model.hyperparameters, ratings.movie_ids
        self._weights = {part.name: values[f"{part.name}_weight"] for part in model.components}
        self._common = common_parts(model.components, values, len(movie_ids))
        self._fitted = _Movies(
            index_of_version(model.components, self._personal, values, movie_ids)
        )
        today = personal_of_nobody(ratings, catalogue, self._mean)
        is_as_fitted = today.has_movies_of(self._personal)
        self._today = (
            self._fitted
            if is_as_fitted
            else _Movies(index_of_version(model.components, today, values, movie_ids))
        )

    def best_of_fitted(self, user: int, left_out: Bytes, k: int, *, explain: bool) -> Selection:
        """Return the best `k` movies for the user at a position of the fit."""
        profile = fitted_profile(self._personal, user)
        return self._selection(self._fitted.best(profile, left_out, k), explain=explain)

    def best_of_folded(
        self, own: OwnRatings, left_out: Bytes, k: int, *, explain: bool
    ) -> Selection:
        """Return the best `k` movies for who has these ratings now."""
        profile = fold_user_in(own, self._ratings, self._catalogue, self._mean)
        return self._selection(self._today.best(profile, left_out, k), explain=explain)

    def _selection(self, best: tuple[Ints32, Floats, Floats], *, explain: bool) -> Selection:
        movies, scores, preferences = best
        if not explain:
            return Selection(movies, scores, {})
        parts = {
            name: weight * preferences[:, _PERSONAL[name]]
            if name in _PERSONAL
            else self._common[name][movies]
            for name, weight in self._weights.items()
        }
        return Selection(movies, scores, parts)


class ModelScorer:
    """Scorer of any other model: all movies by its `score`, then the best of them."""

    def __init__(self, model: Recommender, ratings: RatingTable, catalogue: Catalogue) -> None:
        """Take a fitted model; ratings and catalogue are those of today."""
        self._model, self._ratings, self._catalogue = model, ratings, catalogue
        self._places = tie_order(ratings.movie_ids)

    @property
    def can_fold_in(self) -> bool:
        """True if the model has `fold_in`."""
        return isinstance(self._model, FoldingRecommender)

    def best_of_fitted(self, user: int, left_out: Bytes, k: int, *, explain: bool) -> Selection:
        """Return the best `k` movies for the user at a position of the fit."""
        return self._best(self._model, user, left_out, k, explain=explain)

    def best_of_folded(
        self, own: OwnRatings, left_out: Bytes, k: int, *, explain: bool
    ) -> Selection:
        """Return the best `k` movies for who has these ratings now.

        The model gets all ratings of today, with these added where they are not among them.
        """
        assert isinstance(self._model, FoldingRecommender)
        ratings, user = self._ratings, own.user
        if user is None:
            ratings, user = _with_a_first_user(self._ratings, own), 0
        is_own: Bools = ratings.users == user
        folded = self._model.fold_in(ratings, self._catalogue, ratings.where(is_own))
        return self._best(folded, user, left_out, k, explain=explain)

    def _best(
        self, model: Recommender, user: int, left_out: Bytes, k: int, *, explain: bool
    ) -> Selection:
        users = np.array([user])
        scores = np.array(model.score(users)[0], dtype=np.float64)
        shown = np.where(np.isnan(scores), -np.inf, scores)
        movies, best = best_of_scores(shown, self._places, left_out, k)
        parts = model.parts(users) if explain and isinstance(model, Explaining) else {}
        return Selection(movies, best, {name: part[0][movies] for name, part in parts.items()})


def make_scorer(model: Recommender, ratings: RatingTable, catalogue: Catalogue) -> Scorer:
    """Return the fastest scorer of a fitted model.

    Args:
        model: of a version.
        ratings: of today, over the movies that the model was fitted to.
        catalogue: of today, over the same movies.
    """
    if type(model) is HandWeighted and not component_gaps():
        return CompiledScorer(model, ratings, catalogue)
    return ModelScorer(model, ratings, catalogue)


def _with_a_first_user(ratings: RatingTable, own: OwnRatings) -> RatingTable:
    """Return a table with one user more, at position 0, who has these ratings."""
    order = np.lexsort((own.movies, own.rated_at))
    number: Ints = np.array([_FIRST], dtype=np.int64)
    fresh = RatingTable(
        user_ids=number,
        movie_ids=ratings.movie_ids,
        users=np.zeros(len(own), dtype=np.int32),
        movies=own.movies[order],
        ratings=own.stars[order],
        rated_at=own.rated_at[order],
    )
    return replace_users(ratings, number, fresh)
