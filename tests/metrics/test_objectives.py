"""Objectives and their directions."""

import pytest

from reeltune.domain.direction import Direction
from reeltune.domain.objectives import SECONDS
from reeltune.metrics.objectives import all_objectives, deciding_objectives, direction_of
from reeltune.metrics.ranking_metrics import METRICS


@pytest.mark.parametrize("name", METRICS)
def test_a_metric_has_its_own_direction(name: str) -> None:
    assert direction_of(name) is METRICS[name].direction


def test_seconds_are_to_be_few_and_decide_nothing() -> None:
    assert direction_of(SECONDS) is Direction.MINIMIZE
    assert set(all_objectives()) - set(METRICS) == {SECONDS}
    assert SECONDS not in deciding_objectives()
    assert set(deciding_objectives()) == {n for n, metric in METRICS.items() if metric.per_unit}
