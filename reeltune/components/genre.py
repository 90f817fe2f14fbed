"""Genre component: how well the movie's genres match the user's profile."""

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
import scipy  # its parts are imported when first used

from reeltune.components.damped_mean import damped_mean, softsign
from reeltune.components.user_centred import UserCentredRatings
from reeltune.domain.arrays import Bools, Floats, Ints, Ints32
from reeltune.domain.space import Configuration
from reeltune.ratings.catalogue import Catalogue

GENRE_SCALE = 0.375  # stars above the user's mean that make a match of 0.75


@dataclass(frozen=True, eq=False)
class Genre:
    """Mean preference for the movie's genres, raised where high or medium, lowered where low.

    `taste[u, g]`, the user's profile, is the damped mean deviation over rated movies with genre g.
    The match is the softsign of its mean over the movie's genres; the boosts are added to it and
    the sum is cut to [0, 1]. Neutral (0.5, without any boost): a movie without genres, and one in
    whose genres the user has rated nothing.

    Movies with the same genres match alike, so the match is computed by set of genres.
    """

    name: ClassVar[str] = "genre"
    hyperparameters: ClassVar[tuple[str, ...]] = (
        "genre_boost_high",
        "genre_boost_medium",
        "genre_boost_low",
        "genre_threshold_high",
        "genre_threshold_medium",
        "genre_threshold_low",
    )
    is_personal: ClassVar[bool] = True

    taste: Floats  # (U, G) stars
    known: Bools  # (U, G) has the user rated a movie with this genre?
    sets: Bools  # (S, G) the different sets of genres that movies have
    set_of: Ints32  # (M,) position of the movie's

    @classmethod
    def fit(cls, centred: UserCentredRatings, catalogue: Catalogue) -> Self:
        """Average each user's deviations by genre."""
        has = genres_of(catalogue)
        ratings = centred.personal
        shape = (ratings.n_users, ratings.n_movies)
        of_users = scipy.sparse.csr_array(
            (centred.deviations, ratings.movies, ratings.starts), shape
        )
        has_each = has.astype(np.float64)
        total = of_users @ has_each  # (U, G) exact, since deviations are on the grid
        of_users.data = np.ones(len(ratings))
        count = of_users @ has_each
        sets, set_of = np.unique(has, axis=0, return_inverse=True)
        return cls(
            taste=damped_mean(total, count),
            known=count > 0,
            sets=sets,
            set_of=set_of.reshape(-1).astype(np.int32),
        )

    def match(self, users: Ints) -> tuple[Floats, Bools]:
        """Return the match before boosts, (U, S), and where any of the genres was rated."""
        total = np.zeros((len(users), len(self.sets)))
        known = np.zeros(total.shape, dtype=np.bool_)
        for g, has in enumerate(self.sets.T):  # a fixed order, which a matrix product has not
            total[:, has] += self.taste[users, g, None]
            known[:, has] |= self.known[users, g, None]
        n_genres = np.maximum(self.sets.sum(axis=1), 1)  # (S,)
        return softsign(total / n_genres, GENRE_SCALE), known

    def score(self, users: Ints, values: Configuration) -> Floats:
        """Return the boosted match, (U, M)."""
        return _boosted(*self.match(users), values)[:, self.set_of]

    def score_at(self, users: Ints, movies: Ints, values: Configuration) -> Floats:
        """Return the boosted match of pairs, (N,)."""
        has = self.sets[self.set_of[movies]]  # (N, G)
        total = np.zeros(len(users))
        for g, rows in enumerate(has.T):  # the order of `match`
            total[rows] += self.taste[users[rows], g]
        known: Bools = np.any(self.known[users] & has, axis=1)
        return _boosted(
            softsign(total / np.maximum(has.sum(axis=1), 1), GENRE_SCALE), known, values
        )


def _boosted(match: Floats, known: Bools, values: Configuration) -> Floats:
    """Return matches raised where high or medium, lowered where low, and cut to [0, 1]."""
    boost = np.select(
        [
            match >= values["genre_threshold_high"],
            match >= values["genre_threshold_medium"],
            match < values["genre_threshold_low"],
        ],
        [values["genre_boost_high"], values["genre_boost_medium"], values["genre_boost_low"]],
        0.0,
    )
    return np.clip(match + np.where(known, boost, 0.0), 0, 1)


def genres_of(catalogue: Catalogue) -> Bools:
    """Return True where the movie has the genre, (M, G)."""
    has = np.zeros((catalogue.n_movies, len(catalogue.genre_names)), dtype=np.bool_)
    has[
        np.repeat(np.arange(catalogue.n_movies), np.diff(catalogue.genre_starts)), catalogue.genres
    ] = True
    return has
