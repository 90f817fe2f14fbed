"""Blends are never worse than their best member where they are chosen, and stay small."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reeltune.table_models.blend import (
    MAX_MEMBERS,
    blended,
    greedy_blend,
    temperature_of,
    with_temperature,
)
from reeltune.table_models.losses import log_loss, table_metric
from reeltune.tabular.target import Prediction

MSE = table_metric(Prediction.NUMBERS, "mse")


def test_errors_of_opposite_signs_cancel() -> None:
    truth = np.zeros(4)
    weights = greedy_blend([np.full((4, 1), 1.0), np.full((4, 1), -1.0)], truth, MSE)
    assert weights == {0: 0.5, 1: 0.5}


def test_a_model_that_does_not_help_is_left_out() -> None:
    truth = np.arange(4.0)
    assert greedy_blend([truth[:, None], np.full((4, 1), 9.0)], truth, MSE) == {0: 1.0}


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 1_000), n_models=st.integers(1, 9))
def test_it_is_as_good_as_the_best_and_has_at_most_four_members(seed: int, n_models: int) -> None:
    rng = np.random.default_rng(seed)
    truth = rng.normal(size=40)
    predictions = [(truth + rng.normal(size=40))[:, None] for _ in range(n_models)]
    weights = greedy_blend(predictions, truth, MSE)
    assert len(weights) <= MAX_MEMBERS
    assert sum(weights.values()) == pytest.approx(1.0)
    mean = blended([predictions[k] for k in weights], list(weights.values()))
    assert MSE.value_of(truth, mean) <= min(MSE.value_of(truth, p) for p in predictions) + 1e-12


def test_a_metric_where_more_is_better_is_raised() -> None:
    metric = table_metric(Prediction.CLASSES, "accuracy")
    right, wrong = np.eye(2)[[0, 1, 1]], np.eye(2)[[1, 0, 0]]
    assert greedy_blend([wrong, right], np.array([0, 1, 1]), metric) == {1: 1.0}


def test_a_temperature_takes_back_what_is_too_sure() -> None:
    rng = np.random.default_rng(2)
    logits = rng.normal(size=(4_000, 3))
    honest = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    classes = np.array([rng.choice(3, p=row) for row in honest])
    sure = with_temperature(honest, 1 / 2.5)
    found = temperature_of(sure, classes)
    assert found == pytest.approx(2.5, rel=0.1)
    calibrated = with_temperature(sure, found)
    assert log_loss(classes, calibrated).mean() < log_loss(classes, sure).mean()
    assert np.allclose(calibrated.sum(axis=1), 1.0)
    assert with_temperature(sure, 1.0) is sure
