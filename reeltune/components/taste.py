"""Genre and franchise components of the hybrid: the user's taste, which may fade, and its depth."""

from dataclasses import dataclass, replace
from typing import ClassVar, Self

import numpy as np
import scipy  # its parts are imported when first used

from reeltune.components.component import NEUTRAL
from reeltune.components.damped_mean import damped_mean, damped_softsign, softsign
from reeltune.components.franchise import FRANCHISE_SCALE, PRIOR
from reeltune.components.genre import GENRE_SCALE, genres_of
from reeltune.components.learned_component import ArrayFields, History, Planes
from reeltune.domain.arrays import Bools, Floats, Floats32, Ints, Ints32
from reeltune.domain.parameters import FloatParameter, Hyperparameter
from reeltune.domain.space import Configuration

GENRE_HALF_LIFE = FloatParameter(
    name="genre_half_life",
    default=200.0,
    low=5.0,
    high=2_000.0,
    log=True,
    searched=False,
    meaning="ratings of a user after which an earlier one counts half for the taste in genres",
)
GENRE_PRIOR = FloatParameter(
    name="genre_prior",
    default=5.0,
    low=1.0,
    high=40.0,
    log=True,
    searched=False,
    meaning="weight, in ratings, of the belief that a user likes a genre as any other",
)
FRANCHISE_DEPTH = FloatParameter(
    name="franchise_depth",
    default=0.5,
    low=0.0,
    high=1.0,
    searched=False,
    meaning="how much more a franchise counts of which the user has rated several; 0: all alike",
)


@dataclass(frozen=True, eq=False)
class GenreTaste(ArrayFields):
    """Mean over a movie's genres of the user's damped deviations in each, as a softsign."""

    name: ClassVar[str] = "genre"
    hyperparameters: ClassVar[tuple[Hyperparameter, ...]] = (GENRE_HALF_LIFE, GENRE_PRIOR)
    planes: ClassVar[tuple[str, ...]] = ("genre",)

    affinities: Floats  # (U, G) stars
    sets: Bools  # (S, G) the different sets of genres that movies have
    set_of: Ints32  # (M,) position of the movie's
    settings: Floats  # (2,) half-life, prior

    @classmethod
    def fit(cls, history: History, values: Configuration) -> Self:
        """Average each user's deviations by genre."""
        sets, set_of = history.kept("sets of genres", 0.0, lambda: _sets(history))
        settings = np.array([float(values[each.name]) for each in cls.hyperparameters])
        return cls(_affinities(history, sets[set_of], settings), sets, set_of, settings)

    def score(self, users: Ints) -> Planes:
        """Return the preferences, (U, M)."""
        total = np.zeros((len(users), len(self.sets)))
        for genre, has in enumerate(self.sets.T):  # a fixed order, which a matrix product has not
            total[:, has] += self.affinities[users, genre, None]
        n_genres = np.maximum(self.sets.sum(axis=1), 1)  # (S,)
        match: Floats32 = softsign(total / n_genres, GENRE_SCALE).astype(np.float32)
        return {"genre": match[:, self.set_of]}

    def fold_in(self, history: History) -> Self:
        """Return the component for other users."""
        return replace(self, affinities=_affinities(history, self.sets[self.set_of], self.settings))


def _sets(history: History) -> tuple[Bools, Ints32]:
    sets, set_of = np.unique(genres_of(history.catalogue), axis=0, return_inverse=True)
    return sets, set_of.reshape(-1).astype(np.int32)


def _affinities(history: History, has: Bools, settings: Floats) -> Floats:
    """Return the damped mean deviation of each user in each genre, (U, G), of movies (M, G)."""
    half_life, prior = settings.tolist()
    table, n_genres = history.ratings, has.shape[1]
    fading = 0.5 ** (history.later / half_life)
    rated, genres = np.nonzero(has[table.movies])  # the user's order, whoever else there is
    places = table.users[rated].astype(np.int64) * n_genres + genres
    size, shape = table.n_users * n_genres, (table.n_users, n_genres)
    total = np.bincount(places, (fading * history.centred.deviations)[rated], size)
    count = np.bincount(places, fading[rated], size)
    return damped_mean(total.astype(np.float64), count.astype(np.float64), prior).reshape(shape)


@dataclass(frozen=True, eq=False)
class FranchiseTaste(ArrayFields):
    """Preference for a movie's collection, and how many movies of it the user has rated."""

    name: ClassVar[str] = "franchise"
    hyperparameters: ClassVar[tuple[Hyperparameter, ...]] = (FRANCHISE_DEPTH,)
    planes: ClassVar[tuple[str, ...]] = ("franchise", "franchise_depth")

    starts: Ints  # (U + 1,) user u's collections are entries starts[u] to starts[u + 1]
    rated: Ints32  # (E,) collections that the user has rated
    likings: Floats  # (E,) 0 to 1
    depths: Floats  # (E,)
    collections: Ints32  # (M,) position of the movie's collection, -1 = none
    n_collections: Ints  # (1,) C
    depth: Floats  # (1,)

    @classmethod
    def fit(cls, history: History, values: Configuration) -> Self:
        """Average and count each user's ratings by collection."""
        catalogue, depth = history.catalogue, float(values[FRANCHISE_DEPTH.name])
        n_collections = max(1, len(catalogue.collection_ids))
        found = _by_collection(history, catalogue.collections, n_collections)
        return cls(
            starts=found.indptr.astype(np.int64),
            rated=found.indices.astype(np.int32),
            likings=damped_softsign(found.data.real, found.data.imag, FRANCHISE_SCALE, PRIOR),
            depths=found.data.imag**depth,
            collections=catalogue.collections,
            n_collections=np.array([n_collections]),
            depth=np.array([depth]),
        )

    def score(self, users: Ints) -> Planes:
        """Return the preferences and the depths, (U, M) each."""
        shape = (len(users), int(self.n_collections[0]) + 1)  # the last stays neutral: none
        likings, depths = np.full(shape, NEUTRAL, dtype=np.float32), np.zeros(shape, np.float32)
        for row, user in enumerate(users):
            mine = slice(self.starts[user], self.starts[user + 1])
            likings[row, self.rated[mine]] = self.likings[mine]
            depths[row, self.rated[mine]] = self.depths[mine]
        return {
            "franchise": likings[:, self.collections],
            "franchise_depth": depths[:, self.collections],
        }

    def fold_in(self, history: History) -> Self:
        """Return the component for other users."""
        catalogue = replace(history.catalogue, collections=self.collections)
        own = History(history.ratings, catalogue, history.of_all)
        return type(self).fit(own, {FRANCHISE_DEPTH.name: float(self.depth[0])})


def _by_collection(
    history: History, collections: Ints32, n_collections: int
) -> "scipy.sparse.csr_array":
    """Return the sum of deviations + i for each rating, (U, C)."""
    table = history.ratings
    own = collections[table.movies]
    belongs = own >= 0
    where = (table.users[belongs], own[belongs])
    shape = (table.n_users, n_collections)
    found = scipy.sparse.csr_array((history.centred.deviations[belongs] + 1j, where), shape)
    found.sum_duplicates()
    return found
