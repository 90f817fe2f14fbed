import numpy as np
import pytest

from reeltune.domain.arrays import Floats
from reeltune.stats.variance_shares import Bins, bins_of, explained_shares


def shares(inputs: Floats, outputs: Floats, n_bins: int = 32) -> list[float]:
    return [
        float(explained_shares(bins_of(column, n_bins), outputs[:, None])[0]) for column in inputs.T
    ]


def test_the_shares_of_a_sum_are_those_of_its_parts_variances() -> None:
    x = np.random.default_rng(1).random((40_000, 3))
    found = shares(x, 3 * x[:, 0] + 4 * x[:, 1])
    assert found == pytest.approx([9 / 25, 16 / 25, 0], abs=0.01)


def test_a_product_leaves_to_both_together_what_neither_explains() -> None:
    x = np.random.default_rng(2).random((40_000, 2)) - 0.5
    outputs = (x[:, 0] * x[:, 1])[:, None]
    alone = shares(x, outputs[:, 0])
    bins = bins_of(x[:, 0], 16).crossed(bins_of(x[:, 1], 16))
    assert alone == pytest.approx([0, 0], abs=0.01)
    assert explained_shares(bins, outputs)[0] == pytest.approx(1, abs=0.03)


def test_many_bins_of_noise_explain_nothing() -> None:
    rng = np.random.default_rng(3)
    column, noise = rng.random(2000), rng.standard_normal((2000, 50))
    assert explained_shares(bins_of(column, 500), noise).mean() < 0.02  # 0.25 uncorrected


def test_an_output_that_does_not_vary_is_explained_by_nothing() -> None:
    assert explained_shares(bins_of(np.arange(9.0), 3), np.ones((9, 1))).tolist() == [0.0]


def test_equal_values_are_never_put_into_different_bins() -> None:
    column = np.random.default_rng(4).integers(0, 40, 999).astype(np.float64)
    bins = bins_of(column, 8)
    for value in np.unique(column):
        assert len(np.unique(bins.of_draw[column == value])) == 1
    assert bins.n <= 8
    assert bins.counts().sum() == 999


def test_an_empty_bin_has_no_mean() -> None:
    means = Bins(np.array([0, 2, 2]), 3).means(np.array([[1.0], [2.0], [4.0]]))
    assert means[:, 0].tolist()[::2] == [1.0, 3.0]
    assert np.isnan(means[1, 0])
