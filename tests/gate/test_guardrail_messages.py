from dataclasses import replace

import numpy as np
import pytest

from reeltune.gate.comparisons import EVERYONE, MetricComparison
from reeltune.gate.guardrails import Rule, guardrails
from reeltune.stats.paired_tests import Comparison

NDCG = MetricComparison(
    split="user-time",
    metric="ndcg@10",
    segment=EVERYONE,
    deployed=0.1,
    candidate=0.09,
    compared=Comparison(400, -0.002, -0.0217, 0.0177, 0.84, 0.01),
)
COVERAGE = replace(NDCG, metric="coverage@10", candidate=0.085, compared=None)


def rule_of(contrast: MetricComparison, *, objective: str = "accuracy") -> Rule:
    (rule,) = guardrails([contrast], "user-time", objective)
    return rule


def test_a_figure_of_all_users_together_is_held_against_its_margin() -> None:
    rule = rule_of(COVERAGE)
    assert (rule.name, rule.segment) == ("Coverage@10 (user-time)", EVERYONE)
    assert (rule.verdict, rule.binding, rule.passed) == ("passed", True, True)
    assert (rule.figure, rule.threshold) == pytest.approx((-0.015, -0.05))
    assert rule.figures == "Coverage@10 -0.0150, may lose 0.0500 (50% of the deployed value)"
    assert rule_of(replace(COVERAGE, candidate=0.049)).verdict == "refused"
    just = replace(COVERAGE, deployed=0.5, candidate=0.25)  # all of the margin, to the bit
    assert (just.difference, rule_of(just).threshold) == (-0.25, -0.25)
    assert rule_of(just).verdict == "passed"


def test_a_figure_by_user_has_its_interval_and_what_would_tell() -> None:
    rule = rule_of(NDCG)
    assert (rule.name, rule.verdict, rule.passed) == ("NDCG@10 (user-time)", "cannot tell", False)
    assert (rule.figure, rule.threshold) == pytest.approx((-0.002, -0.01))
    assert rule.figures == (
        "NDCG@10 -0.0020 (95 % interval -0.0217 to +0.0177, 400 users), may lose 0.0100"
        " (10% of the deployed value): cannot tell whether it loses more,"
        " about 3,466 more users would decide"  # (2.4865 * 0.2 / 0.008)^2 + 1.6449^2 / 2 - 400
    )


def test_what_would_tell_is_left_out_where_no_number_of_users_would() -> None:
    at_the_margin = replace(NDCG, compared=Comparison(400, -0.01, -0.03, 0.01, 0.3, 0.01))
    assert rule_of(at_the_margin).figures.endswith(": cannot tell whether it loses more")
    one = replace(NDCG, compared=Comparison(1, -0.002, np.nan, np.nan, 1.0))
    assert rule_of(one).figures.endswith(": cannot tell whether it loses more")


def test_a_metric_that_keeps_its_margin_passes_and_says_no_more() -> None:
    kept = replace(NDCG, compared=Comparison(400, 0.001, -0.001, 0.003, 0.3, 0.001))
    assert rule_of(kept).verdict == "passed"
    assert rule_of(kept).figures.endswith("may lose 0.0100 (10% of the deployed value)")


def test_a_segment_is_named_and_needs_no_proof() -> None:
    rule = rule_of(replace(NDCG, segment="new users"))
    assert (rule.name, rule.segment) == ("NDCG@10, new users (user-time)", "new users")
    assert rule.verdict == "passed"
    assert rule.figures.startswith("NDCG@10 for new users -0.0020 (95 % interval -0.0217")
    assert "may lose 0.0050 (5% of the deployed value)" in rule.figures


def test_only_guarded_metrics_other_than_the_objective_have_rules() -> None:
    assert guardrails([NDCG], "user-time", "ndcg@10") == []
    assert guardrails([replace(NDCG, metric="mrr")], "user-time", "accuracy") == []
    other = replace(NDCG, split="calendar")
    assert guardrails([other], "user-time", "accuracy") == []
    assert rule_of(other, objective="ndcg@10").name == "NDCG@10 (calendar)"
    assert guardrails([replace(other, segment="new users")], "user-time", "ndcg@10") == []
