"""Errors of predicted stars, and whether they mean what they say."""

from dataclasses import dataclass

import numpy as np

from reeltune.domain.arrays import Floats, Floats32

N_CALIBRATION_BINS = 10


@dataclass(frozen=True, slots=True)
class CalibrationBin:
    """Tenth of the ratings, by what was predicted."""

    n_ratings: int
    predicted: float  # mean, in stars
    given: float  # mean of what the users gave


@dataclass(frozen=True, slots=True)
class RatingErrors:
    """Errors of predictions over n ratings, in stars."""

    n_ratings: int
    rmse: float  # root of the mean squared error
    mae: float  # mean absolute error
    calibration_error: float  # mean distance of predicted and given stars over tenths of ratings
    slope: float  # of the given stars on the predicted: below 1, these are too far apart
    bins: tuple[CalibrationBin, ...]


def rating_errors(predicted: Floats, given: Floats | Floats32) -> RatingErrors:
    """Return the errors of predicted stars (n,) against those given (n,), n at least 1.

    Source of the calibration error, over bins of as many each: Nixon et al. 2019, "Measuring
    calibration in deep learning".

    >>> found = rating_errors(np.array([3.0, 4.0]), np.array([2.0, 4.0]))
    >>> found.mae, found.slope, round(found.rmse, 3)
    (0.5, 2.0, 0.707)
    """
    stars = np.asarray(given, dtype=np.float64)
    errors = predicted - stars
    bins = _bins(predicted, stars)
    apart = sum(each.n_ratings * abs(each.predicted - each.given) for each in bins)
    return RatingErrors(
        n_ratings=len(stars),
        rmse=float(np.sqrt((errors**2).mean())),
        mae=float(np.abs(errors).mean()),
        calibration_error=apart / len(stars),
        slope=_slope(predicted, stars),
        bins=bins,
    )


def _bins(predicted: Floats, stars: Floats) -> tuple[CalibrationBin, ...]:
    order = np.argsort(predicted, kind="stable")
    parts = [each for each in np.array_split(order, N_CALIBRATION_BINS) if len(each)]
    return tuple(
        CalibrationBin(len(each), float(predicted[each].mean()), float(stars[each].mean()))
        for each in parts
    )


def _slope(predicted: Floats, stars: Floats) -> float:
    """Return the slope of the least squares of stars on predictions; NaN where these are one."""
    centred = predicted - predicted.mean()
    squares = float(centred @ centred)
    return float(centred @ (stars - stars.mean())) / squares if squares > 0 else float("nan")
