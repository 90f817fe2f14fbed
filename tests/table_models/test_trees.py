"""Trees as arrays: what a row reaches, by hand."""

import numpy as np
import pytest

from reeltune.table_models.small_trees import next_below, shrunk
from reeltune.table_models.trees import LEAF, Tree, ensemble


def stump(
    threshold: float, left: float, right: float, *, missing_left: bool, output: int = 0
) -> Tree:
    return Tree(
        feature=np.array([0, LEAF, LEAF]),
        threshold=np.array([threshold, 0.0, 0.0]),
        left=np.array([1, 0, 0]),
        right=np.array([2, 0, 0]),
        missing_left=np.array([missing_left, True, True]),
        value=np.array([0.0, left, right]),
        output=output,
    )


def test_a_row_goes_left_up_to_the_threshold_and_where_it_is_missing() -> None:
    trees = ensemble([stump(0.5, 1.0, 10.0, missing_left=False)], [0.25])
    rows = np.array([[0.5], [0.6], [np.nan]], dtype=np.float32)
    assert trees.sums(rows)[:, 0].tolist() == [1.25, 10.25, 10.25]


def test_trees_add_to_their_own_output() -> None:
    grown = [stump(0.0, 1.0, 2.0, missing_left=True, output=k) for k in (0, 1, 1)]
    found = ensemble(grown, [0.0, 5.0], scale=0.5).sums(np.array([[1.0]], dtype=np.float32))
    assert found.tolist() == [[1.0, 7.0]]


def test_many_rows_are_walked_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    trees = ensemble([stump(0.1, -1.0, 1.0, missing_left=True)] * 5, [0.0])
    rows = np.random.default_rng(0).normal(size=(101, 1)).astype(np.float32)
    whole = trees.sums(rows)
    monkeypatch.setattr("reeltune.table_models.trees._BLOCK_CELLS", 37)
    assert np.array_equal(trees.sums(rows), whole)


def test_a_threshold_between_two_singles_goes_to_the_lower() -> None:
    low = np.float32(1.0)
    high = np.nextafter(low, np.float32(2.0))
    between = (float(low) + float(high)) / 2
    assert next_below(np.array([between, 1.0, 1e300, -1e300]))[:2].tolist() == [1.0, 1.0]
    assert np.isfinite(next_below(np.array([1e300]))).all()


def test_small_trees_take_two_bytes_for_a_step() -> None:
    stored = shrunk(ensemble([stump(0.1, 1.0, 2.0, missing_left=True)] * 3, [0.0]))
    assert stored["left"].dtype == stored["feature"].dtype == np.int16
    assert stored["threshold"].dtype == stored["leaf_value"].dtype == np.float32
    assert len(stored["leaf_value"]) == 6
