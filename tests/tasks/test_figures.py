from typing import Any

import numpy as np
import pytest

from reeltune.domain.errors import InputError
from reeltune.tasks.figures import checked_figures, mean_value, per_unit


def test_a_number_is_the_only_metric() -> None:
    for given in (0.5, np.float32(0.5), np.array(0.5)):
        assert checked_figures(given, ["loss"]) == {"loss": 0.5}
    assert checked_figures(2, ["loss"]) == {"loss": 2.0}


def test_numbers_per_unit_average_to_the_value_without_those_that_have_none() -> None:
    figures = checked_figures({"loss": [1.0, None, 3.0], "cost": 4}, ["loss", "cost"])
    assert {name: mean_value(each) for name, each in figures.items()} == {"loss": 2.0, "cost": 4.0}
    ((name, values),) = per_unit(figures)
    assert name == "loss"
    assert np.array_equal(values, [1.0, np.nan, 3.0], equal_nan=True)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (None, "loss must be a finite number, or one per unit, got None"),
        (float("nan"), "got nan"),
        (float("-inf"), "got -inf"),
        (1e101, "got 1e+101"),
        (10**400, "loss must be a finite number"),
        ("0.5", "got '0.5'"),
        (1j, "got 1j"),
        (object, "loss must be a finite number"),
        ([], "loss has no unit with a value"),
        ([None, None], "loss has no unit with a value"),
        ([0.1, float("nan")], "loss of unit 1 must be finite or None, got nan"),
        (np.array([0.1, np.inf]), "loss of unit 1 must be finite or None, got inf"),
        ([[0.1], [0.2]], "loss must be a finite number, or one per unit"),
        ([0.1, "x"], "loss must be a finite number, or one per unit"),
        ({}, "loss is missing"),
        ({"Loss": 1.0}, "loss is missing; unknown metric 'Loss'"),
        (["x" * 999], "…"),
    ],
)
def test_what_cannot_be_a_metric_is_refused_with_its_value(given: Any, said: str) -> None:
    with pytest.raises(InputError) as refused:
        checked_figures(given, ["loss"])
    assert said in str(refused.value)
    assert len(str(refused.value)) < 200


def test_several_metrics_need_names() -> None:
    with pytest.raises(InputError, match=r"must return a dict with loss, cost, got float"):
        checked_figures(0.5, ["loss", "cost"])
