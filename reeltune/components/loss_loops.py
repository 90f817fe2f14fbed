"""Losses of the combiner, compiled; `reeltune.components.compiled_loops` loads them."""

import numba
import numpy as np

from reeltune.domain.arrays import Floats, Floats32, Ints

_compiled = numba.njit(cache=True, nogil=True, error_model="numpy")


@_compiled
def list_loss(
    features: Floats32, starts: Ints, offsets: Floats, shares: Floats, weights: Floats
) -> tuple[float, Floats, Floats]:
    """Return the cross-entropy of liked rows among their user's, its gradient and Hessian.

    Sums over users with a share above 0. Features (R, F), offsets and shares (R,).
    """
    n_features = features.shape[1]
    value = 0.0
    gradient, hessian = np.zeros(n_features), np.zeros((n_features, n_features))
    mean, line = np.zeros(n_features), np.zeros(n_features)
    scores = np.empty(len(features))
    for user in range(len(starts) - 1):
        first, last = starts[user], starts[user + 1]
        highest, wanted = -np.inf, 0.0
        for row in range(first, last):
            score = offsets[row]
            for f in range(n_features):
                score += features[row, f] * weights[f]
            scores[row] = score
            highest = max(highest, score)
            wanted += shares[row]
        if wanted == 0.0:
            continue
        total = 0.0
        for row in range(first, last):
            value -= shares[row] * scores[row]
            scores[row] = np.exp(scores[row] - highest)
            total += scores[row]
        value += wanted * (np.log(total) + highest)
        mean[:] = 0.0
        for row in range(first, last):
            probability = scores[row] / total
            pull = wanted * probability - shares[row]
            for f in range(n_features):
                line[f] = np.float64(features[row, f])
                gradient[f] += pull * line[f]
                mean[f] += probability * line[f]
            _add_outer(hessian, line, wanted * probability)
        _add_outer(hessian, mean, -wanted)
    return value, gradient, hessian


@_compiled
def pair_loss(
    features: Floats32, liked: Ints, other: Ints, shares: Floats, weights: Floats
) -> tuple[float, Floats, Floats]:
    """Return the logistic loss of pairs of rows, its gradient and its Hessian."""
    n_features = features.shape[1]
    value = 0.0
    gradient, hessian = np.zeros(n_features), np.zeros((n_features, n_features))
    line = np.zeros(n_features)
    for pair in range(len(liked)):
        apart = 0.0
        for f in range(n_features):
            line[f] = np.float64(features[liked[pair], f]) - features[other[pair], f]
        for f in range(n_features):
            apart += line[f] * weights[f]
        share, small = shares[pair], np.exp(-abs(apart))
        value += share * (np.log1p(small) + max(-apart, 0.0))
        wrong = (small if apart > 0.0 else 1.0) / (1.0 + small)
        for f in range(n_features):
            gradient[f] -= share * wrong * line[f]
        _add_outer(hessian, line, share * wrong * (1.0 - wrong))
    return value, gradient, hessian


@_compiled
def _add_outer(total: Floats, line: Floats, factor: float) -> None:
    """Add factor * line line' (F, F)."""
    for i in range(len(line)):
        part, row = factor * line[i], total[i]
        for j in range(len(line)):
            row[j] += part * line[j]
