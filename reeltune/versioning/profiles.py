"""Profiles by which a version serves users: of the fit, folded in since, or of nobody's ratings."""

from dataclasses import dataclass
from typing import Protocol, Self, runtime_checkable

import numpy as np

from reeltune.domain.arrays import Bools, Floats, Ints
from reeltune.rating_models.popular import popular_scores
from reeltune.ratings.catalogue import Catalogue
from reeltune.ratings.recommender import ProfileSource, Recommender
from reeltune.ratings.table import RatingTable
from reeltune.versioning.contents import LoadedModel


@runtime_checkable
class FoldingRecommender(Protocol):
    """Recommender that can score users who came after it was fitted."""

    def fold_in(self, ratings: RatingTable, catalogue: Catalogue, newcomers: RatingTable) -> Self:
        """Return this model for the users of `ratings` who have a rating in `newcomers`.

        Their profiles are made of `ratings`; what was fitted of movies stays. All tables are over
        the movies that it was fitted to.
        """


@dataclass(frozen=True, eq=False)
class Profiles:
    """Profiles of users: the model that scores them, and their positions in it."""

    users: Ints  # (P,) which of the users asked for
    source: ProfileSource
    model: Recommender | None  # None where nothing but popularity is known
    positions: Ints  # (P,)


def find_profiles(
    loaded: LoadedModel, ratings: RatingTable, catalogue: Catalogue, user_ids: Ints
) -> list[Profiles]:
    """Return how a version serves users (U,) by id, by source: each of them is in one.

    A user of the fit has the profile of then. Who came since is folded in from today's ratings, if
    the model can do that. Who has no rating of a movie that the model knows, or came since to a
    model that cannot, is shown what is popular.

    Args:
        loaded: the version.
        ratings: all there are by now, over the movies of the version (see `over_movies`).
        catalogue: of the same movies.
        user_ids: any whole numbers.
    """
    rated = np.isin(user_ids, ratings.user_ids[np.diff(ratings.starts) > 0])
    fitted = rated & np.isin(user_ids, loaded.user_ids)
    folded = rated & ~fitted & isinstance(loaded.model, FoldingRecommender)
    found: list[Profiles] = []
    if fitted.any():
        places = np.searchsorted(loaded.user_ids, user_ids[fitted])
        found.append(Profiles(np.flatnonzero(fitted), "fitted", loaded.model, places))
    if folded.any():
        places = np.searchsorted(ratings.user_ids, user_ids[folded])
        model = _folded(loaded.model, ratings, catalogue, places)
        found.append(Profiles(np.flatnonzero(folded), "folded in", model, places))
    rest = np.flatnonzero(~(fitted | folded))
    if len(rest):
        found.append(Profiles(rest, "popular", None, np.zeros(len(rest), dtype=np.int64)))
    return found


def score_users(
    loaded: LoadedModel, ratings: RatingTable, catalogue: Catalogue, user_ids: Ints
) -> Floats:
    """Return the scores (U, M) by which `find_profiles` serves users: nobody is refused."""
    scores = np.empty((len(user_ids), len(loaded.movie_ids)))
    for found in find_profiles(loaded, ratings, catalogue, user_ids):
        known = found.model
        scores[found.users] = (
            popular_scores(ratings, catalogue) if known is None else known.score(found.positions)
        )
    return scores


def _folded(
    model: Recommender, ratings: RatingTable, catalogue: Catalogue, places: Ints
) -> Recommender:
    assert isinstance(model, FoldingRecommender)
    newcomers = ratings.where(_are_among(ratings, places))
    found: Recommender = model.fold_in(ratings, catalogue, newcomers)
    return found


def _are_among(ratings: RatingTable, places: Ints) -> Bools:
    """Return (N,) which ratings are by the users at `places`."""
    wanted = np.zeros(ratings.n_users, dtype=np.bool_)
    wanted[places] = True
    return wanted[ratings.users]
