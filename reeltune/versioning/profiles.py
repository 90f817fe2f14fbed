"""Scores of a stored model for any user: of the fit, folded in since, or without ratings."""

from dataclasses import dataclass, replace
from typing import Literal, Protocol, Self, runtime_checkable

import numpy as np

from reeltune.domain.arrays import Bools, Floats, Ints
from reeltune.rating_models.popular import popular_scores
from reeltune.ratings.catalogue import Catalogue
from reeltune.ratings.recommender import Recommender
from reeltune.ratings.table import RatingTable
from reeltune.versioning.contents import LoadedModel

ProfileSource = Literal["fitted", "folded in", "popular"]


@runtime_checkable
class FoldingRecommender(Protocol):
    """Recommender that can score users who came after it was fitted."""

    def fold_in(self, ratings: RatingTable, catalogue: Catalogue, newcomers: RatingTable) -> Self:
        """Return this model for the users of `ratings` who have a rating in `newcomers`.

        Profiles are made of `ratings`; what was fitted of movies stays. Both tables and the
        catalogue are over the movies that it was fitted to.
        """


@dataclass(frozen=True, eq=False)
class ProfileScores:
    """Scores of some users over the movies of a model, and what they rest on."""

    scores: Floats  # (U, M)
    sources: tuple[ProfileSource, ...]  # of each user


def score_users(
    loaded: LoadedModel, ratings: RatingTable, catalogue: Catalogue, user_ids: Ints
) -> ProfileScores:
    """Return what a version says of all its movies to any users, (U,) by id: nobody is refused.

    A user of the fit has the profile of then. Who came since is folded in from today's ratings, if
    the model can do that (`fold_in`). Who has no ratings, of movies that the model knows, is shown
    what is popular and varied; so is a user of another model who came since.

    Args:
        loaded: the version.
        ratings: all there are by now, over the movies of the version (see `over_movies`).
        catalogue: of the same movies.
        user_ids: any whole numbers.
    """
    rated = np.isin(user_ids, ratings.user_ids[np.diff(ratings.starts) > 0])
    fitted = rated & np.isin(user_ids, loaded.user_ids)
    folds_in = isinstance(loaded.model, FoldingRecommender)
    folded = rated & ~fitted & folds_in
    scores = np.empty((len(user_ids), len(loaded.movie_ids)))
    if fitted.any():
        places = np.searchsorted(loaded.user_ids, user_ids[fitted])
        scores[fitted] = loaded.model.score(places)
    if folded.any():
        scores[folded] = _folded(loaded.model, ratings, catalogue, user_ids[folded])
    rest = ~(fitted | folded)
    if rest.any():
        scores[rest] = popular_scores(ratings, catalogue)
    return ProfileScores(scores, tuple(map(_source, fitted, folded)))


def over_movies(ratings: RatingTable, movie_ids: Ints) -> RatingTable:
    """Return the ratings of some movies, (M,) ascending ids, at their positions in that list."""
    movies = ratings.movie_ids[ratings.movies]
    known = np.isin(movies, movie_ids)
    return replace(
        ratings.where(known),
        movie_ids=movie_ids,
        movies=np.searchsorted(movie_ids, movies[known]).astype(np.int32),
    )


def _folded(
    model: Recommender, ratings: RatingTable, catalogue: Catalogue, user_ids: Ints
) -> Floats:
    assert isinstance(model, FoldingRecommender)
    places = np.searchsorted(ratings.user_ids, user_ids)
    newcomers = ratings.where(_among(ratings, places))
    return np.asarray(model.fold_in(ratings, catalogue, newcomers).score(places))


def _among(ratings: RatingTable, places: Ints) -> Bools:
    wanted = np.zeros(ratings.n_users, dtype=np.bool_)
    wanted[places] = True
    return wanted[ratings.users]


def _source(fitted: bool, folded: bool) -> ProfileSource:
    return "fitted" if fitted else "folded in" if folded else "popular"
