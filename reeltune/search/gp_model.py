"""Gaussian process over the unit cube: fitted by maximum a posteriori.

Model: values = mean + signal * (product kernel) + noise. Mean and signal have closed forms given
the rest, so that the search is over lengths, warps, the variance of an axis's part and the noise's
share only.
Source: Rasmussen and Williams 2006, "Gaussian Processes for Machine Learning", equations 2.25,
2.26, 5.8, 5.9.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy  # its parts are imported when first used

from reeltune.domain.arrays import Bools, Floats
from reeltune.search.product_kernel import MAX_WARP, Kernel, Placing

JITTER = 1e-8
LENGTH_BOUNDS = (0.05, 1e3)
NOISE_BOUNDS = (1e-6, 2.0)
VARIANCE_BOUNDS = (1e-3, 1e2)
TYPICAL_LENGTH = 0.4  # times the root of the number of axes, as effects get smaller with it
TYPICAL_VARIANCE, VARIANCE_SPREAD = 1.0, 1.0  # of an axis's part; in log units
TYPICAL_NOISE, NOISE_SPREAD = 1e-3, 1.5  # of the signal's variance; in log units
WARP_SPREAD = 2.0
SIGNAL_SHAPE = SIGNAL_RATE = 2.0  # inverse gamma prior of the signal: as if 2 values had been seen
MAX_ITERATIONS = 30
ENOUGH = 1e-3  # relative gain of a step below which the fit ends; more costs time and finds nothing
_TOO_BAD = 1e10


@dataclass(frozen=True, eq=False)
class Prior:
    """Prior of what a process learns: lengths are log-normal around `length`.

    The typical length grows with the root of the number of axes. Source: Hvarfner, Hellsten and
    Nardi 2024, "Vanilla Bayesian optimization performs great in high dimensions".
    """

    length: float
    spread: float  # standard deviation of log length
    widths: Floats  # (D,) of the axes
    warped: Bools  # (D,) which axes may be warped: those of numbers

    @classmethod
    def of(cls, n_axes: int, spread: float, widths: Floats, n_numbers: int) -> "Prior":
        """Return the prior for so many axes; only the first columns are numbers."""
        length = TYPICAL_LENGTH * float(np.sqrt(n_axes))
        return cls(length, spread, widths, np.arange(len(widths)) < n_numbers)

    def start(self) -> Floats:
        """Return (2 D + 2,) where a fit begins: what is typical, with more noise."""
        start = self.typical()
        start[-1] += 1
        return start

    def typical(self) -> Floats:
        """Return (2 D + 2,) the centre of the prior: log lengths, warps, log variance and noise."""
        n = len(self.widths)
        lengths = np.full(n, np.log(self.length))
        ends = np.log([TYPICAL_VARIANCE, TYPICAL_NOISE])
        return np.concatenate([lengths, np.zeros(n), ends])

    def spreads(self) -> Floats:
        """Return (2 D + 2,) the standard deviations of the prior."""
        n = len(self.widths)
        ends = [VARIANCE_SPREAD, NOISE_SPREAD]
        return np.concatenate([np.full(n, self.spread), np.full(n, WARP_SPREAD), ends])

    def bounds(self) -> list[tuple[float, float]]:
        """Return what each may be; nothing but 0 the warps of axes that are not warped."""
        warps = [(-MAX_WARP, MAX_WARP) if free else (0.0, 0.0) for free in self.warped]
        low_high = (LENGTH_BOUNDS, VARIANCE_BOUNDS, NOISE_BOUNDS)
        lengths, variance, noise = ((float(np.log(a)), float(np.log(b))) for a, b in low_high)
        return [*[lengths] * len(self.widths), *warps, variance, noise]


@dataclass(frozen=True, eq=False)
class FittedKernel:
    """Most probable kernel and noise for some values."""

    kernel: Kernel
    widths: Floats  # (D,) of the axes
    noise: float  # variance, as a share of the signal's

    @classmethod
    def of(cls, found: Floats, widths: Floats) -> "FittedKernel":
        """Return the fit that a vector (2 D + 2,) describes."""
        n = len(widths)
        kernel = Kernel(np.exp(found[:n]), found[n : 2 * n], float(np.exp(found[-2])))
        return cls(kernel, widths, float(np.exp(found[-1])))


@dataclass(frozen=True, eq=False)
class GaussianProcess:
    """Fitted process."""

    fitted: FittedKernel
    placed: Floats  # (D, N) points, as the kernel takes them
    factor: Floats  # (N, N) lower Cholesky factor of correlation plus noise
    weights: Floats  # (N,) inverse of that matrix times (values - mean)
    mean: float
    signal: float  # variance

    def predict(self, points: Floats) -> tuple[Floats, Floats]:
        """Return mean and standard deviation (M,) of the noise-free function at `points` (M, D)."""
        cross = self._correlations(points)  # (M, N)
        mean = self.mean + cross @ self.weights
        half = scipy.linalg.solve_triangular(
            self.factor, cross.T, lower=True, check_finite=False
        )  # (N, M)
        left = np.maximum(1 - np.einsum("nm,nm->m", half, half), 1e-10)
        return mean, np.sqrt(left * self.signal)

    def predict_mean(self, points: Floats) -> Floats:
        """Return the mean (M,) at `points` (M, D); cheaper than with its deviation."""
        mean: Floats = self.mean + self._correlations(points) @ self.weights
        return mean

    def _correlations(self, points: Floats) -> Floats:
        kernel = self.fitted.kernel
        return kernel.correlations(kernel.placed(points, self.fitted.widths), self.placed)


def fit(points: Floats, values: Floats, prior: Prior) -> FittedKernel:
    """Return the most probable kernel and noise for `values` (N,) at `points` (N, D).

    Values should have about mean 0 and deviation 1.
    """
    found = scipy.optimize.minimize(
        negative_log_posterior,
        prior.start(),
        args=(points, values, prior),
        jac=True,
        method="L-BFGS-B",
        bounds=prior.bounds(),
        options={"maxiter": MAX_ITERATIONS, "ftol": ENOUGH},
    )
    return FittedKernel.of(found.x, prior.widths)


def condition(points: Floats, values: Floats, fitted: FittedKernel) -> GaussianProcess:
    """Return the process with this kernel and noise after `values` (N,) at `points` (N, D)."""
    placed = fitted.kernel.placed(points, fitted.widths)
    matrix = fitted.kernel.correlations(placed, placed)
    matrix[np.diag_indices(len(values))] = 1 + fitted.noise + JITTER
    factor: Floats = np.asarray(np.linalg.cholesky(matrix), dtype=np.float64)
    whitened = scipy.linalg.solve_triangular(
        factor, np.column_stack([np.ones(len(values)), values]), lower=True
    )
    mean = float(whitened[:, 0] @ whitened[:, 1] / (whitened[:, 0] @ whitened[:, 0]))
    rest = whitened[:, 1] - mean * whitened[:, 0]
    return GaussianProcess(
        fitted=fitted,
        placed=placed,
        factor=factor,
        weights=scipy.linalg.solve_triangular(factor, rest, lower=True, trans=1),
        mean=mean,
        signal=_signal(float(rest @ rest), len(values)),
    )


def negative_log_posterior(
    at: Floats, points: Floats, values: Floats, prior: Prior
) -> tuple[float, Floats]:
    """Return what `fit` minimises, and its gradient, at a vector as `FittedKernel.of` takes it.

    Mean and signal are at their best values. Gradient: Rasmussen and Williams 2006, equation 5.9.
    """
    fitted = FittedKernel.of(at, prior.widths)
    placing = Placing.of(fitted.kernel, points, prior.widths)
    correlations = placing.correlations()
    matrix = correlations.copy()
    matrix[np.diag_indices(len(values))] = 1 + fitted.noise + JITTER
    factor, inverse = _factor_and_inverse(matrix)
    if factor is None:
        return _TOO_BAD, np.zeros_like(at)
    column = inverse.sum(axis=1)
    rest = values - (column @ values) / column.sum()
    weights = inverse @ rest
    misfit = float(rest @ weights)
    signal = _signal(misfit, len(values))
    value = 0.5 * (len(values) + SIGNAL_SHAPE) * np.log(signal) + np.log(np.diag(factor)).sum()

    by_matrix = 0.5 * (inverse - np.outer(weights, weights) / signal)
    by_length, by_warp, by_variance = placing.gradient(by_matrix * correlations)
    ends = [by_variance, fitted.noise * np.trace(by_matrix)]
    off = (at - prior.typical()) / prior.spreads()
    gradient = np.concatenate([by_length, by_warp, ends]) + off / prior.spreads()
    return float(value + 0.5 * off @ off), gradient


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
