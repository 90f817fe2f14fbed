"""Index of a hand-weighted version for the compiled scoring of one user."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from reeltune.components import Component
from reeltune.components.cast import Cast, roles
from reeltune.components.damped_mean import STEPS_PER_STAR
from reeltune.components.franchise import Franchise
from reeltune.components.genre import Genre
from reeltune.components.popularity import Popularity
from reeltune.components.rating import Rating
from reeltune.components.user_centred import UserCentredRatings
from reeltune.domain.arrays import Bools, Floats, Ints, Ints32
from reeltune.domain.space import Configuration
from reeltune.metrics.ranking import tie_order
from reeltune.ratings.catalogue import Catalogue
from reeltune.serving.arrays import ServingIndex, UserProfile

C = TypeVar("C")

_BOOSTS = (
    "genre_boost_high",
    "genre_boost_medium",
    "genre_boost_low",
    "genre_threshold_high",
    "genre_threshold_medium",
    "genre_threshold_low",
)
_ROLES = ("lead", "supporting", "background")


@dataclass(frozen=True)
class Personal:
    """Components that a user's own ratings decide, each by its own type."""

    franchise: Franchise
    genre: Genre
    cast: Cast

    @classmethod
    def of(cls, components: Sequence[Component]) -> "Personal":
        """Return those among `components`."""
        return cls(_only(components, Franchise), _only(components, Genre), _only(components, Cast))

    @classmethod
    def fit(cls, centred: UserCentredRatings, catalogue: Catalogue) -> "Personal":
        """Fit them; the ratings that count are `centred.personal`."""
        return cls(
            Franchise.fit(centred, catalogue),
            Genre.fit(centred, catalogue),
            Cast.fit(centred, catalogue),
        )

    def has_movies_of(self, other: "Personal") -> bool:
        """Return True if both know the same of the movies, in the same positions."""
        return all(
            np.array_equal(getattr(getattr(self, part), name), getattr(getattr(other, part), name))
            for part, names in _OF_MOVIES.items()
            for name in names
        )


_OF_MOVIES = {
    "franchise": ("collections", "n_collections"),
    "genre": ("sets", "set_of"),
    "cast": ("cast_starts", "cast", "billing", "n_people"),
}


def index_of_version(
    components: Sequence[Component],
    personal: Personal,
    values: Configuration,
    movie_ids: Ints,
) -> ServingIndex:
    """Return the index of a fitted model, of which all components are covered.

    Args:
        components: of the model; what they say of movies alone is taken from them.
        personal: the components that know the genres, casts and collections of the movies.
        values: hyperparameters.
        movie_ids: (M,) ascending.
    """
    n_collections = int(personal.franchise.n_collections[0])
    collections = personal.franchise.collections
    set_starts, set_genres = _sets_of(personal.genre)
    people, cast = np.unique(personal.cast.cast, return_inverse=True)
    starts = personal.cast.cast_starts
    found = roles(personal.cast.billing, values)
    lead_ends = starts[:-1] + _counts(found["lead"], starts)
    return ServingIndex(
        common=common_scores(components, values, len(movie_ids)),
        collections=np.where(collections < 0, n_collections, collections).astype(np.int32),
        set_of=personal.genre.set_of.astype(np.int32),
        set_starts=set_starts,
        set_genres=set_genres,
        places=tie_order(movie_ids),
        cast_starts=starts.astype(np.int64),
        cast=cast.astype(np.int32),
        lead_ends=lead_ends,
        supporting_ends=lead_ends + _counts(found["supporting"], starts),
        weights=np.array([float(values[f"{n}_weight"]) for n in ("franchise", "genre", "cast")]),
        boosts=np.array([float(values[name]) for name in _BOOSTS]),
        role_weights=np.array([float(values[f"cast_{role}_weight"]) for role in _ROLES]),
        n_collections=n_collections,
        n_people=len(people),
    )


def common_parts(
    components: Sequence[Component], values: Configuration, n_movies: int
) -> dict[str, Floats]:
    """Return what the components that are the same for all users add to each score, (M,)."""
    nobody: Ints = np.zeros(0, dtype=np.int64)
    return {
        part.name: np.broadcast_to(
            values[f"{part.name}_weight"] * part.score(nobody, values)[0], n_movies
        )
        for part in components
        if isinstance(part, Rating | Popularity)
    }


def common_scores(components: Sequence[Component], values: Configuration, n_movies: int) -> Floats:
    """Return the sum of `common_parts`, added up as the model does, (M,)."""
    return np.array(sum(common_parts(components, values, n_movies).values()), dtype=np.float64)


def fitted_profile(personal: Personal, user: int) -> UserProfile:
    """Return the profile of a user of the fit, by position."""
    franchise, genre, cast = personal.franchise, personal.genre, personal.cast
    liked = slice(franchise.starts[user], franchise.starts[user + 1])
    met = slice(cast.user_starts[user], cast.user_starts[user + 1])
    return UserProfile(
        rated=cast.rated[met],
        steps=in_steps(cast.deviations[met]),
        genres=genre.taste[user],
        known_genres=genre.known[user],
        franchises=franchise.rated[liked],
        franchise_preferences=franchise.likings[liked],
    )


def in_steps(deviations: Floats) -> Ints:
    """Return deviations on the grid as whole steps."""
    return np.rint(deviations * STEPS_PER_STAR).astype(np.int64)


def _sets_of(genre: Genre) -> tuple[Ints, Ints32]:
    """Return the genres of each set as compressed rows, ascending within a set."""
    rows, genres = np.nonzero(genre.sets)
    starts = np.searchsorted(rows, np.arange(len(genre.sets) + 1)).astype(np.int64)
    return starts, genres.astype(np.int32)


def _counts(chosen: Bools, starts: Ints) -> Ints:
    """Return how many entries of each row are chosen, (M,), by the starts of the rows (M + 1,)."""
    before = np.concatenate([[0], np.cumsum(chosen)])
    return np.diff(before[starts]).astype(np.int64)


def _only(components: Sequence[Component], kind: type[C]) -> C:
    """Return the only one of the components that is of this kind."""
    (found,) = (part for part in components if isinstance(part, kind))
    return found
