"""The world that the fused engine measures in: components fitted, movies put in an order."""

from typing import Any, NamedTuple

import numpy as np

from components import cast as cast_component
from components import genre as genre_component
from components.cast import Cast
from components.franchise import Franchise
from components.genre import Genre
from components.liking import PRIOR_RATINGS, STEPS_PER_STAR
from components.popularity import Popularity
from components.rating import Rating
from domain.arrays import AnyArray, Bools, Ints, Ints32
from domain.catalogue import Catalogue
from domain.ratings import RatingTable
from evaluation.fused import alike, padded
from evaluation.fused_arrays import COUNT_BITS, SHOWN, World
from evaluation.metrics import RELEVANT, self_information
from evaluation.ranking import tie_order
from model import fit_components

_SAMPLE = 1_000  # users whose taste helps to put like movies side by side
_MOST_EVIDENCE = 2 ** (COUNT_BITS - 1)

Arrays = dict[str, Any]  # some of the fields of a World


class Ground(NamedTuple):
    """What an engine stands on."""

    world: World
    billing: Ints32  # (L,) of the entries of `world.cast`
    movie_at: Ints  # (M,) the movie at each position of the world


class _Fitted(NamedTuple):
    """The components, each by its own type."""

    rating: Rating
    popularity: Popularity
    franchise: Franchise
    genre: Genre
    cast: Cast


def make_ground(fitting: RatingTable, held_out: RatingTable, catalogue: Catalogue) -> Ground | None:
    """The ground for what is fitted before `held_out`; None where the engine does not apply.

    That is where a rating is in both parts, or a user has more evidence than can be counted.
    """
    if not _is_fit(fitting, held_out, catalogue):
        return None
    fitted = _fitted(fitting, catalogue)
    movie_at = _order(fitted, fitting.n_users)
    place_of = np.empty(len(movie_at), dtype=np.int32)  # (M,) position of each movie
    place_of[movie_at] = np.arange(len(movie_at))
    cast_starts, cast_entries = _rows_in_order(fitted.cast.cast_starts, movie_at)
    world = World(
        n_movies=catalogue.n_movies,
        places=tie_order(catalogue.movie_ids)[movie_at].astype(np.int32),
        bits=self_information(fitting)[movie_at],
        cast_starts=cast_starts,
        cast=fitted.cast.cast[cast_entries],
        **_of_movies(fitted, movie_at),
        **_of_genres(fitted.genre, movie_at),
        **_of_collections(fitted.franchise, movie_at),
        **_of_users(fitted, fitting, place_of),
        **_of_held_out(held_out, place_of),
        **_constants(),
    )
    owned = World._make(_own(v) if isinstance(v, np.ndarray) else v for v in world)
    return Ground(owned, fitted.cast.billing[cast_entries], movie_at)


def _is_fit(fitting: RatingTable, held_out: RatingTable, catalogue: Catalogue) -> bool:
    same = np.array_equal(fitting.user_ids, held_out.user_ids) and (
        np.array_equal(fitting.movie_ids, held_out.movie_ids)
        and np.array_equal(catalogue.movie_ids, held_out.movie_ids)
    )
    if not same:
        return False
    if _overlap(fitting, held_out):
        return False
    n_cast = np.diff(catalogue.cast_starts)
    most_rated = int(np.diff(fitting.starts).max(initial=0))
    return bool(most_rated * int(n_cast.max(initial=0)) < _MOST_EVIDENCE)


def _overlap(fitting: RatingTable, held_out: RatingTable) -> bool:
    """Is a user's rating of a movie in both parts? By sorting, which takes a tenth of `isin`."""
    n = len(fitting)
    keys = np.empty(n + len(held_out), dtype=np.int64)
    for part, rows in ((fitting, slice(None, n)), (held_out, slice(n, None))):
        np.multiply(part.users, max(1, part.n_movies), out=keys[rows], dtype=np.int64)
        keys[rows] += part.movies
    keys.sort()
    return bool((keys[1:] == keys[:-1]).any())


def _fitted(fitting: RatingTable, catalogue: Catalogue) -> _Fitted:
    rating, popularity, franchise, genre, cast = fit_components(fitting, catalogue)
    assert isinstance(rating, Rating)
    assert isinstance(popularity, Popularity)
    assert isinstance(franchise, Franchise)
    assert isinstance(genre, Genre)
    assert isinstance(cast, Cast)
    return _Fitted(rating, popularity, franchise, genre, cast)


def _order(fitted: _Fitted, n_users: int) -> Ints:
    """(M,) the movies in an order in which neighbours are alike."""
    n_asked = min(n_users, _SAMPLE)
    match = fitted.genre.match(np.arange(n_asked))[0].sum(axis=0)  # (S,)
    features = [
        fitted.rating.means,
        fitted.popularity.counts,
        match[fitted.genre.set_of] / max(1, n_asked),
    ]
    return alike(features)


def _of_movies(fitted: _Fitted, movie_at: Ints) -> Arrays:
    return {
        "rating": padded(fitted.rating.means[movie_at]),
        "popularity_mean": padded(fitted.popularity.means[movie_at]),
        "popularity_count": padded(fitted.popularity.counts[movie_at]),
        "n_people": int(fitted.cast.n_people[0]),
    }


def _of_genres(genre: Genre, movie_at: Ints) -> Arrays:
    set_starts, set_genres = _compressed(genre.sets)
    return {
        "set_of": genre.set_of[movie_at],
        "set_starts": set_starts,
        "set_genres": set_genres,
    }


def _of_collections(franchise: Franchise, movie_at: Ints) -> Arrays:
    """The places of the movies of each collection."""
    with_collection = np.flatnonzero(franchise.collections[movie_at] >= 0)  # places
    collections = franchise.collections[movie_at][with_collection]
    order = np.argsort(collections, kind="stable")
    starts = np.arange(int(franchise.n_collections[0]) + 1)
    return {
        "collection_starts": np.searchsorted(collections[order], starts),
        "collection_movies": with_collection[order].astype(np.int32),
    }


def _of_users(fitted: _Fitted, fitting: RatingTable, place_of: Ints32) -> Arrays:
    steps = np.rint(fitted.cast.deviations * STEPS_PER_STAR).astype(np.int64)
    return {
        "rated_starts": fitting.starts,
        "rated": place_of[fitting.movies],
        "seen_starts": fitted.cast.user_starts,
        "seen": place_of[fitted.cast.rated],
        "evidence": (steps << COUNT_BITS) + 1,
        "taste": fitted.genre.taste,
        "known": fitted.genre.known,
        "franchise_starts": fitted.franchise.starts,
        "franchises": fitted.franchise.rated,
        "franchise_likings": fitted.franchise.likings,
    }


def _of_held_out(held_out: RatingTable, place_of: Ints32) -> Arrays:
    users = np.flatnonzero(np.diff(held_out.starts))
    return {
        "users": users,
        "held_starts": np.append(held_out.starts[users], len(held_out)),
        "held": place_of[held_out.movies],
        "liked": held_out.ratings >= RELEVANT,
    }


def _constants() -> Arrays:
    discounts = 1 / np.log2(np.arange(SHOWN) + 2)
    return {
        "genre_scale": genre_component.SCALE,
        "cast_scale": cast_component.SCALE,
        "cast_prior": PRIOR_RATINGS,
        "steps_per_star": float(STEPS_PER_STAR),
        "discounts": discounts,
        "ideal": np.append(0.0, np.cumsum(discounts)),
    }


def _rows_in_order(starts: Ints, order: Ints) -> tuple[Ints, Ints]:
    """Compressed rows taken in another order: their new starts, and the old entries by new one.

    >>> _rows_in_order(np.array([0, 2, 3]), np.array([1, 0]))
    (array([0, 1, 3]), array([2, 0, 1]))
    """
    lengths = np.diff(starts)[order]
    new = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    entries = np.arange(new[-1]) + np.repeat(starts[:-1][order] - new[:-1], lengths)
    return new, entries


def _compressed(has: Bools) -> tuple[Ints, Ints32]:
    """The true columns of each row, as compressed rows."""
    rows, columns = np.nonzero(has)
    return np.searchsorted(rows, np.arange(len(has) + 1)), columns.astype(np.int32)


def _own(array: AnyArray) -> AnyArray:
    """An array as compiled code knows it: contiguous, aligned and writeable, or a copy that is."""
    return np.require(array, requirements=["C", "A", "W"])
