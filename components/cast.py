"""The cast component: the user's liking of the people in the movie, by billing order."""

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
from scipy.sparse import csr_array

from components.liking import shrunk_mean, squashed, user_deviations
from domain.arrays import Floats, Ints, Ints32
from domain.catalogue import Catalogue
from domain.ratings import RatingTable
from domain.space import Configuration

SCALE = 0.5  # stars above the user's mean that make a liking of 0.73


@dataclass(frozen=True, eq=False)
class Cast:
    """Logistic of the shrunk mean deviation over all the user has seen of the movie's people.

    Each rated movie in which a person of this movie appears is one piece of evidence, weighted by
    that person's role in this movie: lead, supporting or background. Neutral (0.5): a movie
    without cast, and one whose people the user has not met.
    """

    name: ClassVar[str] = "cast"
    hyperparameters: ClassVar[tuple[str, ...]] = (
        "cast_lead_weight",
        "cast_supporting_weight",
        "cast_background_weight",
        "cast_lead_threshold",
        "cast_supporting_threshold",
    )

    user_starts: Ints  # (U + 1,)
    rated: Ints32  # (N,) movies with a cast that the user has rated
    deviations: Floats  # (N,) stars
    cast_starts: Ints  # (M + 1,)
    cast: Ints32  # (E,) people who are in two movies or more
    billing: Ints32  # (E,)
    n_people: Ints  # (1,) P

    @classmethod
    def fit(cls, ratings: RatingTable, catalogue: Catalogue) -> Self:
        """Keep each user's deviations, and the people who can connect two movies."""
        n_people = max(1, len(catalogue.person_ids))
        movies_of = np.bincount(catalogue.cast, minlength=n_people)
        connects = movies_of[catalogue.cast] >= 2
        entries_before = np.concatenate([[0], np.cumsum(connects)])
        starts = entries_before[catalogue.cast_starts]
        useful = np.diff(starts)[ratings.movies] > 0
        ratings_before = np.concatenate([[0], np.cumsum(useful)])
        return cls(
            user_starts=ratings_before[ratings.starts],
            rated=ratings.movies[useful],
            deviations=user_deviations(ratings)[useful],
            cast_starts=starts,
            cast=catalogue.cast[connects],
            billing=catalogue.billing[connects],
            n_people=np.array([n_people]),
        )

    def score(self, users: Ints, values: Configuration) -> Floats:
        """(U, M) the likings."""
        weights = role_weights(self.billing, values)
        appears = self._by_person(np.ones(len(self.cast)))
        weighted = self._by_person(weights).T.tocsr()  # (P, M)
        total = self._of_users(users, self.deviations) @ appears @ weighted
        count = self._of_users(users, np.ones(len(self.rated))) @ appears @ weighted
        return squashed(shrunk_mean(total.toarray(), count.toarray()), SCALE)

    def _by_person(self, data: Floats) -> csr_array:
        """(M, P) `data` of each entry of the cast lists."""
        shape = (len(self.cast_starts) - 1, int(self.n_people[0]))
        return csr_array((data, self.cast, self.cast_starts), shape)

    def _of_users(self, users: Ints, data: Floats) -> csr_array:
        """(U, M) `data` of each rating of `users`."""
        shape = (len(self.user_starts) - 1, len(self.cast_starts) - 1)
        return csr_array((data, self.rated, self.user_starts), shape)[users]


def role_weights(billing: Ints32, values: Configuration) -> Floats:
    """Weight of each billing order: lead, supporting or background.

    >>> role_weights(np.array([0, 5, 40], dtype=np.int32), {
    ...     "cast_lead_weight": 1.0, "cast_supporting_weight": 0.7, "cast_background_weight": 0.3,
    ...     "cast_lead_threshold": 5, "cast_supporting_threshold": 15})
    array([1. , 0.7, 0.3])
    """
    return np.where(
        billing < values["cast_lead_threshold"],
        values["cast_lead_weight"],
        np.where(
            billing < values["cast_supporting_threshold"],
            values["cast_supporting_weight"],
            values["cast_background_weight"],
        ),
    )
