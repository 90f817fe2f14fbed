"""Gaussian process over the unit cube: fitted by maximum a posteriori, in NumPy and SciPy alone.

Model: values = mean + signal * (Matern 5/2 with a length per axis) + noise. Mean and signal have
closed forms given the rest, so that the search is over lengths and the noise's share only.
Source: Rasmussen and Williams 2006, "Gaussian Processes for Machine Learning", equations 2.25,
2.26, 4.17, 5.8, 5.9.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy  # its parts are imported when first used

from reeltune.domain.arrays import Floats

JITTER = 1e-8
LENGTH_BOUNDS = (0.02, 1e3)
NOISE_BOUNDS = (1e-6, 2.0)
TYPICAL_LENGTH = 0.43  # times the root of the number of axes, as distances grow with it
TYPICAL_NOISE, NOISE_SPREAD = 1e-3, 1.5  # of the signal's variance; in log units
SIGNAL_SHAPE = SIGNAL_RATE = 2.0  # inverse gamma prior of the signal: as if 2 values had been seen
MAX_ITERATIONS = 30
ENOUGH = 1e-3  # relative gain of a step below which the fit ends; more costs time and finds nothing
_TOO_BAD = 1e10


@dataclass(frozen=True, slots=True)
class Prior:
    """Prior of the lengths: log-normal around `length`.

    The typical length grows with the root of the number of axes. Source: Hvarfner, Hellsten and
    Nardi 2024, "Vanilla Bayesian optimization performs great in high dimensions".
    """

    length: float
    spread: float  # standard deviation of log length

    @classmethod
    def of(cls, n_axes: int, spread: float) -> "Prior":
        """Return the prior for a cube of that many axes."""
        return cls(TYPICAL_LENGTH * float(np.sqrt(n_axes)), spread)


@dataclass(frozen=True, eq=False)
class GaussianProcess:
    """Fitted process. `scaled` (N, D) are the points in units of the lengths."""

    lengths: Floats  # (D,)
    noise: float  # variance, as a share of the signal's
    scaled: Floats  # (N, D)
    factor: Floats  # (N, N) lower Cholesky factor of correlation plus noise
    weights: Floats  # (N,) inverse of that matrix times (values - mean)
    mean: float
    signal: float  # variance

    def predict(self, points: Floats) -> tuple[Floats, Floats]:
        """Return mean and standard deviation (M,) of the noise-free function at `points` (M, D)."""
        cross = _matern(_squared_distances(points / self.lengths, self.scaled))  # (M, N)
        mean = self.mean + cross @ self.weights
        half = scipy.linalg.solve_triangular(
            self.factor, cross.T, lower=True, check_finite=False
        )  # (N, M)
        left = np.maximum(1 - np.einsum("nm,nm->m", half, half), 1e-10)
        return mean, np.sqrt(left * self.signal)

    def predict_mean(self, points: Floats) -> Floats:
        """Return the mean (M,) at `points` (M, D); cheaper than with its deviation."""
        cross = _matern(_squared_distances(points / self.lengths, self.scaled))
        mean: Floats = self.mean + cross @ self.weights
        return mean


def fit(points: Floats, values: Floats, prior: Prior) -> tuple[Floats, float]:
    """Return the most probable lengths (D,) and noise share for `values` (N,) at `points` (N, D).

    Values should have about mean 0 and deviation 1.
    """
    n_axes = points.shape[1]
    start = np.append(np.full(n_axes, np.log(prior.length)), np.log(TYPICAL_NOISE) + 1)
    bounds = [tuple(np.log(LENGTH_BOUNDS))] * n_axes + [tuple(np.log(NOISE_BOUNDS))]
    found = scipy.optimize.minimize(
        negative_log_posterior,
        start,
        args=(points, values, prior),
        jac=True,
        method="L-BFGS-B",
        bounds=bounds,
        options={"maxiter": MAX_ITERATIONS, "ftol": ENOUGH},
    )
    chosen: Floats = np.exp(found.x)
    return chosen[:-1], float(chosen[-1])


def condition(points: Floats, values: Floats, lengths: Floats, noise: float) -> GaussianProcess:
    """Return the process with these lengths and noise after `values` (N,) at `points` (N, D)."""
    scaled = points / lengths
    matrix = _matern(_squared_distances(scaled, scaled))
    matrix[np.diag_indices(len(values))] = 1 + noise + JITTER
    factor: Floats = np.asarray(np.linalg.cholesky(matrix), dtype=np.float64)
    whitened = scipy.linalg.solve_triangular(
        factor, np.column_stack([np.ones(len(values)), values]), lower=True
    )
    mean = float(whitened[:, 0] @ whitened[:, 1] / (whitened[:, 0] @ whitened[:, 0]))
    rest = whitened[:, 1] - mean * whitened[:, 0]
    return GaussianProcess(
        lengths=lengths,
        noise=noise,
        scaled=scaled,
        factor=factor,
        weights=scipy.linalg.solve_triangular(factor, rest, lower=True, trans=1),
        mean=mean,
        signal=_signal(float(rest @ rest), len(values)),
    )


def negative_log_posterior(
    logs: Floats, points: Floats, values: Floats, prior: Prior
) -> tuple[float, Floats]:
    """Return what `fit` minimises, and its gradient, at `logs` (D + 1,) of lengths and noise.

    Mean and signal are at their best values. Gradient: Rasmussen and Williams 2006, equation 5.9;
    the derivative of Matern 5/2 by a log length is 5/3 (1 + r) exp(-r) times the squared distance
    along that axis in units of its length, r the distance times the root of 5.
    """
    scaled, noise = points / np.exp(logs[:-1]), float(np.exp(logs[-1]))
    r = np.sqrt(5 * _squared_distances(scaled, scaled))
    decay = np.exp(-r)
    matrix = (1 + r + r * r / 3) * decay
    matrix[np.diag_indices(len(values))] = 1 + noise + JITTER
    factor, inverse = _factor_and_inverse(matrix)
    if factor is None:
        return _TOO_BAD, np.zeros_like(logs)
    column = inverse.sum(axis=1)
    rest = values - (column @ values) / column.sum()
    weights = inverse @ rest
    misfit = float(rest @ weights)
    signal = _signal(misfit, len(values))
    value = 0.5 * (len(values) + SIGNAL_SHAPE) * np.log(signal) + np.log(np.diag(factor)).sum()

    by_matrix = 0.5 * (inverse - np.outer(weights, weights) / signal)
    by_distance = by_matrix * (5 / 3) * (1 + r) * decay  # (N, N)
    gradient = np.empty_like(logs)
    gradient[:-1] = 2 * by_distance.sum(axis=1) @ scaled**2
    gradient[:-1] -= 2 * np.einsum("nd,nd->d", scaled, by_distance @ scaled)
    gradient[-1] = noise * np.trace(by_matrix)

    off, scale = _distance_from_prior(logs, prior)
    return float(value + 0.5 * off @ off), gradient + off / scale


def _distance_from_prior(logs: Floats, prior: Prior) -> tuple[Floats, Floats]:
    """Return (D + 1,) how many deviations `logs` is off what was likely, and these deviations."""
    centre, scale = np.full_like(logs, np.log(prior.length)), np.full_like(logs, prior.spread)
    centre[-1], scale[-1] = np.log(TYPICAL_NOISE), NOISE_SPREAD
    return (logs - centre) / scale, scale


def _signal(misfit: float, n: int) -> float:
    """Return the most probable variance of the signal."""
    return (SIGNAL_RATE + misfit) / (n + SIGNAL_SHAPE)


def _factor_and_inverse(matrix: Floats) -> tuple[Floats | None, Floats]:
    """Return the lower Cholesky factor, None if there is none, and the full inverse."""
    factor: Any
    factor, fault = scipy.linalg.lapack.dpotrf(matrix, lower=1)
    if fault:
        return None, matrix
    lower: Any
    lower, _ = scipy.linalg.lapack.dpotri(factor, lower=1)
    inverse: Floats = lower + lower.T  # above the diagonal, `lower` is 0 as `factor` is
    inverse[np.diag_indices(len(inverse))] /= 2
    return factor, inverse


def _squared_distances(a: Floats, b: Floats) -> Floats:
    """Return (N, M) squared distances between rows of `a` (N, D) and `b` (M, D)."""
    squared = np.sum(a * a, axis=1)[:, None] + np.sum(b * b, axis=1) - 2 * a @ b.T
    positive: Floats = np.maximum(squared, 0.0)
    return positive


def _matern(squared_distances: Floats) -> Floats:
    """Return the Matern 5/2 correlation; Rasmussen and Williams 2006, equation 4.17."""
    r = np.sqrt(5 * squared_distances)
    correlation: Floats = (1 + r + r * r / 3) * np.exp(-r)
    return correlation
