from dataclasses import astuple

import numpy as np
import pytest

from reeltune.domain.arrays import Floats, Ints, content_hash
from reeltune.importers.demo_settings import PERIOD_SECONDS, PERIOD_START, DemoSettings
from reeltune.importers.demo_users import RatedBlock, draw_sizes, rate_in_blocks
from reeltune.importers.demo_world import DemoWorld, make_world

SETTINGS = DemoSettings()


@pytest.fixture(scope="module")
def world() -> DemoWorld:
    return make_world(SETTINGS)


@pytest.fixture(scope="module")
def rated(world: DemoWorld) -> RatedBlock:
    (block,) = rate_in_blocks(world, SETTINGS, SETTINGS.users)
    return block


def gini(counts: Ints) -> float:
    """Of `counts` (n,): 0 = all alike, 1 = one has all."""
    n, rising = len(counts), np.sort(counts)
    return float((2 * np.arange(1, n + 1) - n - 1) @ rising / (n * rising.sum()))


def accuracy(rated: RatedBlock, score: Floats) -> float:
    """Share of liked and not liked movies that `score` (N,) orders right, mean over users."""
    shares = []
    for user in np.unique(rated.users):
        mine = rated.users == user
        liked = rated.ratings[mine] >= 4
        if liked.any() and not liked.all():
            gaps = score[mine][liked][:, None] - score[mine][~liked]
            shares.append(np.mean((np.sign(gaps) + 1) / 2))
    return float(np.mean(shares))


@pytest.mark.parametrize(
    "settings",
    [
        SETTINGS,
        DemoSettings(users=7, movies=40, ratings=140),
        DemoSettings(users=3, movies=41, ratings=60),
        DemoSettings(users=10, movies=100, ratings=500),  # everybody rates as many as possible
        DemoSettings(users=10, movies=100, ratings=499),
        DemoSettings(users=200_000, movies=60_000, ratings=30_000_000),
    ],
)
def test_sizes_sum_to_what_was_asked_for_within_their_bounds(settings: DemoSettings) -> None:
    sizes = draw_sizes(settings)
    assert len(sizes) == settings.users
    assert sizes.sum() == settings.ratings
    assert sizes.min() >= 20
    assert sizes.max() <= settings.movies // 2


def test_some_users_rate_little_and_some_more_than_a_thousand() -> None:
    sizes = draw_sizes(SETTINGS)
    assert sizes.min() == 20
    assert 60 < np.median(sizes) < 130
    assert sizes.max() > 1000


def test_every_user_rates_every_movie_once_at_most(rated: RatedBlock) -> None:
    pairs = rated.users * 10_000 + rated.movies
    assert np.all(np.diff(pairs) > 0)  # in order of user and movie, too
    assert len(pairs) == SETTINGS.ratings
    assert np.array_equal(np.bincount(rated.users)[1:], draw_sizes(SETTINGS))


def test_block_size_changes_nothing(world: DemoWorld, rated: RatedBlock) -> None:
    blocks = list(rate_in_blocks(world, SETTINGS, 77))
    assert len(blocks) == 8
    joined = [np.concatenate(columns) for columns in zip(*map(astuple, blocks), strict=True)]
    assert content_hash(joined) == content_hash(astuple(rated))


def test_movies_are_rated_after_their_release(world: DemoWorld, rated: RatedBlock) -> None:
    assert np.all(rated.rated_at >= world.released_at[rated.movies - 1])


def test_ratings_stay_within_the_period_and_fill_it(rated: RatedBlock) -> None:
    passed = (rated.rated_at - PERIOD_START) / PERIOD_SECONDS
    assert passed.min() >= 0
    assert passed.max() <= 1
    assert np.histogram(passed, bins=10, range=(0, 1))[0].min() > 0.04 * SETTINGS.ratings


def test_many_ratings_share_their_second_with_another_of_the_user(rated: RatedBlock) -> None:
    seconds = np.unique(rated.users * 10**11 + rated.rated_at)
    assert 0.05 < 1 - len(seconds) / len(rated.users) < 0.3


def test_stars_are_distributed_as_in_real_data(rated: RatedBlock) -> None:
    stars, counts = np.unique(rated.ratings, return_counts=True)
    assert stars.tolist() == [0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4, 4.5, 5]
    assert stars[counts.argmax()] == 4.0
    assert 3.4 < rated.ratings.mean() < 3.7
    assert 0.95 < rated.ratings.std() < 1.15


def test_users_differ_in_harshness(rated: RatedBlock) -> None:
    means = np.bincount(rated.users, rated.ratings)[1:] / np.bincount(rated.users)[1:]
    assert 0.3 < means.std() < 0.55


def test_attention_has_a_long_tail(rated: RatedBlock) -> None:
    counts = np.bincount(rated.movies, minlength=SETTINGS.movies + 1)[1:]
    assert 0.55 < gini(counts[counts > 0]) < 0.75
    assert 0.02 < np.mean(counts == 0) < 0.15
    assert np.mean(counts <= 5) > 0.2


def test_users_rather_rate_what_they_like(world: DemoWorld, rated: RatedBlock) -> None:
    personal = rated.expected - world.merit[rated.movies - 1]
    assert personal.mean() > 0.05


def test_noise_leaves_a_realistic_ceiling_far_above_the_merit_of_movies(
    world: DemoWorld, rated: RatedBlock
) -> None:
    assert 0.80 < accuracy(rated, rated.expected) < 0.87
    assert 0.60 < accuracy(rated, world.merit[rated.movies - 1]) < 0.70


def test_no_two_users_are_alike(rated: RatedBlock) -> None:
    joined = [rated.rated_at[rated.users == user].min() for user in np.unique(rated.users)]
    assert len(np.unique(joined)) == SETTINGS.users
