"""The hand-weighted recommender, measured by the fused engine: components in, figures out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

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
from domain.hyperparameters import SPACE
from domain.ratings import RatingTable
from domain.space import Configuration
from evaluation.evaluate import Evaluation
from evaluation.fused import Figures, alike, measure, most_at_once, padded
from evaluation.fused_arrays import COUNT_BITS, SHOWN, Batch, World
from evaluation.metrics import RELEVANT, self_information
from evaluation.ranking import tie_order
from model import fit_components

_WEIGHTS = tuple(
    f"{name}_weight" for name in ("rating", "popularity", "franchise", "genre", "cast")
)
_SAMPLE = 1_000  # users whose taste helps to put like movies side by side
_MOST_EVIDENCE = 2 ** (COUNT_BITS - 1)


@dataclass(frozen=True, eq=False)
class Engine:
    """One held-out part, ready to measure any number of configurations."""

    world: World
    billing: Ints32  # (L,) of the entries of `world.cast`
    movie_at: Ints  # (M,) the movie at each position of the world

    @classmethod
    def of(
        cls, fitting: RatingTable, held_out: RatingTable, catalogue: Catalogue
    ) -> "Engine | None":
        """The engine for what is fitted before `held_out`; None where it does not apply.

        That is where a rating is in both parts, or a user has more evidence than can be counted:
        the reference says what is to be said of them.
        """
        return _engine(fitting, held_out, catalogue)

    def evaluate(self, configurations: Sequence[Configuration]) -> Iterator[tuple[int, Evaluation]]:
        """The figures of each of `configurations`, with its place among them, in any order."""
        for numbers, figures in self._parts(configurations):
            for k, number in enumerate(numbers):
                yield number, figures.of(k, self.world.users, len(self.world.rated_starts) - 1)

    def top_movies(self, configuration: Configuration) -> Ints:
        """(E, TOP) the movies each measured user would see first; -1 beyond the last one."""
        ((_, figures),) = self._parts([configuration], keep_top=True)
        movies: Ints = np.append(self.movie_at, -1)[figures.top[0]]
        return movies

    def _parts(
        self, configurations: Sequence[Configuration], *, keep_top: bool = False
    ) -> Iterator[tuple[list[int], Figures]]:
        """Figures of as many configurations at a time as results may be held of."""
        size = most_at_once(self.world)
        order = sorted(range(len(configurations)), key=lambda k: _sorting(configurations[k]))
        for start in range(0, len(order), size):
            numbers = order[start : start + size]
            batch = self._batch([configurations[k] for k in numbers])
            yield numbers, measure(self.world, batch, keep_top=keep_top)

    def _batch(self, configurations: Sequence[Configuration]) -> Batch:
        casts, cast_of = _distinct([_values(c, Cast.hyperparameters) for c in configurations])
        genres, genre_of = _distinct([_values(c, Genre.hyperparameters) for c in configurations])
        return Batch(
            weights=np.array([_values(c, _WEIGHTS) for c in configurations]),
            popularity=np.array([_values(c, Popularity.hyperparameters) for c in configurations]),
            genre_of=genre_of,
            genre=np.array(genres),
            cast_of=cast_of,
            cast=np.array([each[:3] for each in casts]),
            n_lead=np.array([self._billed_before(each[3]) for each in casts]),
            n_early=np.array([self._billed_before(each[4]) for each in casts]),
        )

    def _billed_before(self, threshold: float) -> Ints32:
        """(M,) how many of each movie's cast are billed before `threshold`."""
        before = np.concatenate([[0], np.cumsum(self.billing < threshold)])
        return np.diff(before[self.world.cast_starts]).astype(np.int32)


def applies(hyperparameters: Configuration) -> bool:
    """Are all values within their bounds, so that no score can be anything but a number?"""
    known = SPACE.hyperparameters
    return hyperparameters.keys() >= known.keys() and all(
        not member.faults(hyperparameters[name]) for name, member in known.items()
    )


def _is_fit(fitting: RatingTable, held_out: RatingTable, catalogue: Catalogue) -> bool:
    same = np.array_equal(fitting.user_ids, held_out.user_ids) and (
        np.array_equal(fitting.movie_ids, held_out.movie_ids)
        and np.array_equal(catalogue.movie_ids, held_out.movie_ids)
    )
    if not same:
        return False
    n_movies = max(1, catalogue.n_movies)
    fitted, held = (t.users.astype(np.int64) * n_movies + t.movies for t in (fitting, held_out))
    if np.isin(held, fitted).any():
        return False
    n_cast = np.diff(catalogue.cast_starts)
    most_rated = int(np.diff(fitting.starts).max(initial=0))
    return bool(most_rated * int(n_cast.max(initial=0)) < _MOST_EVIDENCE)


@lru_cache(maxsize=2)
def _engine(fitting: RatingTable, held_out: RatingTable, catalogue: Catalogue) -> Engine | None:
    """The engine for these tables, made once."""
    if not _is_fit(fitting, held_out, catalogue):
        return None
    rating, popularity, franchise, genre, cast = fit_components(fitting, catalogue)
    assert isinstance(rating, Rating)
    assert isinstance(popularity, Popularity)
    assert isinstance(franchise, Franchise)
    assert isinstance(genre, Genre)
    assert isinstance(cast, Cast)
    match = genre.match(np.arange(min(fitting.n_users, _SAMPLE)))[0].sum(axis=0)  # (S,)
    movie_at = alike(
        [
            rating.means,
            popularity.counts,
            match[genre.set_of] / max(1, min(fitting.n_users, _SAMPLE)),
        ]
    )  # (M,)
    place_of = np.empty(len(movie_at), dtype=np.int32)  # (M,) position of each movie
    place_of[movie_at] = np.arange(len(movie_at))
    cast_starts, entries = _rows_in_order(cast.cast_starts, movie_at)
    set_starts, set_genres = _compressed(genre.sets)
    with_collection = np.flatnonzero(franchise.collections[movie_at] >= 0)  # places
    collections = franchise.collections[movie_at][with_collection]
    by_collection = np.argsort(collections, kind="stable")
    steps = np.rint(cast.deviations * STEPS_PER_STAR).astype(np.int64)
    users = np.flatnonzero(np.diff(held_out.starts))
    discounts = 1 / np.log2(np.arange(SHOWN) + 2)
    world = World(
        n_movies=catalogue.n_movies,
        rating=padded(rating.means[movie_at]),
        popularity_mean=padded(popularity.means[movie_at]),
        popularity_count=padded(popularity.counts[movie_at]),
        places=tie_order(catalogue.movie_ids)[movie_at].astype(np.int32),
        bits=self_information(fitting)[movie_at],
        set_of=genre.set_of[movie_at],
        set_starts=set_starts,
        set_genres=set_genres,
        cast_starts=cast_starts,
        cast=cast.cast[entries],
        collection_starts=np.searchsorted(
            collections[by_collection], np.arange(int(franchise.n_collections[0]) + 1)
        ),
        collection_movies=with_collection[by_collection].astype(np.int32),
        n_people=int(cast.n_people[0]),
        rated_starts=fitting.starts,
        rated=place_of[fitting.movies],
        seen_starts=cast.user_starts,
        seen=place_of[cast.rated],
        evidence=(steps << COUNT_BITS) + 1,
        taste=genre.taste,
        known=genre.known,
        franchise_starts=franchise.starts,
        franchises=franchise.rated,
        franchise_likings=franchise.likings,
        users=users,
        held_starts=np.append(held_out.starts[users], len(held_out)),
        held=place_of[held_out.movies],
        liked=held_out.ratings >= RELEVANT,
        genre_scale=genre_component.SCALE,
        cast_scale=cast_component.SCALE,
        cast_prior=PRIOR_RATINGS,
        steps_per_star=float(STEPS_PER_STAR),
        discounts=discounts,
        ideal=np.append(0.0, np.cumsum(discounts)),
    )
    owned = World._make(_own(v) if isinstance(v, np.ndarray) else v for v in world)
    return Engine(owned, cast.billing[entries], movie_at)


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


def _values(configuration: Configuration, names: Sequence[str]) -> tuple[float, ...]:
    return tuple(float(configuration[name]) for name in names)


def _sorting(configuration: Configuration) -> tuple[tuple[float, ...], ...]:
    """What is dear to change first."""
    return _values(configuration, Cast.hyperparameters), _values(
        configuration, Genre.hyperparameters
    )


def _distinct(keys: Sequence[tuple[float, ...]]) -> tuple[list[tuple[float, ...]], Ints]:
    """The different ones of `keys` in order of appearance, and which of them each is."""
    number = {key: n for n, key in enumerate(dict.fromkeys(keys))}
    return list(number), np.array([number[key] for key in keys], dtype=np.int64)
