"""The genre component: how well the movie's genres match the user's taste."""

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np

from components.liking import shrunk_mean, squashed, totals, user_deviations
from domain.arrays import Bools, Floats, Ints
from domain.catalogue import Catalogue
from domain.ratings import RatingTable
from domain.space import Configuration

SCALE = 0.25  # stars above the user's mean that make a match of 0.73


@dataclass(frozen=True, eq=False)
class Genre:
    """Mean liking of the movie's genres, raised where high or medium, lowered where low.

    `taste[u, g]` is the user's shrunk mean deviation over rated movies with genre g. The match is
    the logistic of its mean over the movie's genres; the boosts are added to it and the sum is
    cut to [0, 1]. Neutral (0.5, without any boost): a movie without genres, and one in whose
    genres the user has rated nothing.
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

    taste: Floats  # (U, G) stars
    known: Bools  # (U, G) has the user rated a movie with this genre?
    shares: Floats  # (M, G) 1 / number of genres for each the movie has, else 0

    @classmethod
    def fit(cls, ratings: RatingTable, catalogue: Catalogue) -> Self:
        """Average each user's deviations by genre."""
        shares = genre_shares(catalogue)
        has = shares > 0
        deviations = user_deviations(ratings)
        total = np.zeros((ratings.n_users, shares.shape[1]))
        count = np.zeros_like(total)
        for g in range(shares.shape[1]):
            rows = has[ratings.movies, g]
            total[:, g], count[:, g] = totals(
                ratings.users[rows], deviations[rows], ratings.n_users
            )
        return cls(taste=shrunk_mean(total, count), known=count > 0, shares=shares)

    def match(self, users: Ints) -> tuple[Floats, Bools]:
        """(U, M) the match before boosts, and where anything is known of it."""
        match = squashed(self.taste[users] @ self.shares.T, SCALE)
        return match, self.known[users].astype(np.float64) @ self.shares.T > 0

    def score(self, users: Ints, values: Configuration) -> Floats:
        """(U, M) the boosted match."""
        match, known = self.match(users)
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


def genre_shares(catalogue: Catalogue) -> Floats:
    """(M, G) each movie's genres in equal shares of 1; all 0 where it has none."""
    n_genres = np.diff(catalogue.genre_starts)
    shares = np.zeros((catalogue.n_movies, len(catalogue.genre_names)))
    rows = np.repeat(np.arange(catalogue.n_movies), n_genres)
    shares[rows, catalogue.genres] = 1 / n_genres[rows]
    return shares
