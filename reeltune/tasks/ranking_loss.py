"""Weights that put the liked before the rest, by a smooth surrogate of the share of pairs in order.

The share itself moves in steps; the logistic loss of the pairs bounds it from above, is convex in
the weights of a linear score, and has a gradient. Source: Burges et al. 2005, "Learning to rank
using gradient descent", equation 3, for a linear score.
"""

import numpy as np
import scipy  # its parts are imported when first used

from reeltune.domain.arrays import Floats
from reeltune.search.single_thread import one_thread

RIDGE = 1e-3  # keeps the weight of what hardly differs between pairs from running off


def ordering_weights(differences: Floats, shares: Floats) -> Floats:
    """Return the weights (K,), 0 or more, of the least loss; only their proportions mean anything.

    Args:
        differences: (P, K) by how much each part of the score favours the liked one of each pair.
        shares: (P,) what each pair counts, 0 or more; of about sum 1.
    """
    widths = np.sqrt(shares @ differences**2)  # (K,)
    widths = np.where(widths > 0, widths, 1.0)
    scaled = differences / widths

    def loss(weights: Floats) -> tuple[float, Floats]:
        margins = scaled @ weights
        value = shares @ np.logaddexp(0, -margins) + RIDGE * weights @ weights
        return float(value), 2 * RIDGE * weights - (shares * scipy.special.expit(-margins)) @ scaled

    n_parts = differences.shape[1]
    start = np.full(n_parts, 1 / n_parts)
    with one_thread():
        found = scipy.optimize.minimize(
            loss, start, jac=True, method="L-BFGS-B", bounds=[(0, None)] * n_parts
        )
    weights: Floats = found.x / widths
    return weights
