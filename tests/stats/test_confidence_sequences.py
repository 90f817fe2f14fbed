import numpy as np
import pytest

from reeltune.stats.confidence_sequences import (
    always_valid_p_value,
    fixed_boundary,
    mixture_precision,
    one_sided_boundary,
    two_sided_boundary,
)

# Worked by hand with t = 100, sigma = 2, rho^2 = 1/4, so that t rho^2 + 1 = 26; the standard error
# sigma / sqrt(t) is 0.2. Level 0.05; one-sided 0.025, whose rho is that of 0.05.
PLANNED = 31.744618  # users, for whom equation (161) gives rho^2 = 1/4 at level 0.05
ERROR = 0.2


def test_equation_161_is_as_worked_by_hand() -> None:
    # -2 log 0.05 = 5.991465; log 6.991465 = 1.944690; their sum 7.936155.
    assert mixture_precision(1.0, 0.05) == pytest.approx(7.936155, abs=1e-6)
    assert mixture_precision(PLANNED, 0.05) == pytest.approx(0.25, rel=1e-6)


def test_equation_9_is_as_worked_by_hand() -> None:
    # 2 * 26 / (100^2 / 4) = 0.0208; log(sqrt(26) / 0.05) = 4.624780; sigma sqrt(product) = 0.620307
    assert two_sided_boundary(100, PLANNED, 0.05) * ERROR == pytest.approx(0.620307, abs=1e-6)


def test_equation_134_is_as_worked_by_hand() -> None:
    # log(1 + sqrt(26) / (2 * 0.025)) = 4.634538; sigma sqrt(0.0208 * 4.634538) = 0.620961
    assert one_sided_boundary(100, PLANNED, 0.025) * ERROR == pytest.approx(0.620961, abs=1e-6)


def test_equation_155_is_as_worked_by_hand() -> None:
    # z = 3: exp(25 / 26 * 9 / 2) / sqrt(26) = 14.8481, and its inverse
    assert always_valid_p_value(3.0, 100, PLANNED, 0.05) == pytest.approx(0.067349, abs=1e-6)


@pytest.mark.parametrize("n", [50, 1_000, 40_000])
def test_the_p_value_is_the_level_where_the_interval_begins_to_leave_out_0(n: int) -> None:
    z = float(two_sided_boundary(n, 5_000, 0.03))
    assert always_valid_p_value(z, n, 5_000, 0.03) == pytest.approx(0.03)
    assert always_valid_p_value(-z, n, 5_000, 0.03) == pytest.approx(0.03)
    assert always_valid_p_value(0.0, n, 5_000, 0.03) == 1.0


def test_the_interval_is_narrowest_against_a_fixed_one_near_the_planned_users() -> None:
    shares = np.array([0.01, 0.1, 0.3, 1.0, 3.0, 10.0])
    against = two_sided_boundary(shares * 10_000, 10_000, 0.05) / fixed_boundary(0.05)
    assert against.round(2).tolist() == [4.63, 1.97, 1.63, 1.55, 1.58, 1.65]


def test_one_side_needs_less_than_two_at_one_level() -> None:
    n = np.array([100.0, 1_000.0, 10_000.0])
    assert np.all(one_sided_boundary(n, 2_000, 0.05) < two_sided_boundary(n, 2_000, 0.05))


def walks(n_tests: int, n_users: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Differences of two skewed values: estimates and standard errors after each pair."""
    both = np.random.default_rng(seed).exponential(size=(2, n_tests, n_users))
    values = both[0] - both[1]
    n = np.arange(1.0, n_users + 1)
    means = np.cumsum(values, axis=1) / n
    variances = np.cumsum(values**2, axis=1) / n - means**2
    return means, np.sqrt(np.maximum(variances, 1e-12) / n)


def test_a_sequence_read_after_every_user_errs_less_than_it_promises() -> None:
    means, errors = walks(400, 2_000, seed=5)
    n = np.arange(1.0, 2_001.0)[99:]
    z = (means / errors)[:, 99:]
    two_sided = np.abs(z) > two_sided_boundary(n, 1_000, 0.05)
    below = z < -one_sided_boundary(n, 1_000, 0.05)
    fixed = np.abs(z) > fixed_boundary(0.05)
    assert two_sided.any(axis=1).mean() <= 0.05
    assert below.any(axis=1).mean() <= 0.05
    assert fixed.any(axis=1).mean() > 0.2  # what reading a fixed interval all the time does
