import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import approx_fprime

from reeltune.search.acquisition import log_expected_improvement
from reeltune.search.gp_model import (
    FittedKernel,
    GaussianProcess,
    Prior,
    condition,
    fit,
    negative_log_posterior,
)
from reeltune.search.product_kernel import Kernel


def data(n: int = 40, noise: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """A function of the first of three axes, with mean 0 and deviation 1."""
    rng = np.random.default_rng(1)
    points = rng.random((n, 3))
    values = np.sin(5 * points[:, 0]) + noise * rng.standard_normal(n)
    return points, (values - values.mean()) / values.std()


def prior(spread: float, n: int = 3, n_numbers: int = 3) -> Prior:
    return Prior.of(n, spread, np.ones(n), n_numbers)


def conditioned(
    points: np.ndarray, values: np.ndarray, lengths: list[float], noise: float
) -> GaussianProcess:
    """A process whose axes are straight and act together."""
    n = len(lengths)
    kernel = Kernel(np.array(lengths), np.zeros(n), variance=1e6)
    return condition(points, values, FittedKernel(kernel, np.ones(n), noise))


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=30, deadline=None)
def test_the_gradient_is_that_of_the_value(seed: int) -> None:
    points, values = data(15, noise=0.1)
    rng = np.random.default_rng(seed)
    at = prior(0.7).typical() + rng.normal(0, 0.7, 8)
    value, gradient = negative_log_posterior(at, points, values, prior(0.7))
    slopes = approx_fprime(at, lambda x: negative_log_posterior(x, points, values, prior(0.7))[0])
    assert np.isfinite(value)
    assert gradient == pytest.approx(slopes, rel=1e-3, abs=1e-3)


def test_an_axis_that_does_not_matter_gets_a_long_length() -> None:
    points, values = data()
    found = fit(points, values, prior(1.0))
    assert found.kernel.lengths[0] < found.kernel.lengths[1] / 2
    assert found.kernel.lengths[0] < found.kernel.lengths[2] / 2
    assert found.noise < 0.01


def test_an_axis_on_which_all_happens_at_one_end_is_warped() -> None:
    rng = np.random.default_rng(3)
    points = rng.random((60, 3))
    values = np.sin(20 * (1 - points[:, 0]) ** 4)
    found = fit(points, (values - values.mean()) / values.std(), prior(0.5))
    assert found.kernel.warps[0] < -1  # the end at 0 is stretched


def test_a_category_is_not_warped() -> None:
    points, values = data()
    found = fit(points, values, prior(1.0, n_numbers=1))
    assert found.kernel.warps[0] != 0
    assert found.kernel.warps[1:].tolist() == [0, 0]


def test_noise_is_noticed() -> None:
    points, values = data(60, noise=0.5)
    assert fit(points, values, prior(1.0)).noise > 0.05


def test_without_noise_the_mean_goes_through_the_values_and_doubt_grows_away_from_them() -> None:
    points, values = data()
    model = conditioned(points, values, [0.9, 3.0, 3.0], 1e-6)
    mean, deviation = model.predict(points)
    assert mean == pytest.approx(values, abs=1e-3)
    assert model.predict_mean(points) == pytest.approx(mean)
    far = model.predict(np.array([[5.0, 5.0, 5.0]]))[1][0]
    assert far > 10 * deviation.max()
    assert far == pytest.approx(np.sqrt(model.signal), rel=0.01)


def test_conditioning_agrees_with_the_textbook() -> None:
    """Two points half a length apart, by hand: correlation (1 - r)^3 (3 r + 1) = 5 / 16."""
    c = 5 / 16
    model = conditioned(np.array([[0.0], [0.5]]), np.array([1.0, -1.0]), [1.0], 0.0)
    assert model.mean == pytest.approx(0.0, abs=1e-12)
    assert model.weights == pytest.approx([1 / (1 - c), -1 / (1 - c)], rel=1e-5)
    assert model.signal == pytest.approx((2 + 2 / (1 - c)) / 4, rel=1e-5)


def test_equal_values_and_equal_points_do_no_harm() -> None:
    points = np.full((12, 3), 0.5)
    fitted = fit(points, np.zeros(12), prior(0.5))
    mean, deviation = condition(points, np.zeros(12), fitted).predict(points)
    assert np.all(np.isfinite(mean))
    assert np.all(np.isfinite(deviation))


def test_expected_improvement_keeps_its_order_where_it_underflows() -> None:
    mean = np.array([0.0, -1.0, -50.0, -500.0, -1e6])
    found = log_expected_improvement(mean, np.ones(5), 0.0)
    assert found[0] == pytest.approx(np.log(1 / np.sqrt(2 * np.pi)))
    assert found[1] == pytest.approx(np.log(0.08331547), rel=1e-5)
    assert np.all(np.isfinite(found))
    assert np.all(np.diff(found) < 0)
