"""Errors of predicted stars, worked by hand."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reeltune.metrics.rating_errors import N_CALIBRATION_BINS, rating_errors


def test_errors_are_those_worked_by_hand() -> None:
    found = rating_errors(np.array([3.0, 4.0, 2.0]), np.array([5.0, 4.0, 1.0]))
    assert found.n_ratings == 3
    assert found.rmse == pytest.approx(math.sqrt(5 / 3))
    assert found.mae == pytest.approx(1.0)
    assert found.slope == pytest.approx(3 / 2)


def test_a_calibrated_prediction_has_no_calibration_error_though_it_errs() -> None:
    predicted = np.repeat([2.0, 4.0], 50)
    given_stars = predicted + np.tile([-1.0, 1.0], 50)
    found = rating_errors(predicted, given_stars)
    assert found.rmse == 1.0
    assert found.calibration_error == pytest.approx(0.0)
    assert found.slope == pytest.approx(1.0)


def test_bins_are_tenths_by_what_was_predicted() -> None:
    predicted = np.linspace(1, 5, 100)
    found = rating_errors(predicted, predicted[::-1].copy())
    assert [each.n_ratings for each in found.bins] == [10] * N_CALIBRATION_BINS
    assert found.bins[0].predicted == pytest.approx(predicted[:10].mean())
    assert found.bins[0].given == pytest.approx(predicted[90:].mean())
    assert found.slope == pytest.approx(-1.0)


def test_stars_too_far_apart_have_a_slope_below_1() -> None:
    stars = np.array([2.0, 3.0, 4.0])
    assert rating_errors(3 + 2 * (stars - 3), stars).slope == pytest.approx(0.5)


def test_one_prediction_for_all_has_no_slope() -> None:
    assert math.isnan(rating_errors(np.full(4, 3.0), np.array([1.0, 2.0, 3.0, 4.0])).slope)


@given(st.lists(st.tuples(st.floats(0.5, 5), st.floats(0.5, 5)), min_size=1, max_size=40))
def test_the_mean_error_is_between_the_calibration_error_and_the_root(
    pairs: list[tuple[float, float]],
) -> None:
    found = rating_errors(*(np.array(each) for each in zip(*pairs, strict=True)))
    assert found.calibration_error <= found.mae + 1e-9
    assert found.mae <= found.rmse + 1e-9
    assert sum(each.n_ratings for each in found.bins) == found.n_ratings == len(pairs)
