"""Features: fitted on some rows, the same for any others, and nothing of these leaks."""

import json

import numpy as np
import pytest

from reeltune.table_models.blocks import DateBlock, ScaledBlock
from reeltune.table_models.encoder import TableEncoder
from reeltune.table_models.levels import FlagsBlock, TargetsBlock, WordsBlock
from reeltune.tabular.columns import DataTable
from tests.table_models.tables import levels, mixed, numbers, of_classes, of_numbers, table


@pytest.mark.parametrize("encoding", ["trees", "linear"])
@pytest.mark.parametrize("n_classes", [0, 2, 3])
class TestEncoder:
    def encoder(self, encoding: str, n_classes: int) -> tuple[DataTable, TableEncoder, np.ndarray]:
        whole, target = mixed(n_classes=n_classes)
        found, features = TableEncoder.fit(whole, target, encoding)  # type: ignore[arg-type]
        return whole, found, features

    def test_features_have_names_and_one_width(self, encoding: str, n_classes: int) -> None:
        whole, encoder, features = self.encoder(encoding, n_classes)
        assert features.dtype == np.float32
        assert features.shape == (240, len(encoder.names))
        assert encoder.transform(whole).shape == features.shape
        assert not any("row_id" in name or "same" in name for name in encoder.names)
        assert any("built to sold" in n or "sold to built" in n for n in encoder.names)

    def test_it_is_the_same_after_json(self, encoding: str, n_classes: int) -> None:
        whole, encoder, _ = self.encoder(encoding, n_classes)
        again = TableEncoder.from_json(json.loads(json.dumps(encoder.as_json())))
        assert again == encoder
        assert np.array_equal(again.transform(whole), encoder.transform(whole), equal_nan=True)

    def test_a_row_has_its_features_whatever_stands_beside_it(
        self, encoding: str, n_classes: int
    ) -> None:
        whole, encoder, _ = self.encoder(encoding, n_classes)
        rows = np.array([5, 200, 17])
        assert np.array_equal(
            encoder.transform(whole.take(rows)), encoder.transform(whole)[rows], equal_nan=True
        )

    def test_sums_are_finite_and_scaled(self, encoding: str, n_classes: int) -> None:
        _, _, features = self.encoder(encoding, n_classes)
        assert encoding == "trees" or np.isfinite(features).all()
        assert encoding == "trees" or np.abs(features).max() <= 100


def test_a_date_is_unfolded() -> None:
    column = numbers("d", [0.0, 1_709_210_096.0, np.nan], "date")  # 1970-01-01, 2024-02-29 12:34:56
    block = DateBlock.fit(column)
    found = block.transform(table(column))
    assert found[0, :6].tolist() == [0, 1970, 1, 1, 3, 1]  # a Thursday
    assert found[1, 1:6].tolist() == [2024, 2, 29, 3, 60]
    assert found[1, 6] == pytest.approx(12 + 34 / 60 + 56 / 3600)
    assert np.isnan(found[2]).all()
    assert len(block.names) == 7


def test_a_skewed_number_is_scaled_by_its_logarithm() -> None:
    values = np.exp(np.random.default_rng(1).normal(0, 3, 400))
    block = ScaledBlock.of("x", values)
    assert block.is_skewed
    scaled = block.scaled(values)
    assert abs(float(scaled.mean())) < 0.1
    assert np.abs(scaled).max() < 6
    assert not ScaledBlock.of("x", np.arange(50.0)).is_skewed


def test_what_is_missing_is_flagged_where_it_was_in_the_fit() -> None:
    block = ScaledBlock.of("x", np.array([1.0, np.nan, 3.0]))
    assert block.scaled(np.array([np.nan, 2.0]))[:, 1].tolist() == [1.0, 0.0]
    assert block.scaled(np.array([np.nan]))[0, 0] == pytest.approx(
        block.scaled(np.array([2.0]))[0, 0]
    )


def test_levels_are_known_by_their_texts_and_others_are_missing() -> None:
    fitted = FlagsBlock.fit(levels("c", ["a", "b", "c", "a", None]))
    other = table(levels("c", ["c", "new", None, "a"]))
    assert fitted.transform(other).tolist() == [[0, 0, 1], [0, 0, 0], [0, 0, 0], [1, 0, 0]]
    assert fitted.known.are_unknown(other).tolist() == [False, True, False, False]


def test_two_levels_without_gaps_have_one_flag() -> None:
    block = FlagsBlock.fit(levels("c", ["a", "b", "a"]))
    assert block.names == ["c is a"]


def test_a_level_has_the_smoothed_mean_of_its_targets() -> None:
    whole = table(levels("c", ["a"] * 30 + ["b"] * 10))
    targets = np.array([1.0] * 30 + [0.0] * 10)[:, None]
    block, _ = TargetsBlock.fit(whole, "c", targets)
    a, b, unknown = block.transform(table(levels("c", ["a", "b", "new"])))[:, 0]
    assert a == pytest.approx((30 + 10 * 0.75) / 40)
    assert b == pytest.approx((0 + 10 * 0.75) / 20)
    assert unknown == pytest.approx(0.75)


def test_rows_of_the_fit_are_encoded_without_their_own_targets() -> None:
    """A level for each row would give each its target, if its own were counted."""
    n = 300
    whole = table(levels("c", [f"l{k}" for k in range(n)]))
    targets = np.random.default_rng(3).integers(0, 2, n).astype(np.float64)
    _, own = TargetsBlock.fit(whole, "c", targets[:, None])
    assert abs(np.corrcoef(own[:, 0], targets)[0, 1]) < 0.35
    assert len(np.unique(own[:, 0])) <= 5  # of five inner folds, the mean of the others


def test_words_that_are_rare_weigh_more() -> None:
    texts = ["common rare"] + ["common"] * 9
    column = levels("t", [f"{text} {n}" for n, text in enumerate(texts)], "text")
    block = WordsBlock.fit(table(column), "t", 512)
    first = block.transform(table(levels("t", ["common"], "text")))[0]
    both = block.transform(table(levels("t", ["common rare"], "text")))[0]
    common = int(first.argmax())
    assert first[common] == pytest.approx(1.0)
    assert 0 < both[common] < max(np.delete(both, common))
    assert block.transform(table(levels("t", [None], "text"))).sum() == 0


def test_nothing_of_other_rows_enters_a_fit() -> None:
    whole, target = mixed(n_classes=2)
    first = np.arange(120)
    part, own = whole.take(first), of_classes(target.values[first], 2)
    encoder, features = TableEncoder.fit(part, own, "trees")
    again, others = TableEncoder.fit(whole.take(first), own, "trees")
    assert again == encoder
    assert np.array_equal(features, others, equal_nan=True)


def test_a_table_without_anything_to_learn_from_has_one_empty_feature() -> None:
    whole = table(numbers("same", [1.0] * 8), levels("none", [None] * 8))
    encoder, features = TableEncoder.fit(whole, of_numbers(np.arange(8.0)), "trees")
    assert features.shape == (8, 1)
    assert encoder.transform(whole).tolist() == [[0.0]] * 8
