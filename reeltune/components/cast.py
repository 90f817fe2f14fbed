"""Cast component: the user's preference for the people in the movie, by billing order."""

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
import scipy  # its parts are imported when first used

from reeltune.components.damped_mean import damped_softsign, matches
from reeltune.components.user_centred import UserCentredRatings
from reeltune.domain.arrays import Bools, Floats, Ints, Ints32
from reeltune.domain.space import Configuration
from reeltune.ratings.catalogue import Catalogue

CAST_SCALE = 0.75  # stars above the user's mean that make a preference of 0.75


@dataclass(frozen=True, eq=False)
class Cast:
    """Softsign of the damped mean deviation over all the user has rated of the movie's people.

    Each rated movie in which a person of this movie appears is one piece of evidence, weighted by
    that person's role in this movie: lead, supporting or background. Within a role the evidence is
    added up first, which is exact on the grid of deviations. Neutral (0.5): a movie
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
    is_personal: ClassVar[bool] = True

    user_starts: Ints  # (U + 1,)
    rated: Ints32  # (N,) movies with a cast that the user has rated
    deviations: Floats  # (N,) stars
    cast_starts: Ints  # (M + 1,)
    cast: Ints32  # (E,) people who are in two movies or more
    billing: Ints32  # (E,)
    n_people: Ints  # (1,) P

    @classmethod
    def fit(cls, centred: UserCentredRatings, catalogue: Catalogue) -> Self:
        """Store each user's deviations, and the people who are in two movies or more."""
        n_people = max(1, len(catalogue.person_ids))
        movies_of = np.bincount(catalogue.cast, minlength=n_people)
        connects = movies_of[catalogue.cast] >= 2
        entries_before = np.concatenate([[0], np.cumsum(connects)])
        starts = entries_before[catalogue.cast_starts]
        ratings = centred.personal
        useful = (np.diff(starts) > 0)[ratings.movies]
        ratings_before = np.concatenate([[0], np.cumsum(useful)])
        return cls(
            user_starts=ratings_before[ratings.starts],
            rated=ratings.movies[useful],
            deviations=centred.deviations[useful],
            cast_starts=starts,
            cast=catalogue.cast[connects],
            billing=catalogue.billing[connects],
            n_people=np.array([n_people]),
        )

    def score(self, users: Ints, values: Configuration) -> Floats:
        """Return the preferences, (U, M)."""
        met = self._evidence(users) @ self._appears(np.ones_like(self.billing, np.bool_))  # (U, P)
        found = np.zeros((len(users), len(self.cast_starts) - 1), dtype=np.complex128)
        for role, chosen in roles(self.billing, values).items():
            found += values[f"cast_{role}_weight"] * (met @ self._appears(chosen).T).toarray()
        return damped_softsign(found.real, found.imag, CAST_SCALE)

    def score_at(self, users: Ints, movies: Ints, values: Configuration) -> Floats:
        """Return the preferences of pairs, (N,)."""
        who, place = np.unique(users, return_inverse=True)
        met = (self._evidence(who) @ self._appears(np.ones_like(self.billing, np.bool_))).tocoo()
        keys = met.row.astype(np.int64) * self.n_people[0] + met.col
        by_key = np.argsort(keys)
        keys, evidence = keys[by_key], met.data[by_key]
        n_cast = np.diff(self.cast_starts)[movies]
        pair = np.repeat(np.arange(len(movies)), n_cast)  # (E',) of each person in each movie
        first = self.cast_starts[movies] - (np.cumsum(n_cast) - n_cast)
        entry = np.arange(len(pair)) + first[pair]
        wanted = place[pair] * self.n_people[0] + self.cast[entry]
        known = matches(keys, wanted)
        pair, entry = pair[known], entry[known]
        met_there = evidence[np.searchsorted(keys, wanted[known])]
        total, count = np.zeros(len(movies)), np.zeros(len(movies))
        for role, chosen in roles(self.billing[entry], values).items():  # as in `score`, to the bit
            weight, who = values[f"cast_{role}_weight"], pair[chosen]
            total += weight * np.bincount(who, met_there.real[chosen], minlength=len(movies))
            count += weight * np.bincount(who, met_there.imag[chosen], minlength=len(movies))
        return damped_softsign(total, count, CAST_SCALE)

    def _appears(self, chosen: Bools) -> "scipy.sparse.csr_array":
        """Return 1 for each of the `chosen` (E,) entries of the cast lists, (M, P)."""
        before = np.concatenate([[0], np.cumsum(chosen)])
        shape = (len(self.cast_starts) - 1, int(self.n_people[0]))
        data = np.ones(int(before[-1]))
        return scipy.sparse.csr_array((data, self.cast[chosen], before[self.cast_starts]), shape)

    def _evidence(self, users: Ints) -> "scipy.sparse.csr_array":
        """Return deviation + i for each rating of `users`, (U, M): sums hold stars and counts."""
        n = np.diff(self.user_starts)[users]
        starts = np.concatenate([[0], np.cumsum(n)])  # (U + 1,) in what is taken of them
        entries = np.arange(starts[-1]) + np.repeat(self.user_starts[users] - starts[:-1], n)
        of_users = (self.deviations[entries] + 1j, self.rated[entries], starts)
        return scipy.sparse.csr_array(of_users, (len(users), len(self.cast_starts) - 1))


def roles(billing: Ints32, values: Configuration) -> dict[str, Bools]:
    """Return, by role, which of the billing orders (E,) are leads, supporting and background.

    >>> orders = np.array([0, 5, 40], dtype=np.int32)
    >>> thresholds = {"cast_lead_threshold": 5, "cast_supporting_threshold": 15}
    >>> roles(orders, thresholds)["supporting"]
    array([False,  True, False])
    """
    lead = billing < values["cast_lead_threshold"]
    early = billing < values["cast_supporting_threshold"]
    return {"lead": lead, "supporting": early & ~lead, "background": ~(lead | early)}
