"""Functions drawn from the posterior of a Gaussian process, to say how sure a figure of it is.

A draw is a function drawn from the prior, moved so that it goes through the values, each with noise
of its own. The prior is that at the points known and at others spread over the space: what it may
do between them, in places where nothing is asked, is left out.
Source: Wilson et al. 2021, "Pathwise conditioning of Gaussian processes", equation 13.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy

from reeltune.domain.arrays import Floats
from reeltune.search.gp_model import FittedKernel, GaussianProcess

_JITTER = 1e-6


@dataclass(frozen=True, eq=False)
class PosteriorPaths:
    """Posterior mean, and functions drawn from the posterior, as sums of kernels."""

    fitted: FittedKernel
    placed: Floats  # (D, N + S) points of the kernels
    weights: Floats  # (N + S, 1 + P): of the mean, then of each function
    mean: float

    @classmethod
    def of(
        cls,
        process: GaussianProcess,
        values: Floats,
        spread: Floats,
        n_paths: int,
        rng: np.random.Generator,
    ) -> "PosteriorPaths":
        """Draw functions.

        Args:
            process: what is known.
            values: (N,) the values that it was conditioned on.
            spread: (S, D) further points, spread over the space.
            n_paths: how many functions are drawn.
            rng: what they are drawn with.
        """
        fitted, n = process.fitted, len(values)
        placed = np.hstack([process.placed, fitted.kernel.placed(spread, fitted.widths)])
        prior = fitted.kernel.correlations(placed, placed)
        prior[np.diag_indices(len(prior))] = 1 + _JITTER
        root = np.linalg.cholesky(prior)
        normal = rng.standard_normal((len(prior), n_paths)) * np.sqrt(process.signal)
        noise = rng.standard_normal((n, n_paths)) * np.sqrt(process.signal * fitted.noise)
        drawn = root @ normal  # (N + S, P)
        missing = (values - process.mean)[:, None] - drawn[:n] - noise
        weights: Any = scipy.linalg.solve_triangular(root, normal, lower=True, trans=1)
        weights[:n] += scipy.linalg.cho_solve((process.factor, True), missing)
        of_mean = np.concatenate([process.weights, np.zeros(len(spread))])
        return cls(fitted, placed, np.column_stack([of_mean, weights]), process.mean)

    def at(self, points: Floats) -> Floats:
        """Return (M, 1 + P): the posterior mean at `points` (M, D), then each function drawn."""
        kernel = self.fitted.kernel
        found: Floats = np.empty((len(points), self.weights.shape[1]))
        for start in range(0, len(points), 4096):  # so that the correlations fit into memory
            part = kernel.placed(points[start : start + 4096], self.fitted.widths)
            found[start : start + 4096] = kernel.correlations(part, self.placed) @ self.weights
        return self.mean + found


def left_out_fit(process: GaussianProcess, values: Floats) -> float:
    """Return the share of the variance of `values` (N,) that is predicted with each left out.

    Source: Rasmussen and Williams 2006, equation 5.12.
    """
    inverse: Any = scipy.linalg.cho_solve((process.factor, True), np.eye(len(values)))
    errors = process.weights / np.diag(inverse)
    total = float(values.var())
    return 1 - float(np.mean(errors**2)) / total if total > 0 else 0.0
