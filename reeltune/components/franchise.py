"""Franchise component: the user's preference for the movie's collection."""

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
import scipy  # its parts are imported when first used

from reeltune.components.component import NEUTRAL
from reeltune.components.damped_mean import damped_softsign, matches
from reeltune.components.user_centred import UserCentredRatings
from reeltune.domain.arrays import Floats, Ints, Ints32
from reeltune.domain.space import Configuration
from reeltune.ratings.catalogue import Catalogue

FRANCHISE_SCALE = 0.75  # stars above the user's mean that make a preference of 0.75
PRIOR = 2.0  # ratings; franchises are short


@dataclass(frozen=True, eq=False)
class Franchise:
    """Softsign of the user's damped mean deviation over the rated movies of the collection.

    Neutral (0.5): a movie without collection, and one of whose collection the user has rated
    nothing.
    """

    name: ClassVar[str] = "franchise"
    hyperparameters: ClassVar[tuple[str, ...]] = ()
    is_personal: ClassVar[bool] = True

    starts: Ints  # (U + 1,) user u's collections are entries starts[u] to starts[u + 1]
    rated: Ints32  # (E,) position of a collection the user has rated
    likings: Floats  # (E,) 0 to 1
    collections: Ints32  # (M,) position of the movie's collection, -1 = none
    n_collections: Ints  # (1,) C

    @classmethod
    def fit(cls, centred: UserCentredRatings, catalogue: Catalogue) -> Self:
        """Average each user's deviations by collection."""
        ratings = centred.personal
        collections = catalogue.collections[ratings.movies]
        belongs = collections >= 0
        shape = (ratings.n_users, max(1, len(catalogue.collection_ids)))
        where = (ratings.users[belongs], collections[belongs])
        # Deviation + i for each rating: sums have stars and number at once.
        found = scipy.sparse.csr_array((centred.deviations[belongs] + 1j, where), shape)
        found.sum_duplicates()
        return cls(
            starts=found.indptr.astype(np.int64),
            rated=found.indices.astype(np.int32),
            likings=damped_softsign(found.data.real, found.data.imag, FRANCHISE_SCALE, PRIOR),
            collections=catalogue.collections,
            n_collections=np.array([shape[1]]),
        )

    def score(self, users: Ints, values: Configuration) -> Floats:
        """Return the preferences, (U, M)."""
        by_collection = np.full((len(users), int(self.n_collections[0]) + 1), NEUTRAL)
        for row, user in enumerate(users):  # the last column stays neutral: no collection
            mine = slice(self.starts[user], self.starts[user + 1])
            by_collection[row, self.rated[mine]] = self.likings[mine]
        return by_collection[:, self.collections]

    def score_at(self, users: Ints, movies: Ints, values: Configuration) -> Floats:
        """Return the preferences of pairs, (N,)."""
        owners = np.repeat(np.arange(len(self.starts) - 1), np.diff(self.starts))  # (E,)
        keys = owners * self.n_collections[0] + self.rated  # ascending
        wanted = users * self.n_collections[0] + self.collections[movies]
        found = matches(keys, wanted) & (self.collections[movies] >= 0)
        scores = np.full(len(users), NEUTRAL)
        scores[found] = self.likings[np.searchsorted(keys, wanted[found])]
        return scores
