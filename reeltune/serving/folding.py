"""Folding in: the profile of a user who came after the fit, from current ratings alone."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from reeltune.components.franchise import Franchise
from reeltune.components.genre import Genre
from reeltune.components.user_centred import UserCentredRatings
from reeltune.domain.arrays import Floats32, Ints, Ints32
from reeltune.ratings.catalogue import Catalogue
from reeltune.ratings.table import RatingTable
from reeltune.serving.arrays import UserProfile
from reeltune.serving.index import Personal, in_steps


@dataclass(frozen=True, eq=False)
class OwnRatings:
    """Ratings of one user, of movies at positions of a version's: n of them, in order of time."""

    movies: Ints32  # (n,)
    stars: Floats32  # (n,)
    rated_at: Ints  # (n,) Unix seconds
    user: int | None = None  # position in the table of all ratings, where these are that user's

    def __len__(self) -> int:
        return len(self.movies)


NO_RATINGS = OwnRatings(
    np.zeros(0, dtype=np.int32), np.zeros(0, dtype=np.float32), np.zeros(0, dtype=np.int64)
)


@dataclass(frozen=True, eq=False)
class _OneUser(UserCentredRatings):
    """Ratings of one user among all, of which the mean is known already."""

    known_mean: float

    @cached_property
    def mean(self) -> float:
        """Mean of all ratings, in stars."""
        return self.known_mean


def fold_user_in(
    own: OwnRatings, ratings: RatingTable, catalogue: Catalogue, mean: float
) -> UserProfile:
    """Return the profile that the components make of one user's ratings.

    Genres and collections are fitted over the movies that the user has rated: no others count.

    Args:
        own: the user's ratings.
        ratings: all ratings.
        catalogue: of the same movies.
        mean: of all ratings, in stars.
    """
    rated = np.unique(own.movies)
    few = catalogue.of_movies(catalogue.movie_ids[rated])
    centred = _OneUser(ratings, _table(own, rated, few.movie_ids), mean)
    franchise, genre = Franchise.fit(centred, few), Genre.fit(centred, few)
    return UserProfile(
        rated=own.movies,
        steps=in_steps(centred.deviations),
        genres=genre.taste[0],
        known_genres=genre.known[0],
        franchises=franchise.rated,
        franchise_preferences=franchise.likings,
    )


def personal_of_nobody(ratings: RatingTable, catalogue: Catalogue, mean: float) -> Personal:
    """Return what the personal components know of the movies of a catalogue."""
    nobody = _table(NO_RATINGS, np.zeros(0, dtype=np.int32), catalogue.movie_ids)
    return Personal.fit(_OneUser(ratings, nobody, mean), catalogue)


def _table(own: OwnRatings, rated: Ints32, movie_ids: Ints) -> RatingTable:
    """Return one user's ratings, of movies at ascending positions `rated`, over `movie_ids`."""
    return RatingTable(
        user_ids=np.zeros(1, dtype=np.int64),
        movie_ids=movie_ids,
        users=np.zeros(len(own), dtype=np.int32),
        movies=np.searchsorted(rated, own.movies).astype(np.int32),
        ratings=own.stars,
        rated_at=own.rated_at,
    )
