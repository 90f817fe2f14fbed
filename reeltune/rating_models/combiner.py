"""Combiner: non-negative weights of scores, fitted to what users liked next; a convex problem."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy  # its parts are imported when first used

from reeltune.domain.arrays import Floats, Floats32, Ints

FIRST_WEIGHT = 0.05  # where the search begins
MAX_STEPS = 200
LOSS_TOLERANCE = 1e-7  # relative gain of an iteration below which the search ends


@dataclass(frozen=True, eq=False)
class Examples:
    """Candidates of n users with F features each; R rows, a user's in one piece.

    Every user has a row at least. A pair is of a movie that a user liked and one that the user
    did not.
    """

    features: Floats32  # (R, F)
    starts: Ints  # (n + 1,)
    shares: Floats  # (R,) 1 / number liked for a liked movie, else 0
    liked: Ints  # (P,) rows of the liked movie of each pair
    other: Ints  # (P,) and of the other
    pair_shares: Floats  # (P,) 1 / number of pairs of the user

    @property
    def n_users(self) -> int:
        """Number of users: n."""
        return len(self.starts) - 1


@dataclass(frozen=True, slots=True)
class Loss:
    """Loss that the combiner minimises; its two parts pull apart lists and pairs.

    (1 - tau) times the softmax cross-entropy of the liked movies among a user's candidates, plus
    tau times the logistic loss of pairs, plus l2 times the squared weights. Users weigh alike.

    Source: Bruch et al. 2019, "An analysis of the softmax cross entropy loss for learning-to-rank
    with binary relevance"; Rendle et al. 2009, "BPR", for pairs.
    """

    tau: float  # 0: lists alone, 1: pairs alone
    l2: float

    def value_and_gradient(
        self, weights: Floats, examples: Sequence[Examples]
    ) -> tuple[float, Floats]:
        """Return the loss at `weights` (F,) and its gradient (F,)."""
        value = self.l2 * float(weights @ weights)
        gradient = 2 * self.l2 * weights
        n_users = sum(each.n_users for each in examples)
        for each in examples:
            scores = (each.features @ weights.astype(np.float32)).astype(np.float64)  # (R,)
            lists, by_row = _cross_entropy(scores, each)
            pairs, by_pair = _logistic(scores, each)
            by_score = ((1 - self.tau) * by_row + self.tau * by_pair).astype(np.float32)
            value += ((1 - self.tau) * lists + self.tau * pairs) / n_users
            gradient += (by_score @ each.features).astype(np.float64) / n_users
        return value, gradient


def fit_weights(examples: Sequence[Examples], loss: Loss) -> Floats:
    """Return the weights (F,), 0 or more, of least loss over all the examples."""
    n_features = examples[0].features.shape[1]
    found = scipy.optimize.minimize(
        loss.value_and_gradient,
        np.full(n_features, FIRST_WEIGHT),
        args=(examples,),
        jac=True,
        method="L-BFGS-B",
        bounds=[(0.0, None)] * n_features,
        options={"maxiter": MAX_STEPS, "ftol": LOSS_TOLERANCE},
    )
    weights: Floats = found.x
    return weights


def _cross_entropy(scores: Floats, examples: Examples) -> tuple[float, Floats]:
    """Return the sum over users who liked something, and its gradient by score (R,)."""
    starts, n_rows = examples.starts[:-1], np.diff(examples.starts)
    highest = np.maximum.reduceat(scores, starts)
    shifted = np.exp(scores - np.repeat(highest, n_rows))
    totals = np.add.reduceat(shifted, starts)
    likes_any = np.add.reduceat(examples.shares, starts) > 0
    normal = np.log(totals) + highest
    value = normal[likes_any].sum() - examples.shares @ scores
    probability = shifted / np.repeat(totals, n_rows)
    return float(value), np.repeat(likes_any, n_rows) * probability - examples.shares


def _logistic(scores: Floats, examples: Examples) -> tuple[float, Floats]:
    """Return the sum over users with pairs, and its gradient by score (R,)."""
    apart = scores[examples.liked] - scores[examples.other]
    value = examples.pair_shares @ np.logaddexp(0, -apart)
    slope = examples.pair_shares * scipy.special.expit(-apart)
    n_rows = len(scores)
    up: Floats = np.bincount(examples.other, slope, n_rows).astype(np.float64)
    return float(value), up - np.bincount(examples.liked, slope, n_rows)
