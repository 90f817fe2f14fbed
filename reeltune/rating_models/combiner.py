"""Combiner: non-negative weights of scores, fitted to what users liked next; a convex problem."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from reeltune.components.compiled_loops import loss_loops
from reeltune.domain.arrays import Floats, Floats32, Ints

FIRST_WEIGHT = 0.05  # where the search begins
MAX_WEIGHT = 16.0  # so that sums of scores stay exact
MAX_STEPS = 50
MAX_HALVINGS = 30
ARMIJO_SHARE = 1e-4  # of the gain that the slope promises, for a step to be taken (Armijo)
LOSS_TOLERANCE = 1e-6  # gain of a step, relative to the loss, below which the search ends


@dataclass(frozen=True, eq=False)
class Examples:
    """Candidates of n users with F features each; R rows, a user's in one piece.

    Every user has a row at least. A pair is of a movie that a user liked and one that the user
    did not.
    """

    features: Floats32  # (R, F)
    starts: Ints  # (n + 1,)
    offsets: Floats  # (R,) logarithm of the number of candidates that a row stands for
    shares: Floats  # (R,) 1 / number liked for a liked movie, else 0
    liked: Ints  # (P,) rows of the liked movie of each pair
    other: Ints  # (P,) and of the other
    pair_shares: Floats  # (P,) 1 / number of pairs of the user

    @property
    def n_users(self) -> int:
        """Number of users: n."""
        return len(self.starts) - 1

    @classmethod
    def joined(cls, parts: Sequence["Examples"]) -> "Examples":
        """Return the examples of all parts, of other users each, as one."""
        first = np.cumsum([0, *(len(each.features) for each in parts)])
        moved = [
            replace(each, starts=each.starts + at, liked=each.liked + at, other=each.other + at)
            for each, at in zip(parts, first, strict=False)
        ]
        return cls(
            features=np.concatenate([each.features for each in moved]),
            starts=np.concatenate([[0], *(each.starts[1:] for each in moved)]).astype(np.int64),
            offsets=np.concatenate([each.offsets for each in moved]),
            shares=np.concatenate([each.shares for each in moved]),
            liked=np.concatenate([each.liked for each in moved]),
            other=np.concatenate([each.other for each in moved]),
            pair_shares=np.concatenate([each.pair_shares for each in moved]),
        )


@dataclass(frozen=True, slots=True)
class Loss:
    """Loss that the combiner minimises; its two parts pull apart lists and pairs.

    (1 - tau) times the softmax cross-entropy of the liked movies among a user's candidates, plus
    tau times the logistic loss of pairs, plus l2 times the squared weights. Users weigh alike.

    Source: Bruch et al. 2019, "An analysis of the softmax cross entropy loss for learning-to-rank
    with binary relevance"; Rendle et al. 2009, "BPR", for pairs; Horvitz and Thompson 1952, "A
    generalization of sampling without replacement", for rows that stand for several.
    """

    tau: float  # 0: lists alone, 1: pairs alone
    l2: float

    def expand(self, weights: Floats, examples: Sequence[Examples]) -> tuple[float, Floats, Floats]:
        """Return the loss at `weights` (F,), its gradient (F,) and its Hessian (F, F)."""
        value = self.l2 * float(weights @ weights)
        gradient = 2 * self.l2 * weights
        hessian = 2 * self.l2 * np.eye(len(weights))
        n_users = sum(each.n_users for each in examples)
        loops = loss_loops()
        for each in examples:
            rows = (each.starts, each.offsets, each.shares)
            pairs = (each.liked, each.other, each.pair_shares)
            of_lists = loops.list_loss(each.features, *rows, weights)
            of_pairs = loops.pair_loss(each.features, *pairs, weights)
            value, gradient, hessian = (
                total + ((1 - self.tau) * lists + self.tau * pair) / n_users
                for total, lists, pair in zip(
                    (value, gradient, hessian), of_lists, of_pairs, strict=True
                )
            )
        return value, gradient, hessian


def fit_weights(examples: Sequence[Examples], loss: Loss) -> Floats:
    """Return the weights (F,), 0 to `MAX_WEIGHT`, of least loss over all the examples.

    Source: Bertsekas 1982, "Projected Newton methods for optimization problems with simple
    constraints".
    """
    weights = np.full(examples[0].features.shape[1], FIRST_WEIGHT)
    value, gradient, hessian = loss.expand(weights, examples)
    for _ in range(MAX_STEPS):
        step = _newton_step(weights, gradient, hessian)
        expected = float(gradient @ step)
        for halvings in range(MAX_HALVINGS):
            tried = np.clip(weights + 0.5**halvings * step, 0.0, MAX_WEIGHT)
            found = loss.expand(tried, examples)
            if found[0] <= value + ARMIJO_SHARE * 0.5**halvings * expected:
                break
        else:
            return weights
        gain = value - found[0]
        weights, (value, gradient, hessian) = tried, found
        if gain <= LOSS_TOLERANCE * abs(value):
            return weights
    return weights


def _newton_step(weights: Floats, gradient: Floats, hessian: Floats) -> Floats:
    """Return the step (F,) to the minimum of the quadratic model among the free weights.

    Those at a bound, and pulled beyond it, stay.
    """
    low, high = (weights <= 0) & (gradient > 0), (weights >= MAX_WEIGHT) & (gradient < 0)
    free = np.flatnonzero(~(low | high))
    step = np.zeros(len(weights))
    step[free] = -np.linalg.solve(hessian[np.ix_(free, free)], gradient[free])
    return step
