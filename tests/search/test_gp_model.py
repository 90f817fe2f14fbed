import numpy as np
import pytest
from scipy.optimize import approx_fprime

from reeltune.search.gp_model import Prior, condition, fit, negative_log_posterior
from reeltune.search.gp_search import _log_expected_improvement


def data(n: int = 40, noise: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """A function of the first of three axes, with mean 0 and deviation 1."""
    rng = np.random.default_rng(1)
    points = rng.random((n, 3))
    values = np.sin(5 * points[:, 0]) + noise * rng.standard_normal(n)
    return points, (values - values.mean()) / values.std()


def test_the_gradient_is_that_of_the_value() -> None:
    points, values = data(15, noise=0.1)
    prior = Prior.of(3, 0.7)
    logs = np.log([0.4, 1.3, 2.0, 0.02])
    value, gradient = negative_log_posterior(logs, points, values, prior)
    slopes = approx_fprime(logs, lambda at: negative_log_posterior(at, points, values, prior)[0])
    assert np.isfinite(value)
    assert gradient == pytest.approx(slopes, rel=1e-4, abs=1e-4)


def test_an_axis_that_does_not_matter_gets_a_long_length() -> None:
    points, values = data()
    lengths, noise = fit(points, values, Prior.of(3, 1.0))
    assert lengths[0] < lengths[1] / 2
    assert lengths[0] < lengths[2] / 2
    assert noise < 0.01


def test_noise_is_noticed() -> None:
    points, values = data(60, noise=0.5)
    assert fit(points, values, Prior.of(3, 1.0))[1] > 0.05


def test_without_noise_the_mean_goes_through_the_values_and_doubt_grows_away_from_them() -> None:
    points, values = data()
    model = condition(points, values, np.array([0.5, 2.0, 2.0]), 1e-6)
    mean, deviation = model.predict(points)
    assert mean == pytest.approx(values, abs=1e-3)
    assert model.predict_mean(points) == pytest.approx(mean)
    far = model.predict(np.array([[5.0, 5.0, 5.0]]))[1][0]
    assert far > 10 * deviation.max()
    assert far == pytest.approx(np.sqrt(model.signal), rel=0.01)


def test_conditioning_agrees_with_the_textbook() -> None:
    """Two points one length apart, by hand: r = sqrt(5), correlation (1 + r + 5/3) exp(-r)."""
    r = np.sqrt(5.0)
    c = (1 + r + 5 / 3) * np.exp(-r)
    model = condition(np.array([[0.0], [1.0]]), np.array([1.0, -1.0]), np.array([1.0]), 0.0)
    assert model.mean == pytest.approx(0.0, abs=1e-12)
    assert model.weights == pytest.approx([1 / (1 - c), -1 / (1 - c)], rel=1e-5)
    assert model.signal == pytest.approx((2 + 2 / (1 - c)) / 4, rel=1e-5)


def test_equal_values_and_equal_points_do_no_harm() -> None:
    points = np.full((12, 3), 0.5)
    lengths, noise = fit(points, np.zeros(12), Prior.of(3, 0.5))
    mean, deviation = condition(points, np.zeros(12), lengths, noise).predict(points)
    assert np.all(np.isfinite(mean))
    assert np.all(np.isfinite(deviation))


def test_expected_improvement_keeps_its_order_where_it_underflows() -> None:
    mean = np.array([0.0, -1.0, -50.0, -500.0, -1e6])
    found = _log_expected_improvement(mean, np.ones(5), 0.0)
    assert found[0] == pytest.approx(np.log(1 / np.sqrt(2 * np.pi)))
    assert found[1] == pytest.approx(np.log(0.08331547), rel=1e-5)
    assert np.all(np.isfinite(found))
    assert np.all(np.diff(found) < 0)
