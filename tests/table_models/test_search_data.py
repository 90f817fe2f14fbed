"""Fits of a search are remembered, share nothing with the test part, and stop where they should."""

import numpy as np
import pytest

from reeltune.table_models import search_data
from reeltune.table_models.families import FAMILY, table_space
from reeltune.table_models.folds import make_folds
from reeltune.table_models.search_data import SearchData
from reeltune.tabular.target import Prediction
from tests.table_models.tables import mixed, numbers, of_numbers, table

pytest.importorskip("sklearn")
SPACE = table_space(Prediction.NUMBERS)
BOOSTED = SPACE.defaults()
LINEAR = SPACE.checked(SPACE.overlaid(BOOSTED, {FAMILY: "ridge"}))


def data_of(n_rows: int = 160) -> SearchData:
    whole, target = mixed(n_rows)
    return SearchData(whole, target, make_folds(whole, target))


def test_a_fit_is_done_once_whatever_the_order_of_its_values() -> None:
    data = data_of()
    first = data.outcome(LINEAR, 0)
    assert data.outcome(dict(reversed(LINEAR.items())), 0) is first


def test_the_oldest_fits_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search_data, "MAX_KEPT_CELLS", 1)
    data = data_of()
    first = data.outcome(LINEAR, 0)
    for fold in range(1, len(data.folds.folds)):
        data.outcome(LINEAR, fold)
    data.outcome(BOOSTED, 0)
    again = data.outcome(LINEAR, 0)
    assert again is not first
    assert np.array_equal(again.held_out, first.held_out)


def test_noise_looks_worse_where_all_folds_stop_alike() -> None:
    """Each fold's own best stop makes boosting on noise look better than the mean: it is not."""
    rng = np.random.default_rng(6)
    whole = table(*(numbers(f"x{k}", rng.normal(size=120)) for k in range(6)))
    target = of_numbers(rng.normal(size=120))
    data = SearchData(whole, target, make_folds(whole, target, with_test=False))
    own, common = data.of_units(BOOSTED), data.with_common_stop(BOOSTED)
    errors = [float(((each[:, 0] - data.truth) ** 2).mean()) for each in (own, common)]
    assert errors[0] < errors[1]
    assert np.array_equal(data.with_common_stop(LINEAR), data.of_units(LINEAR))


def test_a_refit_has_the_mean_of_the_iterations_and_some_more() -> None:
    data = data_of()
    found = [data.outcome(BOOSTED, k).n_iterations for k in range(len(data.folds.folds))]
    n = data.iterations(BOOSTED)
    assert n is not None
    assert np.mean(found) <= n <= 1.3 * np.mean(found) + 1
    assert data.iterations(LINEAR) is None


def test_a_constant_predicts_the_mean_of_what_is_searched() -> None:
    data = data_of()
    assert data.constant()[0, 0] == pytest.approx(data.target.values[data.folds.search].mean())
    assert len(data.constant()) == len(data.test_truth) == len(data.of_test(LINEAR))
