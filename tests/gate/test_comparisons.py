from dataclasses import replace

import numpy as np
import pytest

from reeltune.domain.arrays import Floats
from reeltune.domain.evaluation import Evaluation
from reeltune.gate.comparisons import EVERYONE, SegmentedEvaluation, compare_models
from reeltune.metrics.evaluate import mean
from reeltune.metrics.ranking_metrics import METRICS

N = 40


def measured(accuracy: Floats, by_movies: dict[str, Floats] | None = None) -> SegmentedEvaluation:
    """A model with this accuracy per user; its other metrics are all 0.5."""
    half = np.full(len(accuracy), 0.5)
    per_unit = {name: half for name, metric in METRICS.items() if metric.per_unit}
    per_unit["accuracy"] = accuracy
    values = {name: mean(per_unit.get(name, half)) for name in METRICS}
    first = np.arange(len(accuracy)) < N // 2
    return SegmentedEvaluation(
        evaluation=Evaluation(values, per_unit, len(accuracy)),
        by_users={"new users": first, "heavy users": ~first},
        by_movies=by_movies or {},
    )


def test_each_figure_is_the_candidates_less_the_deployed_ones() -> None:
    gain = np.where(np.arange(N) < N // 2, 0.1, 0.3)  # new users gain less
    genre = {"genre War": np.full(N, 0.6)}
    other = {"genre War": np.full(N, 0.5)}
    found = compare_models(
        "user-time",
        measured(np.full(N, 0.5), other),
        measured(0.5 + gain, genre),
        "accuracy",
    )
    said = {(c.metric, c.segment): c for c in found}
    assert {c.split for c in found} == {"user-time"}
    assert np.isclose(said["accuracy", EVERYONE].difference, 0.2)
    assert np.isclose(said["accuracy", EVERYONE].candidate, 0.7)
    assert np.isclose(said["accuracy", "new users"].difference, 0.1)
    assert np.isclose(said["accuracy", "heavy users"].difference, 0.3)
    assert np.isclose(said["accuracy", "heavy users"].deployed, 0.5)
    assert np.isclose(said["accuracy", "genre War"].difference, 0.1)
    assert said["ndcg@10", EVERYONE].difference == 0


def test_a_metric_of_all_users_together_has_a_difference_without_interval() -> None:
    a, b = measured(np.full(N, 0.5)), measured(np.full(N, 0.5))
    b.evaluation.values["coverage@10"] = 0.75
    (line,) = (c for c in compare_models("calendar", a, b, "accuracy") if c.metric == "coverage@10")
    assert line.compared is None
    assert line.difference == 0.25


def test_the_objective_is_what_segments_of_users_are_about() -> None:
    same = measured(np.full(N, 0.5))
    found = compare_models("user-time", same, same, "ndcg@10")
    assert {c.metric for c in found if c.segment.endswith("users") and c.segment != EVERYONE} == {
        "ndcg@10"
    }


def test_segments_of_few_users_and_those_of_one_side_only_are_left_out() -> None:
    few = np.where(np.arange(N) < 19, 0.5, np.nan)
    both = {"genre War": few, "genre Drama": np.full(N, 0.5)}
    found = compare_models(
        "user-time",
        measured(np.full(N, 0.5), {"genre War": few}),
        measured(np.full(N, 0.5), both),
        "accuracy",
    )
    assert {c.segment for c in found} == {EVERYONE, "new users", "heavy users"}


def test_users_who_have_a_value_with_one_side_only_are_left_out() -> None:
    some = np.where(np.arange(N) < 10, np.nan, 0.5)
    found = compare_models("user-time", measured(some), measured(np.full(N, 0.6)), "accuracy")
    compared = found[0].compared
    assert compared is not None
    assert compared.n_users == 30


def test_where_less_is_better_a_fall_is_a_gain_with_users_and_without() -> None:
    for metric, per_unit in (("novelty", True), ("coverage@10", False)):
        with pytest.MonkeyPatch.context() as patch:
            patch.setitem(METRICS, metric, replace(METRICS[metric], higher_is_better=False))
            lower = measured(np.full(N, 0.5))
            lower.evaluation.values[metric] = 0.25
            if per_unit:
                lower.evaluation.per_unit[metric] = np.full(N, 0.25)
            found = compare_models("user-time", measured(np.full(N, 0.5)), lower, "accuracy")
            (line,) = (c for c in found if (c.metric, c.segment) == (metric, EVERYONE))
            assert (line.deployed, line.candidate, line.difference) == (0.5, 0.25, 0.25)
