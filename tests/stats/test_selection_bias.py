"""Selection bias, in made-up runs whose true gains are known."""

from dataclasses import dataclass

import numpy as np
import pytest

from reeltune.domain.arrays import Floats
from reeltune.domain.experiment import LOWER_BOUND_ERRORS
from reeltune.stats.paired_gain import paired_gain
from reeltune.stats.selection_bias import SelectionBias, estimate_selection_bias

N_USERS = 160


@dataclass(frozen=True)
class Studies:
    """Excess of the best one's gain over its true one in many studies, in standard errors."""

    seen: Floats
    estimated: Floats  # as estimated with groups of users
    told_apart: Floats  # as estimated from gains and errors alone

    def check(self, estimated: Floats, slack: float) -> None:
        """The mean of `estimated` is that of what was seen, but for chance and `slack` of it."""
        error = (estimated - self.seen).std(ddof=1) / np.sqrt(len(estimated))
        assert abs(estimated.mean() - self.seen.mean()) < 3 * error + slack * self.seen.mean()


def studies(spread: float, n: int, common: float, n_studies: int = 60) -> Studies:
    """Runs of `n` candidates whose true gains have this `spread`, in standard errors.

    Candidates differ in noise by a factor of up to 3, and share a part `common` of its variance.
    """
    rows = []
    for study in range(n_studies):
        rng = np.random.default_rng([study, n])
        true = (2 + spread * rng.standard_normal(n)) / np.sqrt(N_USERS)
        size = rng.uniform(0.5, 1.5, n)[:, None]
        shared = np.sqrt(common) * rng.standard_normal(N_USERS)
        noise = shared + np.sqrt(1 - common) * rng.standard_normal((n, N_USERS))
        values = true[:, None] + size * noise
        found = [paired_gain(each, np.zeros(N_USERS)) for each in values]
        gains = values.mean(axis=1)
        errors = np.array([each.error for each in found if each is not None])
        by_group = np.stack([each.by_group for each in found if each is not None])
        best = int(np.argmax(gains - LOWER_BOUND_ERRORS * errors))
        if gains[best] <= LOWER_BOUND_ERRORS * errors[best]:
            continue
        estimated, apart = (
            estimate_selection_bias(gains, errors, by_group),
            estimate_selection_bias(gains, errors),
        )
        assert estimated is not None
        assert apart is not None
        rows.append((gains[best] - true[best], estimated.of_best, apart.of_best))
    return Studies(*(np.sqrt(N_USERS) * np.array(rows).T))


@pytest.mark.parametrize("common", [0.0, 0.8])
@pytest.mark.parametrize(("spread", "n"), [(0.0, 20), (0.5, 50), (1.0, 50), (2.0, 100)])
def test_the_bias_is_right_on_average(spread: float, n: int, common: float) -> None:
    found = studies(spread, n, common)
    found.check(found.estimated, slack=0.1)


def test_without_groups_noise_counts_as_independent_which_corrects_too_much() -> None:
    apart, together = studies(1.0, 50, common=0.0), studies(1.0, 50, common=0.8)
    apart.check(apart.told_apart, slack=0.1)
    assert together.told_apart.mean() > 1.5 * together.seen.mean()


def test_a_candidate_far_ahead_of_the_noise_has_no_bias() -> None:
    found = estimate_selection_bias(np.append(np.zeros(50), 10.0), np.full(51, 0.01))
    assert found is not None
    assert found.of_best == pytest.approx(0, abs=0.01)


def test_without_noise_there_is_no_bias() -> None:
    assert estimate_selection_bias(np.array([0.3, 0.1]), np.zeros(2)) == SelectionBias(
        0.0, 0.0, 0.0
    )


def test_without_gains_nothing_can_be_told_and_what_is_not_finite_is_left_out() -> None:
    assert estimate_selection_bias(np.array([]), np.array([])) is None
    assert estimate_selection_bias(np.array([np.nan]), np.array([0.1])) is None
    some = np.array([0.1, 0.2, 0.15])
    padded = estimate_selection_bias(np.append(some, np.nan), np.full(4, 0.1))
    assert padded == estimate_selection_bias(some, np.full(3, 0.1))


def test_the_same_gains_have_the_same_bias() -> None:
    gains = np.random.default_rng(0).standard_normal(30)
    assert estimate_selection_bias(gains, np.full(30, 0.5)) == estimate_selection_bias(
        gains, np.full(30, 0.5)
    )


def test_the_last_half_of_equal_candidates_adds_bias_and_no_gain() -> None:
    gains = 1.0 + np.random.default_rng(1).standard_normal(100) / 10
    found = estimate_selection_bias(gains, np.full(100, 0.1))
    assert found is not None
    assert found.of_last_half > 0.01
    assert abs(found.gain_of_last_half) < 0.01


def test_what_is_found_late_is_the_gain_of_the_last_half() -> None:
    found = estimate_selection_bias(
        np.append(np.linspace(0.1, 0.2, 10), np.full(10, 0.9)), np.full(20, 0.01)
    )
    assert found is not None
    assert found.gain_of_last_half == pytest.approx(0.7, abs=0.02)
    assert found.gain_of_last_half > found.of_last_half


@pytest.mark.parametrize("mean", [-1.0, -0.3])
def test_by_lower_bound_what_is_worse_than_deployed_is_chosen_less_often(mean: float) -> None:
    runs, n = 1_000, 30
    rng = np.random.default_rng(1)
    true = mean + 0.5 * rng.standard_normal((runs, n))
    errors = rng.uniform(0.1, 1.0, (runs, n))
    gains = true + errors * rng.standard_normal((runs, n))
    worse, gained = [], []
    for scores in (gains, gains - LOWER_BOUND_ERRORS * errors):
        best, rows = scores.argmax(axis=1), np.arange(runs)
        chosen = np.where(scores[rows, best] > 0, true[rows, best], 0.0)  # or what is deployed
        worse.append(float((chosen < 0).mean()))
        gained.append(float(chosen.mean()))
    assert worse[1] < 0.5 * worse[0]
    assert gained[1] > gained[0]
