"""Made-up nights: how often chance alone is promoted, and how often a true gain is.

What is decided here is what the gate decides by: `p_better` against the level of the night.
"""

import numpy as np
import pytest
from scipy import stats

from reeltune.domain.arrays import Bools, Floats
from reeltune.gate.gate import MINIMUM_EFFECT
from reeltune.stats.alpha_spending import BUDGET, SpentLevel
from reeltune.stats.paired_tests import p_better, p_values_better
from reeltune.stats.power import users_needed

NIGHTS = 2_000
USERS = 200
SPREAD = 0.12


def promoted(gains: Floats, levels: Floats | float) -> Bools:
    """(S,) which of S nights promote, by their per-user gains (S, U).

    What the t-test does not let through needs no permutation: both must.
    """
    gains = gains - MINIMUM_EFFECT
    levels = np.broadcast_to(levels, len(gains))
    found = stats.ttest_1samp(gains, 0, axis=1, alternative="greater").pvalue <= levels
    found[found] = p_values_better(gains[found]) <= levels[found]
    return np.asarray(found)


def skewed(rng: np.random.Generator, *shape: int) -> Floats:
    """Differences as of per-user values: many exactly 0, the others with a long tail; mean 0."""
    values = SPREAD * (rng.exponential(size=shape) - 1)
    values *= rng.choice([-1.0, 1.0], size=(shape[0], 1))  # the tail on either side
    return np.asarray(values * (rng.random(shape) < 0.5) * np.sqrt(2))


def test_what_is_simulated_is_what_the_gate_decides_by() -> None:
    gains = 0.02 + skewed(np.random.default_rng(0), 20, USERS)
    expected = [p_better(night, minimum=MINIMUM_EFFECT) <= 0.05 for night in gains]
    assert promoted(gains, 0.05).tolist() == expected
    assert 0 < sum(expected) < 20


@pytest.mark.parametrize("noise", ["normal", "skewed"])
def test_two_equal_configurations_are_promoted_in_at_most_one_night_of_twenty(noise: str) -> None:
    rng = np.random.default_rng(1)
    shape = (NIGHTS, USERS)
    gains = skewed(rng, *shape) if noise == "skewed" else SPREAD * rng.standard_normal(shape)
    assert promoted(gains, 0.05).mean() <= 0.05


def test_the_best_of_two_hundred_equal_ones_is_promoted_no_oftener() -> None:
    """Each night tries 200 on a validation part, and takes the best to a test part."""
    rng = np.random.default_rng(2)
    on_test, on_validation = [], []
    for _ in range(NIGHTS // 100):
        tried = rng.standard_normal((100, 200, 60), dtype=np.float32)
        best = tried.mean(axis=2).argmax(axis=1)
        on_validation.append(tried[np.arange(100), best].astype(np.float64))
        on_test.append(SPREAD * rng.standard_normal((100, USERS)))
    assert promoted(np.concatenate(on_test), 0.05).mean() <= 0.05
    # Measured on what it was picked by, nearly every night would be a false promotion.
    assert promoted(SPREAD * np.concatenate(on_validation), 0.05).mean() > 0.9


@pytest.mark.parametrize("level", [0.05, 0.0011])
def test_a_gain_of_the_stated_size_is_found_four_times_in_five(level: float) -> None:
    """On 600 users: 1.3 points of accuracy at a first evaluation, 2.0 with one every night."""
    gain = {0.05: 0.0133, 0.0011: 0.0203}[level]
    assert users_needed(gain - MINIMUM_EFFECT, SPREAD, level=level) <= 600
    rng = np.random.default_rng(3)
    gains = gain + SPREAD * rng.standard_normal((NIGHTS, 600))
    assert promoted(gains, level).mean() >= 0.8 - 0.02  # 2,000 nights: +- 0.018


def nightly_levels(days: int) -> Floats:
    spent: list[SpentLevel] = []
    for day in range(days):
        spent.append(SpentLevel(float(day), BUDGET.level(spent, float(day))))
    return np.array([each.level for each in spent])


def false_promotions(years: int, seed: int) -> Floats:
    """(years,) promotions in each year of 365 nights in which nothing is better than anything."""
    rng = np.random.default_rng(seed)
    levels = nightly_levels(365)
    return np.array(
        [promoted(SPREAD * rng.standard_normal((365, 100)), levels).sum() for _ in range(years)]
    )


def test_a_year_of_nights_stays_within_its_budget() -> None:
    counts = false_promotions(60, seed=4)
    assert counts.mean() <= BUDGET.max_per_year
    # Without a budget, at 5 % a night, there would be some eighteen.
    rng = np.random.default_rng(5)
    careless = stats.ttest_1samp(rng.standard_normal((365, 100)), 0, axis=1, alternative="greater")
    assert (careless.pvalue <= 0.05).sum() > 8


def test_one_test_part_looked_at_every_night_stays_within_the_budget_too() -> None:
    """Candidates of successive nights are all alike, and so are their gains: still bounded."""
    rng = np.random.default_rng(6)
    levels = nightly_levels(365)
    counts = []
    for _ in range(60):
        shared = rng.standard_normal((1, 100))
        own = rng.standard_normal((365, 100))
        counts.append(promoted(SPREAD * (0.9 * shared + 0.436 * own), levels).sum())
    # A year with one false find has many, so that the mean is less sure.
    assert np.mean(counts) <= BUDGET.max_per_year + 3 * np.std(counts) / np.sqrt(60)


@pytest.mark.slow
def test_a_thousand_years_of_nights_stay_within_their_budget() -> None:
    counts = false_promotions(1_000, seed=7)
    assert counts.mean() <= BUDGET.max_per_year
    assert counts.mean() >= 0.5 * BUDGET.max_per_year  # the budget is used, too
