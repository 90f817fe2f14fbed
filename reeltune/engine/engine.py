"""Evaluation of the hand-weighted recommender by the compiled engine."""

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
    EngineIndex,
)
from reeltune.engine.coverage import COVERED_COMPONENTS, covers_components
from reeltune.engine.index import make_index
from reeltune.engine.index_cache import CacheKey, load_or_make
from reeltune.engine.measure import max_configurations, measure_batch
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
    """Held-out part, ready to measure any number of configurations."""

    index: EngineIndex

    @classmethod
    def of(
        cls,
        fitting: RatingTable,
        held_out: RatingTable,
        catalogue: Catalogue,
        cache_key: CacheKey | None = None,
    ) -> "Engine | None":
        """Return the engine for models fitted before `held_out`; None where it does not apply.

        The index is cached under `cache_key`.

        None where components are registered that the engine does not cover, a rating is in both
        parts, or a user has more evidence than can be counted: the reference handles these.
        """
        if not covers_components():
            return None
        return _engine(fitting, held_out, catalogue, cache_key)

    def evaluate(
        self, configurations: Sequence[Configuration], threads: int | None = None
    ) -> Iterator[tuple[int, Evaluation]]:
        """Yield the covered metrics of each of `configurations`, with its position, in any order.

        By at most so many threads; None: as many as there are cores for.
        """
        for numbers, batch in self._batches(configurations):
            figures = measure_batch(self.index, batch, threads)
            for k, number in enumerate(numbers):
                yield number, figures.of(k, self.index.users, len(self.index.rated_starts) - 1)

    def top_movies(self, configuration: Configuration) -> Ints32:
        """Return the first movies each measured user would see, (E, TOP); -1 beyond the last."""
        batch = self._batch([configuration])
        top: Ints32 = measure_batch(self.index, batch, keep_top=True).top[0]
        return top

    def among(self, users: Ints) -> "Engine":
        """Return the engine for some of its users alone, at ascending positions."""
        index = self.index
        rows = np.flatnonzero(np.isin(index.users, users))
        starts, ends = index.held_starts[rows], index.held_starts[rows + 1]
        held = _ranges(starts, ends)
        part = index._replace(
            users=index.users[rows],
            held_starts=np.concatenate([[0], np.cumsum(ends - starts)]).astype(np.int64),
            held=index.held[held],
            liked=index.liked[held],
        )
        return Engine(part)

    def _batches(
        self, configurations: Sequence[Configuration]
    ) -> Iterator[tuple[list[int], Batch]]:
        """Yield as many configurations at a time as memory for results allows, with places."""
        size = max_configurations(self.index)
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
        """Return how many of each movie's cast are billed before `threshold`, (M,)."""
        before = np.concatenate([[0], np.cumsum(self.index.billing < threshold)])
        return np.diff(before[self.index.cast_starts]).astype(np.int32)


def applies(hyperparameters: Configuration) -> bool:
    """Return True if all values are within their bounds and no weight is below 0.

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
    fitting: RatingTable, held_out: RatingTable, catalogue: Catalogue, cache_key: CacheKey | None
) -> Engine | None:
    """Return the engine for these tables, made once."""
    index = load_or_make(cache_key, EngineIndex, lambda: make_index(fitting, held_out, catalogue))
    return None if index is None else Engine(index)


def _values(configuration: Configuration, names: Sequence[str]) -> tuple[float, ...]:
    return tuple(float(configuration[name]) for name in names)


def _sorting(configuration: Configuration) -> tuple[tuple[float, ...], ...]:
    """Return the hyperparameters that take longest to apply, as a sort key."""
    return _values(configuration, COVERED_COMPONENTS[Cast]), _values(configuration, _GENRE)


def _distinct(keys: Sequence[tuple[float, ...]]) -> tuple[list[tuple[float, ...]], Ints]:
    """Return the distinct `keys` in order of appearance, and each key's position among them."""
    number = {key: n for n, key in enumerate(dict.fromkeys(keys))}
    return list(number), np.array([number[key] for key in keys], dtype=np.int64)


def _ranges(starts: Ints, ends: Ints) -> Ints:
    """Return all whole numbers from each start up to before its end, one range after the other."""
    parts: Sequence[Ints] = [np.arange(a, b) for a, b in zip(starts, ends, strict=True)]
    return np.concatenate([np.zeros(0, dtype=np.int64), *parts])
