"""People of the made-up world: their careers, and who is in which movie."""

from dataclasses import dataclass

import numpy as np

from reeltune.domain.arrays import Bools, Floats, Ints
from reeltune.importers.demo_settings import CAST_ROLES

_SMALLEST_CAST, _USUAL_CAST, _LARGEST_CAST = 3, 11, 25
_RETURNING = 5  # of a franchise's first cast come back in a sequel, most of the time
_RETURN_CHANCE = 0.8


@dataclass(frozen=True, eq=False)
class People:
    """P people: when they worked, and how well known they are."""

    first_years: Ints  # (P,)
    last_years: Ints  # (P,)
    fame: Floats  # (P,) standard normal


@dataclass(frozen=True, eq=False)
class DemoCast:
    """Cast of M movies in compressed rows, by billing order within a movie."""

    starts: Ints  # (M + 1,)
    people: Ints  # (E,) positions

    @property
    def movies(self) -> Ints:
        """Movie of each entry, (E,)."""
        return np.repeat(np.arange(len(self.starts) - 1), np.diff(self.starts))

    @property
    def billing(self) -> Ints:
        """Order within the movie, (E,), 0 = top."""
        return np.arange(len(self.people)) - self.starts[self.movies]

    @property
    def role_weights(self) -> Floats:
        """Weights (E,): what each entry truly counts."""
        ends = [end for end, _ in CAST_ROLES.values() if end is not None]
        weights = np.array([weight for _, weight in CAST_ROLES.values()])
        return weights[np.searchsorted(ends, self.billing, side="right")]

    def mean(self, values: Floats) -> Floats:
        """Return (M,) mean over each cast of `values` (E,) by role weight; 0 without a cast."""
        weights = self.role_weights
        sums = np.bincount(self.movies, weights * values, minlength=len(self.starts) - 1)
        counted = np.bincount(self.movies, weights, minlength=len(self.starts) - 1)
        return sums / np.maximum(counted, 1e-12)


def draw_people(rng: np.random.Generator, years: Ints) -> People:
    """Return one person for three movies of `years` (M,), working around such a year."""
    n_people = len(years) // 3 + 20
    middles = years[rng.integers(len(years), size=n_people)]
    lengths = np.clip(rng.lognormal(np.log(22), 0.5, n_people), 5, 60)
    befores = rng.random(n_people) * lengths
    return People(
        first_years=np.floor(middles - befores).astype(np.int64),
        last_years=np.ceil(middles - befores + lengths).astype(np.int64),
        fame=rng.standard_normal(n_people),
    )


def draw_cast(
    rng: np.random.Generator, people: People, years: Ints, firsts: Ints, without: Bools
) -> DemoCast:
    """Return who is in each movie: known people more often, and the first cast again in sequels.

    Args:
        rng: where the numbers come from.
        people: P people.
        years: (M,) when each movie came out.
        firsts: (M,) the first movie of the franchise; the movie itself if it is in none.
        without: (M,) movies of which no cast is known.
    """
    sizes = np.round(rng.lognormal(np.log(_USUAL_CAST), 0.45, len(years))).astype(np.int64)
    sizes = np.where(without, 0, np.clip(sizes, _SMALLEST_CAST, _LARGEST_CAST))
    drawn = DemoCast(np.concatenate([[0], np.cumsum(sizes)]), np.zeros(int(sizes.sum()), np.int64))
    drawn = DemoCast(drawn.starts, _draw_active(rng, people, years[drawn.movies]))
    places = drawn.billing
    noise = rng.standard_normal(len(places))
    returning = _returning(rng, drawn, people, years, firsts)
    persons = np.where(returning >= 0, returning, drawn.people)
    prominence = people.fame[persons] + noise + 10.0 * (returning >= 0)
    return _by_billing(drawn.movies, persons, prominence, len(years))


def _draw_active(rng: np.random.Generator, people: People, years: Ints) -> Ints:
    """Return a person for each entry, of those working in its year, the famous more often."""
    persons = np.zeros(len(years), dtype=np.int64)
    draws = rng.random(len(years))
    for year in np.unique(years):
        active = np.flatnonzero((people.first_years <= year) & (year <= people.last_years))
        active = active if len(active) else np.arange(len(people.fame))
        edges = np.cumsum(np.exp(np.minimum(people.fame[active], 2.2)))
        here = years == year
        persons[here] = active[np.searchsorted(edges, draws[here] * edges[-1], side="right")]
    return persons


def _returning(
    rng: np.random.Generator, drawn: DemoCast, people: People, years: Ints, firsts: Ints
) -> Ints:
    """Return (E,) who comes back from the franchise's first movie in an entry; -1 for nobody."""
    movies, places = drawn.movies, drawn.billing
    first = firsts[movies]
    source = drawn.starts[first] + places
    possible = (first != movies) & (places < _RETURNING) & (source < drawn.starts[first + 1])
    possible &= rng.random(len(movies)) < _RETURN_CHANCE
    persons = drawn.people[np.where(possible, source, 0)] if len(movies) else drawn.people
    return np.where(possible & (years[movies] <= people.last_years[persons]), persons, -1)


def _by_billing(movies: Ints, persons: Ints, prominence: Floats, n_movies: int) -> DemoCast:
    """Return entries by movie and falling prominence, each person once per movie."""
    order = np.lexsort((-prominence, movies))
    movies, persons = movies[order], persons[order]
    _, once = np.unique(movies * (persons.max(initial=0) + 1) + persons, return_index=True)
    once.sort()
    starts = np.searchsorted(movies[once], np.arange(n_movies + 1))
    return DemoCast(starts.astype(np.int64), persons[once])
