import numpy as np
import pytest

from reeltune.domain.arrays import Floats, Ints
from reeltune.domain.direction import Direction
from reeltune.monitoring.degradation import (
    DEGRADATION_LEVEL,
    accuracy_since,
    metric_change,
    newest_rated_at,
    watched_since,
)
from tests.metrics.small_data import Row, catalogue_of, table_of

Known = tuple[Ints, Floats]


def users(mean: float, n: int = 200, *, first: int = 0, seed: int = 0) -> Known:
    values = mean + 0.2 * np.random.default_rng(seed).standard_normal(n)
    return np.arange(first, first + n, dtype=np.int64), values


def test_the_error_of_two_groups_of_users_is_that_of_welch() -> None:
    then, now = users(0.7), users(0.7, first=1_000, seed=1)
    found = metric_change(then, now)
    error = np.sqrt(then[1].var() / 200 + now[1].var() / 200)
    assert found.high - found.low == pytest.approx(2 * 1.96 * error, rel=0.001)
    assert found.difference == pytest.approx(now[1].mean() - then[1].mean())


def test_users_who_are_in_both_are_compared_with_themselves() -> None:
    ids, values = users(0.7)
    found = metric_change((ids, values), (ids, values - 0.02))
    assert found.fallen
    assert found.high - found.low < 1e-6
    assert not metric_change(users(0.7), users(0.68, first=1_000, seed=1)).fallen


def test_a_fall_is_found_and_a_rise_is_none() -> None:
    assert metric_change(users(0.7), users(0.6, first=1_000, seed=1)).fallen
    assert not metric_change(users(0.6), users(0.7, first=1_000, seed=1)).fallen


def test_production_that_is_what_it_was_raises_no_alarm() -> None:
    falls = [
        metric_change(users(0.7, seed=2 * s), users(0.7, first=100, seed=2 * s + 1))
        for s in range(2_000)
    ]
    assert sum(each.fallen for each in falls) <= 6  # expected: fewer than its level, 2
    assert DEGRADATION_LEVEL == 0.001


def test_too_few_users_cannot_tell() -> None:
    found = metric_change(users(0.7), users(0.1, 29))
    assert not found.fallen
    assert found.p_value == 1
    assert np.isnan(found.difference)
    assert found.now == pytest.approx(0.1, abs=0.1)
    assert np.isnan(metric_change(users(0.7), (np.empty(0, np.int64), np.empty(0))).now)


def test_accuracy_is_that_of_ratings_after_the_moment() -> None:
    rows: list[Row] = [
        (1, 10, 5.0, 100),  # seen
        (1, 20, 5.0, 200),
        (1, 30, 1.0, 201),
        (2, 20, 5.0, 200),  # no pair
        (3, 20, 1.0, 203),
        (3, 30, 5.0, 203),
    ]
    scores = np.array([[0.0, 0.9, 0.1], [0, 0, 0], [0.0, 0.9, 0.1]])
    found_users, values = accuracy_since(
        lambda users: scores[users],
        table_of(rows, [10, 20, 30]),
        catalogue_of([10, 20, 30], [[], [], []]),
        since=100,
    )
    assert found_users.tolist() == [1, 3]
    assert values.tolist() == [1.0, 0.0]


def test_a_fall_of_what_is_to_be_small_is_a_rise() -> None:
    (ids, high), (_, low) = users(0.7), users(0.6)
    fell = metric_change((ids, high), (ids, low))
    rose = metric_change((ids, -high), (ids, -low), Direction.MINIMIZE)
    told = ("difference", "low", "high", "p_value", "fallen")
    assert [getattr(rose, name) for name in told] == [getattr(fell, name) for name in told]
    assert fell.fallen
    assert not metric_change((ids, high), (ids, low), Direction.MINIMIZE).fallen


def test_a_moment_that_lies_ahead_is_not_the_newest() -> None:
    table = table_of([(1, 1, 3.0, 5), (1, 2, 4.0, 9), (2, 1, 3.0, 90)], [1, 2])
    assert newest_rated_at(table, until=10) == 9
    assert newest_rated_at(table, until=4) == 0
    assert watched_since(table, newest=9, n_fitted=2, made_at=10) == 9
    # noted by a program that believed the 90: of the three, the two others were there
    later = table_of([(1, 1, 3.0, 5), (1, 2, 4.0, 9), (2, 1, 3.0, 90), (3, 1, 3.0, 10)], [1, 2])
    assert watched_since(later, newest=90, n_fitted=3, made_at=10) == 9
    assert watched_since(later, newest=90, n_fitted=1, made_at=10) == 0
