"""Least value: accuracy by the threshold, lists by those of the most popular movies."""

from dataclasses import replace

import numpy as np
import pytest

from reeltune.domain.arrays import Floats
from reeltune.gate.gate import gate
from reeltune.gate.least_value import asked_metric, finds_liked
from reeltune.metrics.ranking_metrics import METRICS
from reeltune.stats.paired_tests import Comparison, paired_difference
from tests.gate.test_gate import TERMS, comparison, gains


def over_popularity(gain: float, spread: float = 0.1) -> Comparison:
    values: Floats = gains(gain, spread=spread)
    return paired_difference(values, np.zeros(len(values)))


def test_lists_that_are_shown_to_be_worse_than_popularitys_are_refused() -> None:
    rule = finds_liked("ndcg@10", 0.03, over_popularity(-0.03), "test")
    assert rule.verdict == "refused"
    assert rule.threshold == pytest.approx(0.06)
    assert "lists of the most popular movies have 0.0600" in rule.figures


def test_lists_that_are_not_shown_to_be_worse_pass() -> None:
    assert finds_liked("ndcg@10", 0.06, over_popularity(-0.001), "test").passed
    assert finds_liked("ndcg@10", 0.09, over_popularity(0.03), "test").passed


@pytest.mark.parametrize("value", [0.0, float("nan")])
def test_lists_without_a_liked_movie_never_pass(value: float) -> None:
    assert not finds_liked("ndcg@10", value, over_popularity(0.01), "test").passed
    assert not finds_liked("ndcg@10", value, None, "test").passed


def test_the_threshold_of_accuracy_asks_nothing_of_lists() -> None:
    terms = replace(TERMS, objective="ndcg@10", accuracy_threshold=0.99)
    lists = comparison(gains(0.02), metric="ndcg@10", deployed=0.05)
    found = gate(terms, 0.07, [lists], gains(0.02), popular=over_popularity(0.01))
    assert found.verdict == "promote"
    assert found.rules[0].name == "ndcg@10"
    poor = gate(terms, 0.07, [lists], gains(0.02), popular=over_popularity(-0.03))
    assert poor.verdict == "refused"


def test_what_does_not_count_liked_movies_is_asked_for_accuracy() -> None:
    by_accuracy = {name for name in METRICS if asked_metric(name, has_dislikes=True) == "accuracy"}
    assert by_accuracy == {"accuracy", "balanced", "coverage@10", "novelty", "diversity"}
    assert asked_metric("diversity", has_dislikes=False) == "diversity"
