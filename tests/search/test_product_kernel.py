import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import approx_fprime

from reeltune.domain.arrays import Floats
from reeltune.search.product_kernel import MAX_WARP, Kernel, Placing, warp


def plain_correlation(kernel: Kernel, a: Floats, b: Floats, widths: Floats) -> float:
    """As the module's docstring says it, one axis after the other."""
    found = 1.0
    for d, length in enumerate(kernel.lengths):
        c = kernel.warps[d]
        at, other = a[d] / widths[d], b[d] / widths[d]
        if c:
            at, other = (np.expm1(c * x) / np.expm1(c) for x in (at, other))
        r = abs(at - other) * widths[d] / length
        m = (1 - r) ** 3 * (3 * r + 1) if r < 1 else 0.0
        found *= (1 + kernel.variance * m) / (1 + kernel.variance)
    return found


kernels = st.integers(0, 2**32 - 1).map(
    lambda seed: Kernel(
        lengths=np.exp(np.random.default_rng(seed).normal(0, 1, 3)),
        warps=np.random.default_rng([seed, 1]).uniform(-MAX_WARP, MAX_WARP, 3),
        variance=float(np.exp(np.random.default_rng([seed, 2]).normal(0, 1.5))),
    )
)
WIDTHS = np.array([1.0, 2.0, 0.7])


@given(kernel=kernels, seed=st.integers(0, 1000))
@settings(max_examples=50, deadline=None)
def test_the_compiled_kernel_is_the_formula(kernel: Kernel, seed: int) -> None:
    rng = np.random.default_rng(seed)
    a, b = rng.random((4, 3)) * WIDTHS, rng.random((5, 3)) * WIDTHS
    found = kernel.correlations(kernel.placed(a, WIDTHS), kernel.placed(b, WIDTHS))
    plain = [[plain_correlation(kernel, x, y, WIDTHS) for y in b] for x in a]
    assert found == pytest.approx(np.array(plain), rel=1e-12)


@given(kernel=kernels, seed=st.integers(0, 1000))
@settings(max_examples=50, deadline=None)
def test_the_gradient_is_that_of_the_sum_of_log_correlations(kernel: Kernel, seed: int) -> None:
    rng = np.random.default_rng(seed)
    points = rng.random((6, 3)) * WIDTHS
    weights = rng.normal(size=(6, 6))
    weights = weights + weights.T

    def total(at: Floats) -> float:
        placing = Placing.of(Kernel(np.exp(at[:3]), at[3:6], np.exp(at[6])), points, WIDTHS)
        return float((weights * np.log(placing.correlations())).sum())

    at = np.concatenate([np.log(kernel.lengths), kernel.warps, [np.log(kernel.variance)]])
    by_length, by_warp, by_variance = Placing.of(kernel, points, WIDTHS).gradient(weights)
    slopes = approx_fprime(at, total, 1e-6)
    assert np.concatenate([by_length, by_warp, [by_variance]]) == pytest.approx(
        slopes, rel=1e-3, abs=1e-3
    )


@given(seed=st.integers(0, 2**32 - 1), n=st.integers(2, 30))
@settings(max_examples=50, deadline=None)
def test_correlations_are_positive_definite(seed: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    kernel = Kernel(np.exp(rng.normal(0, 2, 3)), rng.normal(0, 2, 3), float(rng.gamma(1)))
    placed = kernel.placed(rng.random((n, 3)), np.ones(3))
    found = kernel.correlations(placed, placed)
    assert np.diag(found) == pytest.approx(np.ones(n))
    assert np.linalg.eigvalsh(found).min() > -1e-9


@given(c=st.floats(-MAX_WARP, MAX_WARP), x=st.floats(0, 1))
def test_a_warp_keeps_the_ends_and_the_order(c: float, x: float) -> None:
    points = np.array([[0.0], [x], [min(1.0, x + 1e-3)], [1.0]])
    warped = warp(points, np.array([c]))[0][:, 0]
    assert warped[0] == 0
    assert warped[-1] == pytest.approx(1)
    assert np.all(np.diff(warped) >= 0)
    slopes = warp(points, np.array([c]))[1][:, 0]
    nearby = [warp(points, np.array([c + h]))[0][:, 0] for h in (-1e-5, 1e-5)]
    assert slopes == pytest.approx((nearby[1] - nearby[0]) / 2e-5, abs=1e-6)


def test_effects_of_axes_alone_add_up_where_an_axiss_part_is_small() -> None:
    """What two axes do together is of the order of the variance squared."""
    points = np.array([[0.0, 0.0], [0.5, 0.0], [0.0, 0.5], [0.5, 0.5]])
    for variance in (1e-3, 1.0):
        kernel = Kernel(np.full(2, 0.4), np.zeros(2), variance)
        placed = kernel.placed(points, np.ones(2))
        k = kernel.correlations(placed, placed)
        contrast = np.array([1.0, -1.0, -1.0, 1.0])  # 0 for a sum of functions of one axis
        found = contrast @ k @ contrast
        assert found == pytest.approx(4 * (variance / (1 + variance)) ** 2, rel=1e-9)
