"""The nineteen figures, each against a value worked by hand."""

from pathlib import Path

import numpy as np
import pytest

from reeltune.domain.errors import InputError
from reeltune.tabular.analyzer import DatasetAnalyzer
from reeltune.tabular.dna import DataDna
from reeltune.tabular.moments import Moments, correlation_matrix, correlation_ratio, cramers_v
from tests.tabular.tables import written

# x: 0 0 0 4, y: 1 2 3 4, c: a b a missing; 1 of 12 cells is missing
TABLE = "x,y,c,label\n0,1,a,no\n0,2,b,no\n0,3,a,yes\n4,4,,no\n" + "9,9,z,\n"
MORE = "x,y,c,label\n" + "0,1,a,no\n0,2,b,no\n0,3,a,yes\n4,4,,no\n" * 2


@pytest.fixture(scope="module")
def dna(tmp_path_factory: pytest.TempPathFactory) -> DataDna:
    path = written(tmp_path_factory.mktemp("dna"), MORE)
    return DatasetAnalyzer(path, "label").analyze()


def test_counts_and_shares(dna: DataDna) -> None:
    assert (dna.n_instances, dna.n_features, dna.n_numerical, dna.n_categorical) == (8, 3, 2, 1)
    assert dna.dimensionality == 3 / 8
    assert dna.missing_ratio == 2 / 24
    assert dna.sparsity == 6 / 16  # zeros of x among the values of x and y
    assert dna.avg_cardinality == 2.0


def test_moments(dna: DataDna) -> None:
    # x: mean 1, deviations -1 -1 -1 3: m2 = 3, m3 = 6, m4 = 21; y: m2 = 1.25, m3 = 0, m4 = 2.5625
    skewness = 6 / 3**1.5
    assert dna.max_skewness == pytest.approx(skewness)
    assert dna.mean_skewness == pytest.approx(skewness / 2)
    assert dna.mean_kurtosis == pytest.approx((21 / 9 - 3 + 2.5625 / 1.5625 - 3) / 2)
    assert dna.coefficient_variation == pytest.approx((3**0.5 / 1 + 1.25**0.5 / 2.5) / 2)


def test_correlations_of_features(dna: DataDna) -> None:
    r = 1.5 / (3 * 1.25) ** 0.5  # covariance 1.5 of x and y
    assert dna.avg_correlation == pytest.approx(r)
    assert dna.max_correlation == pytest.approx(r)


def test_target(dna: DataDna) -> None:
    entropy = -(0.75 * np.log2(0.75) + 0.25 * np.log2(0.25))
    assert dna.task_type == "classification"
    assert dna.class_imbalance_ratio == 3.0
    assert dna.target_entropy == pytest.approx(entropy)
    assert dna.normalized_entropy == pytest.approx(entropy)  # of 1 bit


def test_difficulty_is_the_mean_of_four_shares(dna: DataDna) -> None:
    # relations: x to label: groups of mean 4/3 and 0, eta^2 = (3*(1/3)^2 + 1) / 12 = 1/9;
    # y: means 7/3 and 3, eta^2 = (3*(1/6)^2 + 1/4) / 5 = 1/15; c: a is no, yes, b is no:
    # chi^2 / n = 1/4 of three rows
    strongest = 0.25**0.5
    assert dna.task_difficulty_score == pytest.approx(
        (1.0 + 2 / 24 + (1 - dna.normalized_entropy) + (1 - strongest)) / 4
    )


def test_a_number_has_the_entropy_of_ten_bins(tmp_path: Path) -> None:
    rows = "".join(f"{n % 3},{n}.5\n" for n in range(20))
    dna = DatasetAnalyzer(written(tmp_path, "x,y\n" + rows), "y").analyze()
    assert dna.task_type == "regression"
    assert dna.target_entropy == pytest.approx(np.log2(10))
    assert dna.normalized_entropy == pytest.approx(1.0)
    assert dna.class_imbalance_ratio == 1.0


def test_what_cannot_be_counted_is_0(tmp_path: Path) -> None:
    dna = DatasetAnalyzer(written(tmp_path, "c,label\n" + "a,p\nb,q\n" * 5), "label").analyze()
    assert dna.mean_skewness == dna.max_correlation == dna.sparsity == 0.0
    assert dna.task_difficulty_score == pytest.approx((1.0 + 0 + 0 + 0) / 4)


def test_figures_are_nineteen_and_finite(dna: DataDna) -> None:
    figures = dna.as_dict()
    assert len(figures) == 19
    assert all(np.isfinite(v) for name, v in figures.items() if name != "task_type")


def test_moments_leave_out_what_is_missing_and_what_does_not_vary() -> None:
    matrix = np.array([[1.0, 5.0], [np.nan, 5.0], [3.0, 5.0]])
    moments = Moments.of(matrix)
    assert moments.counts.tolist() == [2, 3]
    assert moments.means.tolist() == [2.0, 5.0]
    assert moments.deviations.tolist() == [1.0, 0.0]
    assert np.isnan(moments.skewness[1])
    assert np.isnan(correlation_matrix(matrix, moments)[0, 1])


def test_correlations_are_those_of_the_rows_with_both_values() -> None:
    rng = np.random.default_rng(1)
    matrix = rng.normal(size=(300, 4)) * [1, 1e6, 1e-6, 1] + [0, 1e9, 0, 5]
    matrix[:, 3] += matrix[:, 0]
    matrix[rng.random((300, 4)) < 0.2] = np.nan
    found = correlation_matrix(matrix, Moments.of(matrix))
    for a in range(4):
        for b in range(4):
            both = np.isfinite(matrix[:, a]) & np.isfinite(matrix[:, b])
            expected = np.corrcoef(matrix[both][:, a], matrix[both][:, b])[0, 1]
            assert found[a, b] == pytest.approx(expected, abs=1e-9)


def test_groups_that_decide_a_number_have_a_ratio_of_1() -> None:
    codes = np.array([0, 0, 1, 1, -1])
    assert correlation_ratio(codes, np.array([1.0, 1.0, 2.0, 2.0, 9.0])) == pytest.approx(1.0)
    assert correlation_ratio(codes, np.array([1.0, 2.0, 1.0, 2.0, 9.0])) == pytest.approx(0.0)
    assert correlation_ratio(codes, np.full(5, 3.0)) == 0.0


def test_cramers_v_of_equal_and_of_unrelated_groups() -> None:
    a = np.array([0, 0, 1, 1, -1])
    assert cramers_v(a, a) == pytest.approx(1.0)
    assert cramers_v(a, np.array([0, 1, 0, 1, 1])) == pytest.approx(0.0)
    assert cramers_v(a, np.zeros(5, dtype=np.int64)) == 0.0


def test_the_analyzer_reads_when_it_is_asked_to(tmp_path: Path) -> None:
    analyzer = DatasetAnalyzer()
    with pytest.raises(InputError, match="load_data needs a source"):
        analyzer.load_data()
    table = analyzer.load_data(written(tmp_path, MORE), "label")
    assert table.n_rows == 8
    assert analyzer.analyze().n_instances == 8


def test_rows_without_a_target_are_left_out(tmp_path: Path) -> None:
    text = MORE + "9,9,z,\n"
    table, target = DatasetAnalyzer(written(tmp_path, text), "label").split()
    assert table.n_rows == len(target.values) == 8
    assert "1 rows without a label are left out" in table.notes
