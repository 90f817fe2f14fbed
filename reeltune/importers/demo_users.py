"""Users of the made-up world: what each rates, when, and how; one independent of the other."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from reeltune.domain.arrays import Floats, Ints
from reeltune.importers.demo_settings import (
    LIKING_SHARE,
    MIN_PER_USER,
    MOOD_SHARE,
    NOISE_SHARE,
    PERIOD_SECONDS,
    PERIOD_START,
    STREAM_SIZES,
    STREAM_USERS,
    TRUE_WEIGHTS,
    DemoSettings,
    random_stream,
)
from reeltune.importers.demo_world import DemoWorld

_DAY = 86_400
_SIZE_SPREAD = 1.1  # standard deviation of the logarithm of ratings per user
_PREFERENCE_KEPT = 0.8  # correlation of tastes at the period's two ends
_CHOOSINESS = 0.7  # how much liking decides what is watched
_WHOLE_STARS_SHARE = 0.45  # of users, who never give half a star
_SKEW = 0.22  # bad movies disappoint more than good ones delight
_SIGNAL = float(np.sqrt(sum(weight**2 for weight in TRUE_WEIGHTS.values())))
_PERSONAL = float(np.sqrt(sum(TRUE_WEIGHTS[part] ** 2 for part in ("genre", "cast", "franchise"))))


@dataclass(frozen=True, eq=False)
class RatedBlock:
    """Ratings of some users in order of user and movie, by id."""

    users: Ints  # (N,)
    movies: Ints  # (N,)
    ratings: Floats  # (N,) stars, 0.5 to 5
    rated_at: Ints  # (N,) Unix seconds, UTC
    expected: Floats  # (N,) the liking behind each rating, without mood and noise


@dataclass(frozen=True, eq=False)
class _Visits:
    """Visits of a user, and the mood then; S sessions, the first one joined in."""

    starts: Ints  # (S,) Unix seconds
    moods: Floats  # (S,) standard normal


def draw_sizes(settings: DemoSettings) -> Ints:
    """Return (U,) ratings per user: heavy-tailed, within the bounds, as many in all as wanted."""
    rng = random_stream(settings, STREAM_SIZES)
    wish = rng.lognormal(0.0, _SIZE_SPREAD, settings.users)
    low, high = 0.0, float(settings.ratings) / float(wish.min())
    for _ in range(100):
        middle = (low + high) / 2
        too_many = _sizes(settings, wish, middle).sum() > settings.ratings
        low, high = (low, middle) if too_many else (middle, high)
    sizes = _sizes(settings, wish, low)
    while (missing := settings.ratings - int(sizes.sum())) > 0:
        sizes[np.flatnonzero(sizes < settings.most_per_user)[:missing]] += 1
    return sizes


def rate_in_blocks(
    demo: DemoWorld, settings: DemoSettings, block_size: int
) -> Iterator[RatedBlock]:
    """Yield all users' ratings, `block_size` users at a time, which changes nothing in them."""
    sizes = draw_sizes(settings)
    edges = np.cumsum(demo.popularity)
    for first in range(0, settings.users, block_size):
        users = range(first, min(first + block_size, settings.users))
        yield _joined([_rate(demo, edges, settings, user, int(sizes[user])) for user in users])


def late_likings(demo: DemoWorld, settings: DemoSettings) -> Floats:
    """Return (U, M) how much each user likes each movie at the end of the period, of variance 1."""
    preferences = [
        _draw_preferences(random_stream(settings, STREAM_USERS, user), demo.traits.shape[1])[1]
        for user in range(settings.users)
    ]  # the first that a user's stream gives
    found: Floats = (demo.merit + np.stack(preferences) @ demo.traits.T) / _SIGNAL
    return found


def _sizes(settings: DemoSettings, wish: Floats, scale: float) -> Ints:
    sizes = np.floor(scale * wish).astype(np.int64)
    return sizes.clip(MIN_PER_USER, settings.most_per_user)


def _joined(blocks: list[RatedBlock]) -> RatedBlock:
    return RatedBlock(
        users=np.concatenate([block.users for block in blocks]),
        movies=np.concatenate([block.movies for block in blocks]),
        ratings=np.concatenate([block.ratings for block in blocks]),
        rated_at=np.concatenate([block.rated_at for block in blocks]),
        expected=np.concatenate([block.expected for block in blocks]),
    )


def _rate(demo: DemoWorld, edges: Floats, settings: DemoSettings, user: int, n: int) -> RatedBlock:
    """Return the `n` ratings of one user, by a stream of random numbers of the user's own."""
    rng = random_stream(settings, STREAM_USERS, user)
    preferences = _draw_preferences(rng, demo.traits.shape[1])
    visits = _draw_visits(rng, n)
    movies = _choose(rng, demo, edges, preferences.mean(axis=0), int(visits.starts.max()), n)
    sessions = _draw_sessions(rng, visits, demo.released_at[movies])
    rated_at = _draw_times(rng, visits, sessions)
    expected = _expected_rating(demo, preferences, movies, rated_at)
    stars = _to_stars(rng, expected, visits.moods[sessions])
    order = np.argsort(movies)
    return RatedBlock(
        users=np.full(n, user + 1, dtype=np.int64),
        movies=movies[order] + 1,
        ratings=stars[order],
        rated_at=rated_at[order],
        expected=expected[order],
    )


def _draw_preferences(rng: np.random.Generator, n_preferences: int) -> Floats:
    """Return (2, D) preferences at the period's beginning and end, each standard normal."""
    preferences = rng.standard_normal((2, n_preferences))
    preferences[1] = (
        _PREFERENCE_KEPT * preferences[0] + np.sqrt(1 - _PREFERENCE_KEPT**2) * preferences[1]
    )
    return preferences


def _draw_visits(rng: np.random.Generator, n_ratings: int) -> _Visits:
    """Draw a user's visits: from some day, for a while, the oftener the more is to rate."""
    end = PERIOD_START + PERIOD_SECONDS - 2 * _DAY
    n_sessions = 1 + int(rng.poisson(n_ratings / 18))
    joined = PERIOD_START + rng.random() * (end - PERIOD_START)
    stay = min(rng.exponential(500 * _DAY), end - joined)
    starts = joined + stay * rng.random(n_sessions)
    starts[0] = joined
    return _Visits(starts.astype(np.int64), rng.standard_normal(n_sessions))


def _choose(
    rng: np.random.Generator,
    demo: DemoWorld,
    edges: Floats,
    preferences: Floats,
    latest: int,
    n: int,
) -> Ints:
    """Return `n` different movies, out by `latest`, come across by popularity and taken by taste.

    The first `n` different ones taken; enough movies are out before anybody joins.
    """
    taken = np.zeros(0, dtype=np.int64)
    while True:
        met = np.searchsorted(edges, rng.random(4 * n) * edges[-1], side="right")
        appeal = demo.traits[met] @ preferences / _PERSONAL
        chance = np.maximum(1 / (1 + np.exp(-_CHOOSINESS * appeal)), 0.02)
        wanted = (rng.random(len(met)) < chance) & (demo.released_at[met] <= latest)
        taken = np.concatenate([taken, met[wanted]])
        movies, first = np.unique(taken, return_index=True)
        if len(movies) >= n:
            return rng.permutation(movies[np.argsort(first)[:n]])
        taken = movies[np.argsort(first)]


def _draw_sessions(rng: np.random.Generator, visits: _Visits, released_at: Ints) -> Ints:
    """Return (n,) the session of each rating: rather an early one, but never before the release."""
    n_sessions = len(visits.starts)
    drawn = (n_sessions * rng.random(len(released_at)) ** 1.5).astype(np.int64)
    return np.where(released_at <= visits.starts[drawn], drawn, visits.starts.argmax())


def _draw_times(rng: np.random.Generator, visits: _Visits, sessions: Ints) -> Ints:
    """Return (n,) times: one rating after the other in a session, several in one second."""
    gaps = np.minimum(rng.exponential(14.0, len(sessions)), 300) * (rng.random(len(sessions)) > 0.1)
    order = np.argsort(sessions, kind="stable")
    passed = np.cumsum(gaps.astype(np.int64))
    passed -= passed[np.searchsorted(sessions[order], sessions[order])]
    rated_at = np.empty_like(sessions)
    rated_at[order] = visits.starts[sessions[order]] + passed
    return rated_at


def _expected_rating(demo: DemoWorld, preferences: Floats, movies: Ints, rated_at: Ints) -> Floats:
    """Return (n,) expected ratings by then: preferences wander from one end to the other."""
    progress = (rated_at - PERIOD_START) / PERIOD_SECONDS
    early, late = (demo.traits[movies] @ preferences.T).T
    expected: Floats = demo.merit[movies] + (1 - progress) * early + progress * late
    return expected / _SIGNAL


def _to_stars(rng: np.random.Generator, expected: Floats, moods: Floats) -> Floats:
    """Return (n,) stars, by how harsh and outspoken the user is, and with half stars or not."""
    mean = 3.57 + 0.4 * rng.standard_normal()
    spread = 1.0 * np.exp(0.25 * rng.standard_normal())
    step = 1.0 if rng.random() < _WHOLE_STARS_SHARE else 0.5
    noise = rng.standard_normal(len(expected))
    felt = (
        np.sqrt(LIKING_SHARE) * expected
        + np.sqrt(MOOD_SHARE) * moods
        + np.sqrt(NOISE_SHARE) * noise
    )
    felt = (1 - np.exp(-_SKEW * felt)) / _SKEW
    stars: Floats = np.floor((mean + spread * felt) / step + 0.5) * step
    return stars.clip(step, 5.0)
