import math
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from reeltune.domain.arrays import Floats
from reeltune.tuning.ledger import Ledger
from reeltune.tuning.pruning_rules import (
    LEVEL,
    MIN_USERS,
    PRUNERS,
    REDUCTION,
    RUNGS,
    clear_loss,
    halving,
    paired,
    rung_threshold,
)
from tests.tuning.experiments import experiment

USERS = np.linspace(0.2, 0.8, 5)


def ledger(**values: Any) -> Ledger:
    """What a rule asks of a ledger: experiment 3 is best, 0 the baseline."""
    usual: dict[str, Any] = {
        "baseline": experiment(0, 0.5),
        "best_up_to": lambda number: experiment(3, 0.7) if number >= 3 else None,
        "user_values": lambda number: USERS + number,
        "group_gains": lambda up_to: [np.full(32, n / 10) for n in range(up_to + 1)],
    }
    return cast("Ledger", SimpleNamespace(**usual | values))


def test_paired_compares_with_the_best_so_far() -> None:
    request = paired(ledger(), {"x": 1}, 3)
    assert request.configuration == {"x": 1}
    assert request.incumbent is not None
    assert request.incumbent.tolist() == (USERS + 3).tolist()
    assert (request.incumbent_value, request.thresholds) == (0.7, None)


def test_without_anything_to_compare_with_nothing_can_be_lost() -> None:
    for request in (
        paired(ledger(), {"x": 1}, 2),
        halving(ledger(), {"x": 1}, -1),
        halving(ledger(baseline=experiment(0)), {"x": 1}, 3),
    ):
        assert request.configuration == {"x": 1}
        assert (request.incumbent, request.incumbent_value, request.thresholds) == (
            None,
            None,
            None,
        )


def test_halving_compares_with_the_baseline_and_has_a_bar_at_each_look() -> None:
    request = halving(ledger(), {"x": 1}, 7)
    assert request.incumbent is not None
    assert request.incumbent.tolist() == USERS.tolist()
    assert request.incumbent_value == 0.5
    assert request.thresholds == pytest.approx((0.6, 0.6))  # the second of 0.0, 0.1 ... 0.7
    assert len(request.thresholds or ()) == len(RUNGS)
    assert halving(ledger(), {}, 0).thresholds == (0.0, 0.0)


def test_every_rule_can_be_named() -> None:
    assert [PRUNERS[name] for name in ("paired", "halving")] == [paired, halving]


@pytest.mark.parametrize(
    ("n", "place"), [(1, 1), (2, 1), (6, 1), (7, 2), (10, 2), (11, 3), (15, 4), (16, 4)]
)
def test_one_in_four_passes_the_bar_with_the_next_one_counted(n: int, place: int) -> None:
    gains = [np.array([float(k)]) for k in range(n)]
    assert rung_threshold(gains, 1, 4) == n - place


def test_a_bar_is_of_the_first_groups_of_those_who_came_as_far() -> None:
    gains = [np.array([0.4, 0.0, 9.0]), np.array([0.3]), np.array([0.1, 0.5])]
    assert rung_threshold(gains, 2) == pytest.approx(0.3)
    assert rung_threshold(gains, 1) == pytest.approx(0.4)
    assert rung_threshold(gains, 4) is None
    assert rung_threshold([], 1) is None
    assert REDUCTION == 4


def users(n: int, mean: float, spread: float = 0.1) -> Floats:
    """`n` differences with exactly this mean and standard deviation."""
    raw = np.random.default_rng(n).normal(size=n)
    values: Floats = mean + spread * (raw - raw.mean()) / raw.std(ddof=1)
    return values


def limit(n: int, n_all: int, mean: float, spread: float, rungs: int) -> float:
    """The upper limit as Cochran 1977 has it, in terms of the sampled fraction."""
    fraction = n / n_all
    error = math.sqrt((1 - fraction) * spread**2 / n)
    return mean + float(stats.t.ppf(1 - LEVEL / rungs, n - 1)) * error


@pytest.mark.parametrize("rungs", [1, 2, 5])
@pytest.mark.parametrize(("n", "n_all"), [(30, 1_000), (60, 100), (200, 201)])
def test_a_loss_is_clear_just_where_its_upper_limit_is_below_0(
    n: int, n_all: int, rungs: int
) -> None:
    reach = limit(n, n_all, 0.0, 0.1, rungs)
    zeros = np.zeros(n)
    beyond, within = users(n, -1.0005 * reach), users(n, -0.9995 * reach)
    assert clear_loss(beyond, zeros, n_all, rungs) == pytest.approx(-1.0005 * reach)
    assert clear_loss(within, zeros, n_all, rungs) is None
    assert clear_loss(-beyond, zeros, n_all, rungs) is None


def test_with_all_users_measured_any_loss_is_clear() -> None:
    values = users(50, -1e-6)
    assert clear_loss(values, np.zeros(50), 50) == pytest.approx(-1e-6)
    assert clear_loss(values, np.zeros(50), 40) is not None  # more users than there were thought


def test_users_without_a_value_do_not_count() -> None:
    values = np.concatenate([users(MIN_USERS, -1.0), [np.nan, 5.0]])
    incumbent = np.concatenate([np.zeros(MIN_USERS), [0.0, np.inf]])
    assert clear_loss(values, incumbent, 1_000) == pytest.approx(-1.0)
    assert clear_loss(values[1:], incumbent[1:], 1_000) is None  # too few are left


@given(shift=st.floats(-10, 10), n_all=st.integers(40, 10_000))
def test_only_differences_matter(shift: float, n_all: int) -> None:
    values, incumbent = users(40, -0.05), users(41, 0.0)[:40]
    found = clear_loss(values, incumbent, n_all)
    moved = clear_loss(values + shift, incumbent + shift, n_all)
    assert (found is None) == (moved is None)
    assert found is None or moved == pytest.approx(found)
