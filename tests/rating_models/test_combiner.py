"""Combiner: its gradient, and what its weights come to."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import approx_fprime

from reeltune.domain.arrays import Floats
from reeltune.rating_models.combiner import Examples, Loss, fit_weights


def examples_like(seed: int, n_users: int = 4, useful: float = 0.0) -> Examples:
    """Return users with 12 candidates: 3 liked, 2 not; feature 0 is higher by `useful` if liked."""
    rng = np.random.default_rng(seed)
    features = rng.standard_normal((12 * n_users, 3)).astype(np.float32)
    first = 12 * np.arange(n_users)[:, None]
    liked, other = np.add(first, np.array([0, 1, 2])), np.add(first, np.array([3, 4]))
    features[liked.ravel(), 0] += useful
    shares = np.zeros(len(features))
    shares[liked.ravel()] = 1 / 3
    return Examples(
        features=features,
        starts=12 * np.arange(n_users + 1),
        offsets=np.where(np.arange(12 * n_users) % 12 < 5, 0.0, 0.7),
        shares=shares,
        liked=np.repeat(liked, 2, axis=1).ravel(),
        other=np.tile(other, (1, 3)).ravel(),
        pair_shares=np.full(6 * n_users, 1 / 6),
    )


def plain_loss(weights: Floats, examples: Examples, tau: float, l2: float) -> float:
    """Return the loss by its formula, user by user."""
    total = 0.0
    for first, last in zip(examples.starts[:-1], examples.starts[1:], strict=True):
        scores = examples.features[first:last].astype(np.float64) @ weights
        scores += examples.offsets[first:last]
        softmax = np.exp(scores) / np.exp(scores).sum()
        liked = examples.shares[first:last]
        total -= (1 - tau) * float(liked @ (np.log(softmax) - examples.offsets[first:last]))
        pairs = [(a, b) for a in range(3) for b in (3, 4)]
        total += tau * float(np.mean([np.log1p(np.exp(scores[b] - scores[a])) for a, b in pairs]))
    return total / examples.n_users + l2 * float(weights @ weights)


@given(st.integers(0, 20), st.sampled_from([0.0, 0.4, 1.0]), st.floats(0, 1))
def test_the_loss_is_its_formula_and_its_gradient_the_slope(
    seed: int, tau: float, l2: float
) -> None:
    examples, weights = examples_like(seed), np.random.default_rng(seed).random(3)
    value, gradient, hessian = Loss(tau, l2).expand(weights, [examples])
    assert value == pytest.approx(plain_loss(weights, examples, tau, l2), abs=1e-5)
    slope = approx_fprime(weights, lambda w: plain_loss(w, examples, tau, l2))
    np.testing.assert_allclose(gradient, slope, atol=1e-4)
    curvature = [
        approx_fprime(weights, lambda w, f=f: Loss(tau, l2).expand(w, [examples])[1][f])
        for f in range(3)
    ]
    np.testing.assert_allclose(hessian, curvature, atol=1e-4)


def test_users_of_several_windows_weigh_alike() -> None:
    one, two, weights = examples_like(1, 2), examples_like(2, 6), np.array([0.3, 0.1, 0.2])
    loss = Loss(tau=0.5, l2=0.0)
    apart = [loss.expand(weights, [each])[0] for each in (one, two)]
    together, *_ = loss.expand(weights, [one, two])
    assert together == pytest.approx((2 * apart[0] + 6 * apart[1]) / 8)


@pytest.mark.parametrize("tau", [0.0, 0.7, 1.0])
def test_what_tells_liked_movies_gets_the_weight_and_what_misleads_gets_none(tau: float) -> None:
    examples = examples_like(3, n_users=200, useful=1.5)
    examples.features[:, 1] = -examples.features[:, 0]
    weights = fit_weights([examples], Loss(tau, l2=1e-3))
    assert weights[0] > 0.5
    assert weights[1] == 0
    assert weights[2] < 0.1


def test_a_user_who_liked_nothing_counts_for_no_list() -> None:
    examples = examples_like(5, n_users=2)
    examples.shares[12:] = 0
    one = examples_like(5, n_users=2)
    value, *_ = Loss(tau=0.0, l2=0.0).expand(np.ones(3), [examples])
    first = plain_loss(np.ones(3), replace(one, starts=one.starts[:2]), 0.0, 0.0)
    assert value == pytest.approx(first / 2, abs=1e-5)


@given(st.integers(0, 20), st.sampled_from([0.0, 0.4, 1.0]))
def test_the_weights_are_where_the_loss_is_least(seed: int, tau: float) -> None:
    examples, loss = [examples_like(seed, useful=0.5)], Loss(tau, l2=0.01)
    weights = fit_weights(examples, loss)
    least = loss.expand(weights, examples)[0]
    for near in weights + np.random.default_rng(seed).normal(0, 0.05, (20, 3)):
        assert loss.expand(np.clip(near, 0, None), examples)[0] >= least - 1e-6
