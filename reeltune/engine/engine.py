"""The hand-weighted recommender, measured by the fused engine: components in, figures out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from reeltune.components.cast import Cast
from reeltune.components.genre import Genre
from reeltune.components.hyperparameters import SPACE
from reeltune.components.popularity import Popularity
from reeltune.domain.arrays import Ints, Ints32
from reeltune.domain.evaluation import Evaluation
from reeltune.domain.space import Configuration
from reeltune.engine.arrays import (
    CAST,
    FRANCHISE,
    GENRE,
    POPULARITY,
    RATING,
    Batch,
    World,
)
from reeltune.engine.coverage import COVERED_COMPONENTS, covers_components
from reeltune.engine.index import make_world
from reeltune.engine.index_cache import Place, kept
from reeltune.engine.measure import measure, most_at_once
from reeltune.ratings.catalogue import Catalogue
from reeltune.ratings.table import RatingTable

_WEIGHT_COLUMNS = {
    "rating_weight": RATING,
    "popularity_weight": POPULARITY,
    "franchise_weight": FRANCHISE,
    "genre_weight": GENRE,
    "cast_weight": CAST,
}
_WEIGHTS = sorted(_WEIGHT_COLUMNS, key=_WEIGHT_COLUMNS.__getitem__)
_POPULARITY, _GENRE = COVERED_COMPONENTS[Popularity], COVERED_COMPONENTS[Genre]
*_ROLES, _LEAD_THRESHOLD, _SUPPORTING_THRESHOLD = COVERED_COMPONENTS[Cast]
_NOT_NEGATIVE = (*_WEIGHTS, *_POPULARITY, *_ROLES)


@dataclass(frozen=True, eq=False)
class Engine:
    """One held-out part, ready to measure any number of configurations."""

    world: World

    @classmethod
    def of(
        cls,
        fitting: RatingTable,
        held_out: RatingTable,
        catalogue: Catalogue,
        place: Place | None = None,
    ) -> "Engine | None":
        """The engine for what is fitted before `held_out`, kept at `place`; None if there is none.

        That is where components are registered that it does not cover, where a rating is in both
        parts, or a user has more evidence than can be counted: the reference says what is to be
        said of them.
        """
        if not covers_components():
            return None
        return _engine(fitting, held_out, catalogue, place)

    def evaluate(
        self, configurations: Sequence[Configuration], threads: int | None = None
    ) -> Iterator[tuple[int, Evaluation]]:
        """The covered metrics of each of `configurations`, with its place among them, in any order.

        By at most so many threads; None: as many as there are cores for.
        """
        for numbers, batch in self._batches(configurations):
            figures = measure(self.world, batch, threads)
            for k, number in enumerate(numbers):
                yield number, figures.of(k, self.world.users, len(self.world.rated_starts) - 1)

    def top_movies(self, configuration: Configuration) -> Ints32:
        """(E, TOP) the movies each measured user would see first; -1 beyond the last one."""
        top: Ints32 = measure(self.world, self._batch([configuration]), keep_top=True).top[0]
        return top

    def among(self, users: Ints) -> "Engine":
        """Return the engine for some of its users alone, at ascending positions."""
        world = self.world
        rows = np.flatnonzero(np.isin(world.users, users))
        starts, ends = world.held_starts[rows], world.held_starts[rows + 1]
        held = _ranges(starts, ends)
        part = world._replace(
            users=world.users[rows],
            held_starts=np.concatenate([[0], np.cumsum(ends - starts)]).astype(np.int64),
            held=world.held[held],
            liked=world.liked[held],
        )
        return Engine(part)

    def _batches(
        self, configurations: Sequence[Configuration]
    ) -> Iterator[tuple[list[int], Batch]]:
        """Return as many configurations at a time as results may be held of, with their places."""
        size = most_at_once(self.world)
        order = sorted(range(len(configurations)), key=lambda k: _sorting(configurations[k]))
        for start in range(0, len(order), size):
            numbers = order[start : start + size]
            yield numbers, self._batch([configurations[k] for k in numbers])

    def _batch(self, configurations: Sequence[Configuration]) -> Batch:
        casts, cast_of = _distinct([_values(c, COVERED_COMPONENTS[Cast]) for c in configurations])
        genres, genre_of = _distinct([_values(c, _GENRE) for c in configurations])
        return Batch(
            weights=np.array([_values(c, _WEIGHTS) for c in configurations]),
            popularity=np.array([_values(c, _POPULARITY) for c in configurations]),
            genre_of=genre_of,
            genre=np.array(genres),
            cast_of=cast_of,
            cast=np.array([each[:3] for each in casts]),
            n_lead=np.array([self._billed_before(each[3]) for each in casts]),
            n_early=np.array([self._billed_before(each[4]) for each in casts]),
        )

    def _billed_before(self, threshold: float) -> Ints32:
        """(M,) how many of each movie's cast are billed before `threshold`."""
        before = np.concatenate([[0], np.cumsum(self.world.billing < threshold)])
        return np.diff(before[self.world.cast_starts]).astype(np.int32)


def applies(hyperparameters: Configuration) -> bool:
    """Return whether all values are within their bounds, and no weight is below 0.

    So no score can be anything but a number, and single precision is as exact as it has to be.
    """
    known = SPACE.hyperparameters
    return (
        hyperparameters.keys() >= known.keys()
        and all(not member.faults(hyperparameters[name]) for name, member in known.items())
        and all(hyperparameters[name] >= 0 for name in _NOT_NEGATIVE)
    )


@lru_cache(maxsize=2)
def _engine(
    fitting: RatingTable, held_out: RatingTable, catalogue: Catalogue, place: Place | None
) -> Engine | None:
    """The engine for these tables, made once."""
    world = kept(place, World, lambda: make_world(fitting, held_out, catalogue))
    return None if world is None else Engine(world)


def _values(configuration: Configuration, names: Sequence[str]) -> tuple[float, ...]:
    return tuple(float(configuration[name]) for name in names)


def _sorting(configuration: Configuration) -> tuple[tuple[float, ...], ...]:
    """What is dear to change first."""
    return _values(configuration, COVERED_COMPONENTS[Cast]), _values(configuration, _GENRE)


def _distinct(keys: Sequence[tuple[float, ...]]) -> tuple[list[tuple[float, ...]], Ints]:
    """The different ones of `keys` in order of appearance, and which of them each is."""
    number = {key: n for n, key in enumerate(dict.fromkeys(keys))}
    return list(number), np.array([number[key] for key in keys], dtype=np.int64)


def _ranges(starts: Ints, ends: Ints) -> Ints:
    """All whole numbers from each start up to before its end, one range after the other."""
    parts: Sequence[Ints] = [np.arange(a, b) for a, b in zip(starts, ends, strict=True)]
    return np.concatenate([np.zeros(0, dtype=np.int64), *parts])
