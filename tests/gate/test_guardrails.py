from typing import Any

import numpy as np
import pytest
from scipy import stats

from reeltune.gate import guardrails as module
from reeltune.gate.comparisons import EVERYONE, MetricComparison, p_above, p_below
from reeltune.gate.guardrails import GUARDRAIL_LEVEL, METRIC_GUARDRAILS, Rule, guardrails
from reeltune.stats.paired_tests import Comparison
from reeltune.stats.power import users_needed

N = 100
REACH = float(stats.t.ppf(1 - GUARDRAIL_LEVEL, N - 1))  # standard errors of a one-sided proof


def compared(difference: float, error: float = 0.01, n: int = N) -> Comparison:
    half = 1.96 * error
    return Comparison(n, difference, difference - half, difference + half, 0.5, error)


def contrast(
    difference: float | None = 0.0, error: float = 0.01, n: int = N, **values: Any
) -> MetricComparison:
    usual: dict[str, Any] = {
        "split": "user-time",
        "metric": "ndcg@10",
        "segment": EVERYONE,
        "deployed": 0.5,
        "candidate": 0.5,
        "compared": None if difference is None else compared(difference, error, n),
    }
    return MetricComparison(**usual | values)


def rule_of(found: MetricComparison, objective: str = "accuracy") -> Rule:
    (rule,) = guardrails([found], "user-time", objective)
    return rule


def test_margins_of_the_owner_take_the_place_of_those_by_default() -> None:
    parts = [
        contrast(-0.06),
        contrast(-0.06, metric="accuracy", split="calendar"),
        contrast(-0.06, metric="accuracy", segment="new users"),
    ]
    margins = {"ndcg@10": 0.2, "other-split": 0.3, "segments": 0.4}
    rules = guardrails(parts, "user-time", "accuracy", margins)
    assert [rule.threshold for rule in rules] == pytest.approx([-0.1, -0.15, -0.2])
    assert [rule.verdict for rule in rules] == ["passed"] * 3
    assert rules[0].because == "given by the owner; 10% by default"
    usual = guardrails(parts, "user-time", "accuracy")
    assert [rule.verdict for rule in usual] == ["cannot tell", "refused", "refused"]


@pytest.mark.parametrize(
    ("errors_above_margin", "verdict"),
    [
        (REACH + 0.1, "passed"),
        (REACH - 0.1, "cannot tell"),
        (-REACH + 0.1, "cannot tell"),
        (-REACH - 0.1, "refused"),
    ],
)
def test_a_metric_must_be_shown_to_lose_less_than_its_margin(
    errors_above_margin: float, verdict: str
) -> None:
    margin = -0.10 * 0.5
    rule = rule_of(contrast(margin + errors_above_margin * 0.01))
    assert rule.verdict == verdict
    assert rule.threshold == pytest.approx(margin)
    assert rule.passed == (verdict == "passed")


@pytest.mark.parametrize(
    ("where", "share"),
    [
        ({"split": "calendar", "metric": "accuracy"}, 0.02),
        ({"segment": "new users", "metric": "accuracy"}, 0.05),
    ],
)
def test_the_other_split_and_a_segment_must_not_be_shown_to_lose_more(
    where: dict[str, Any], share: float
) -> None:
    for errors, verdict in ((1.0, "passed"), (-REACH + 0.1, "passed"), (-REACH - 0.1, "refused")):
        rule = rule_of(contrast(-share * 0.5 + errors * 0.01, **where))
        assert rule.verdict == verdict
        assert rule.threshold == pytest.approx(-share * 0.5)


def test_a_metric_without_users_is_held_against_its_margin_as_it_is() -> None:
    coverage: dict[str, Any] = {"metric": "coverage@10", "difference": None, "deployed": 0.5}
    assert rule_of(contrast(**coverage, candidate=0.26)).verdict == "passed"
    assert rule_of(contrast(**coverage, candidate=0.24)).verdict == "refused"


def test_what_is_guarded_is_each_metric_but_the_objective_and_the_objective_elsewhere() -> None:
    everything = [
        contrast(metric=metric, split=split)
        for split in ("user-time", "calendar")
        for metric in (*METRIC_GUARDRAILS, "mrr", "novelty")
    ]
    names = [rule.name for rule in guardrails(everything, "user-time", "accuracy")]
    assert names == ["NDCG@10 (user-time)", "Coverage@10 (user-time)", "Accuracy (calendar)"]
    names = [rule.name for rule in guardrails(everything, "calendar", "ndcg@10")]
    assert names == ["Accuracy (calendar)", "Coverage@10 (calendar)", "NDCG@10 (user-time)"]


def test_segments_are_of_the_decided_split_and_named() -> None:
    parts = [
        contrast(segment="new users", metric="accuracy"),
        contrast(segment="new users", metric="accuracy", split="calendar"),
    ]
    (rule,) = guardrails(parts, "user-time", "accuracy")
    assert (rule.name, rule.segment) == ("Accuracy, new users (user-time)", "new users")
    assert rule.figures.startswith("Accuracy for new users +0.0000")
    assert guardrails([], "user-time", "accuracy") == []


def test_segments_are_judged_together_by_holms_procedure() -> None:
    """Two of three p-values: the least is held against a third of the level, the next a half."""

    def segment(name: str, p: float) -> MetricComparison:
        errors = float(stats.t.ppf(p, N - 1))
        return contrast(-0.025 + errors * 0.01, segment=name, metric="accuracy")

    def refused(*p_values: float) -> list[bool]:
        parts = [segment(str(k), p) for k, p in enumerate(p_values)]
        rules = guardrails(parts, "user-time", "accuracy")
        return [rule.verdict == "refused" for rule in rules]

    assert refused(0.04) == [True]
    assert refused(0.9, 0.04, 0.9) == [False, False, False]
    assert refused(0.9, 0.016, 0.9) == [False, True, False]
    assert refused(0.024, 0.016, 0.9) == [True, True, False]
    assert refused(0.026, 0.016, 0.9) == [False, True, False]


def test_the_deployed_value_may_be_below_0() -> None:
    rule = rule_of(contrast(-0.2, deployed=-0.5))
    assert rule.threshold == pytest.approx(-0.05)
    assert rule.verdict == "refused"


def test_figures_are_told_in_full_with_how_many_users_would_tell() -> None:
    told = rule_of(contrast(-0.04, error=0.02)).figures
    assert told.startswith(
        "NDCG@10 -0.0400 (95 % interval -0.0792 to -0.0008, 100 users), may lose 0.0500 (10% of"
        " the deployed value): cannot tell whether it loses more, about "
    )
    more = users_needed(0.01, 0.02 * N**0.5, level=GUARDRAIL_LEVEL) - N
    assert told.endswith(f", about {more:,} more users would decide")
    assert "cannot tell" not in rule_of(contrast(0.1)).figures


@pytest.mark.parametrize(("difference", "error"), [(-0.05, 0.02), (-0.05, 0.0), (np.nan, 0.02)])
def test_nothing_is_said_of_more_users_where_it_cannot_be_known(
    difference: float, error: float
) -> None:
    told = rule_of(contrast(difference, error, n=1 if np.isnan(difference) else N)).figures
    assert told.endswith("cannot tell whether it loses more")


def test_a_split_in_which_nobody_can_be_compared_asks_for_nothing() -> None:
    nobody = contrast(float("nan"), n=0, split="calendar", metric="accuracy")
    assert guardrails([nobody], "user-time", "accuracy") == []


def test_a_p_value_at_the_level_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    lost, kept = contrast(-0.07), contrast(-0.03)  # the margin is -0.05
    assert lost.compared is not None
    assert kept.compared is not None
    for found, verdict, p in (
        (lost, "refused", p_below(lost.compared, -0.05)),
        (kept, "passed", p_above(kept.compared, -0.05)),
    ):
        monkeypatch.setattr(module, "GUARDRAIL_LEVEL", p)
        assert rule_of(found).verdict == verdict
        monkeypatch.setattr(module, "GUARDRAIL_LEVEL", p * (1 - 1e-9))
        assert rule_of(found).verdict == "cannot tell"


def test_users_who_are_enough_already_are_not_asked_for() -> None:
    """Two or three users may be as many as it takes by the formula, and yet show nothing."""
    for n, more in ((2, 0), (2, 1), (3, 1)):
        errors = next(
            e
            for e in np.arange(1.0, 6.0, 0.01)
            if users_needed(e * 0.01, 0.01 * n**0.5, level=GUARDRAIL_LEVEL) - n == more
        )
        told = rule_of(contrast(-0.05 - errors * 0.01, n=n)).figures
        assert told.endswith(", about 1 more users would decide" if more else "it loses more")


def test_lists_that_are_the_same_for_everybody_are_refused_as_measured_under_both_splits() -> None:
    # Coverage of the defaults; of number of ratings, popularity, mean rating alone: real bundle.
    for deployed, same_for_all in (
        (0.0481, (0.0087, 0.0071, 0.0042)),
        (0.0115, (0.0049, 0.0043, 0.0025)),
    ):
        for coverage in same_for_all:
            lists: dict[str, Any] = {"metric": "coverage@10", "difference": None}
            assert rule_of(contrast(**lists, deployed=deployed, candidate=coverage)).verdict == (
                "refused"
            )
