"""Metrics of predictions, each against a value worked by hand."""

import numpy as np
import pytest

from reeltune.domain.errors import InputError
from reeltune.table_models.losses import TABLE_METRICS, auc, table_metric
from reeltune.tabular.target import Prediction

TRUTH = np.array([0, 1, 1])
PROBABILITIES = np.array([[0.8, 0.2], [0.5, 0.5], [0.9, 0.1]])
NUMBERS = np.array([1.0, 2.0, 4.0])
PREDICTED = np.array([[1.0], [3.0], [2.0]])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("log_loss", -(np.log(0.8) + np.log(0.5) + np.log(0.1)) / 3),
        ("brier", (0.04 + 0.04 + 0.25 + 0.25 + 0.81 + 0.81) / 3),
        ("accuracy", 1 / 3),
        ("auc", 0.5),  # of two pairs one is right
    ],
)
def test_of_classes(name: str, value: float) -> None:
    assert table_metric(Prediction.CLASSES, name).value_of(TRUTH, PROBABILITIES) == pytest.approx(
        value
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [("mse", 5 / 3), ("mae", 1.0), ("rmse", (5 / 3) ** 0.5), ("r2", 1 - 5 / (42 / 9))],
)
def test_of_numbers(name: str, value: float) -> None:
    assert table_metric(Prediction.NUMBERS, name).value_of(NUMBERS, PREDICTED) == pytest.approx(
        value
    )


def test_ties_count_half_in_the_auc_and_one_class_has_none() -> None:
    flat = np.full((4, 2), 0.5)
    assert auc(np.array([0, 1, 0, 1]), flat) == 0.5
    assert np.isnan(auc(np.zeros(4, dtype=int), flat))


def test_the_auc_of_several_classes_is_the_mean_of_each_to_the_rest() -> None:
    right = np.eye(3)[[0, 1, 2, 0]]
    assert auc(np.array([0, 1, 2, 0]), right) == 1.0


def test_directions_and_names() -> None:
    for metrics in TABLE_METRICS.values():
        first = next(iter(metrics.values()))
        assert first.per_unit
        assert not first.higher_is_better
    with pytest.raises(InputError, match="must be one of log_loss, brier, accuracy, auc, got 'f1'"):
        table_metric(Prediction.CLASSES, "f1")
