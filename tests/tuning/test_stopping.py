import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reeltune.domain.errors import InputError
from reeltune.tuning.stopping import StopRules, best_number, expected_gain

values = st.lists(st.floats(0, 1), min_size=3, max_size=9)


def by(rules: StopRules, found: list[float | None], noise: float | None = None) -> str | None:
    stop = rules.stop(found, noise)
    return None if stop is None else stop.by


def test_a_target_is_reached_by_the_best_and_not_by_the_last() -> None:
    assert by(StopRules(target=0.7), [0.5, 0.7, 0.1]) == "target"
    assert by(StopRules(target=0.7), [0.5, 0.69, None]) is None


def test_patience_counts_experiments_since_the_earliest_best() -> None:
    rules = StopRules(patience=2)
    assert by(rules, [0.5, 0.6, 0.6]) is None
    assert by(rules, [0.5, 0.6, 0.6, None]) == "patience"


def test_patience_waits_for_the_least_number_of_candidates() -> None:
    assert by(StopRules(patience=1, min_experiments=3), [0.5, 0.4, 0.4]) is None
    assert by(StopRules(patience=1, min_experiments=3), [0.5, 0.4, 0.4, 0.3]) == "patience"


def test_a_run_converges_where_the_noise_hides_what_is_left_to_gain() -> None:
    found: list[float | None] = [0.5, *np.linspace(0.7, 0.6, 20)]
    rules = StopRules(until_converged=True)
    gain = expected_gain(found)
    assert 0 < gain < 0.01
    assert by(rules, found, noise=gain * 1.01) == "converged"
    assert by(rules, found, noise=gain * 0.99) is None
    assert by(rules, found[:9], noise=1.0) is None
    assert by(rules, found, noise=None) is None


def test_a_search_that_still_gets_better_has_not_converged() -> None:
    rising: list[float | None] = [0.5, *np.linspace(0.5, 0.7, 20)]
    assert expected_gain(rising) == pytest.approx(0.2 * 10 / 19)


@given(values)
def test_the_expected_gain_is_no_less_than_the_mean_over_all_subsets(found: list[float]) -> None:
    n, k = len(found), len(found) // 2
    bests = [max(subset) for subset in itertools.combinations(found, n - k)]
    in_fact = max(found) - max(found[: n - k])
    expected = max(in_fact, max(found) - float(np.mean(bests)))
    assert expected_gain([None, *found]) == pytest.approx(expected, abs=1e-12)


def test_what_fails_is_never_best() -> None:
    assert best_number([None, None]) is None
    assert best_number([None, 0.2, None]) == 1


def test_every_impossible_rule_is_named() -> None:
    with pytest.raises(InputError, match="timeout must be above 0; target must be a finite number"):
        StopRules(timeout_seconds=0, target=float("nan"))


def test_rules_survive_storage() -> None:
    rules = StopRules(target=0.7, patience=3, until_converged=True)
    stored = {"target": 0.7, "patience": 3, "until_converged": True, "of_tomorrow": 1}
    assert StopRules.of(stored) == rules
