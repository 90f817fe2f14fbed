from dataclasses import replace

import numpy as np
import pytest

from reeltune.domain.arrays import Floats
from reeltune.gate.comparisons import EVERYONE, MetricComparison, p_above, p_below
from reeltune.gate.gate import Decision, GateDecision, GateSettings, gate
from reeltune.gate.guardrails import Rule, guardrails
from reeltune.stats.paired_tests import (
    QUICK_EFFORT,
    Comparison,
    p_better,
    paired_difference,
)

TERMS = GateSettings(
    decision="nightly", objective="accuracy", split="user-time", accuracy_threshold=0.65, level=0.05
)


def gains(mean: float, n: int = 400, spread: float = 0.1) -> Floats:
    """`n` differences with exactly this mean and spread."""
    noise = np.random.default_rng(n).standard_normal(n)
    return np.asarray(mean + spread * (noise - noise.mean()) / noise.std(ddof=1))


def comparison(
    differences: Floats | float,
    *,
    metric: str = "accuracy",
    split: str = "user-time",
    segment: str = EVERYONE,
    deployed: float = 0.7,
) -> MetricComparison:
    if isinstance(differences, float):
        return MetricComparison(
            split=split,
            metric=metric,
            segment=segment,
            deployed=deployed,
            candidate=deployed + differences,
            compared=None,
        )
    compared = paired_difference(differences, np.zeros(len(differences)), effort=QUICK_EFFORT)
    return MetricComparison(
        split=split,
        metric=metric,
        segment=segment,
        deployed=deployed,
        candidate=deployed + compared.difference,
        compared=compared,
    )


def decided(
    gain: float,
    *others: MetricComparison,
    decision: Decision = "nightly",
    level: float = 0.05,
    accuracy: float = 0.7,
    n: int = 400,
) -> GateDecision:
    terms = replace(TERMS, decision=decision, level=level)
    return gate(terms, accuracy, [comparison(gains(gain, n)), *others], gains(gain, n))


def test_a_gain_beyond_noise_is_promoted() -> None:
    assert decided(0.03).verdict == "promote"


def test_a_gain_within_noise_cannot_be_told_and_says_how_many_more_users_would_tell() -> None:
    found = decided(0.006)
    assert found.verdict == "cannot tell"
    assert "cannot tell, about 2,0" in found.message
    assert "more users would detect a gain of this size" in found.message


def test_a_loss_within_noise_says_what_gain_these_users_would_tell() -> None:
    found = decided(-0.002)
    assert found.verdict == "cannot tell"
    assert "these 400 users would detect a gain of 0.01" in found.message


def test_a_loss_beyond_noise_is_refused() -> None:
    found = decided(-0.02)
    assert found.verdict == "refused"
    assert "accuracy -0.0200 against the deployed configuration" in found.message


def test_the_level_of_the_night_decides() -> None:
    assert decided(0.014).verdict == "promote"
    assert decided(0.014, level=0.0011).verdict == "cannot tell"


def test_a_gain_is_held_against_the_minimum_effect() -> None:
    terms = replace(TERMS, minimum_effect=0.02)
    small = gains(0.015, 4_000)
    assert gate(terms, 0.7, [comparison(small)], small).verdict == "cannot tell"
    assert gate(TERMS, 0.7, [comparison(small)], small).verdict == "promote"


@pytest.mark.parametrize("accuracy", [0.6499, float("nan")])
@pytest.mark.parametrize("decision", ["first", "nightly", "by hand"])
def test_below_the_threshold_nothing_is_promoted(accuracy: float, decision: Decision) -> None:
    found = decided(0.03, accuracy=accuracy, decision=decision)
    assert found.verdict == "refused"
    assert "at least 0.6500 is needed" in found.message


def test_a_renewal_needs_no_threshold_but_a_figure() -> None:
    terms = replace(TERMS, decision="routine")
    found = gate(terms, 0.6499, [], None)
    assert found.verdict == "promote"
    assert "the least of 0.6500 is asked of changes only" in found.message
    assert gate(terms, float("nan"), [], None).verdict == "refused"


def test_the_same_hyperparameters_are_not_worse_by_identity() -> None:
    found = gate(replace(TERMS, decision="routine"), 0.7, [], None)
    assert found.verdict == "promote"
    assert found.p_value is None


@pytest.mark.parametrize("decision", ["first", "by hand"])
def test_a_person_is_refused_only_what_is_worse_beyond_noise(decision: Decision) -> None:
    bad_ndcg = comparison(gains(-0.05), metric="ndcg@10", deployed=0.1)
    assert decided(-0.002, bad_ndcg, decision=decision).verdict == "promote"
    assert decided(-0.02, decision=decision).verdict == "refused"


def test_a_person_is_shown_what_the_night_would_have_decided_by() -> None:
    found = decided(
        0.006, comparison(gains(-0.05), metric="ndcg@10", deployed=0.1), decision="by hand"
    )
    shown = {rule.name: (rule.verdict, rule.binding) for rule in found.rules}
    assert shown["better than deployed"] == ("cannot tell", False)
    assert shown["NDCG@10 (user-time)"] == ("refused", False)


def test_one_user_or_none_cannot_tell() -> None:
    assert decided(0.5, n=2).verdict == "cannot tell"
    one = np.array([0.5])
    assert gate(TERMS, 0.7, [comparison(one)], one).verdict == "cannot tell"
    none = np.empty(0)
    assert gate(TERMS, 0.7, [comparison(none)], none).verdict == "refused"


def test_a_gain_is_not_bought_with_another_metric() -> None:
    hurt = comparison(gains(-0.02), metric="ndcg@10", deployed=0.1)
    assert decided(0.03, hurt).verdict == "refused"
    unsure = comparison(gains(-0.002, spread=0.2), metric="ndcg@10", deployed=0.1)
    assert decided(0.03, unsure).verdict == "cannot tell"
    assert "cannot tell whether it loses more, about 3,4" in decided(0.03, unsure).message
    kept = comparison(gains(0.0, spread=0.05), metric="ndcg@10", deployed=0.1)
    assert decided(0.03, kept).verdict == "promote"


def test_coverage_may_fall_by_half_and_no_further() -> None:
    assert (
        decided(0.03, comparison(-0.045, metric="coverage@10", deployed=0.1)).verdict == "promote"
    )
    assert (
        decided(0.03, comparison(-0.055, metric="coverage@10", deployed=0.1)).verdict == "refused"
    )


def test_a_ranking_that_turns_round_under_the_other_split_is_refused() -> None:
    assert decided(0.03, comparison(gains(-0.04), split="calendar")).verdict == "refused"
    assert decided(0.03, comparison(gains(-0.01, 40), split="calendar")).verdict == "promote"


def test_a_segment_that_is_hurt_is_refused_and_one_that_cannot_be_told_is_not() -> None:
    hurt = comparison(gains(-0.10), segment="new users")
    unsure = comparison(gains(-0.05, 30), segment="genre War")
    assert decided(0.03, unsure).verdict == "promote"
    assert decided(0.03, hurt, unsure).verdict == "refused"


def test_any_of_thirty_unhurt_segments_is_refused_at_most_as_often_as_stated() -> None:
    n_refused = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        parts = []
        for k in range(30):
            values = -0.035 + 0.1 * rng.standard_normal(50)  # at its margin: 5 % of 0.7
            error = float(values.std(ddof=1) / np.sqrt(50))
            found = Comparison(50, float(values.mean()), np.nan, np.nan, 1.0, error)
            parts.append(replace(comparison(0.0, segment=f"genre {k}"), compared=found))
        rules = guardrails(parts, "user-time", "accuracy")
        n_refused += any(rule.verdict == "refused" for rule in rules)
    assert n_refused <= 19  # of 200, 10 are expected


def test_bounds_are_those_of_the_t_test() -> None:
    found = paired_difference(gains(0.02), np.zeros(400), effort=QUICK_EFFORT)
    assert p_above(found, 0.02) == pytest.approx(0.5)
    assert p_above(found, 0.0) + p_below(found, 0.0) == pytest.approx(1)
    assert p_below(found, 0.04) < 0.001 < 0.999 < p_above(found, 0.04)
    same = paired_difference(np.zeros(5), np.zeros(5), effort=QUICK_EFFORT)
    assert (p_above(same, -0.01), p_below(same, -0.01)) == (0, 1)


def test_evidence_is_plain_and_complete() -> None:
    evidence = decided(0.03, comparison(-0.01, metric="coverage@10", deployed=0.1)).as_evidence()
    assert evidence["verdict"] == "promote"
    assert evidence["terms"]["level"] == 0.05
    assert [rule["name"] for rule in evidence["rules"]] == [
        "accuracy",
        "better than deployed",
        "Coverage@10 (user-time)",
    ]
    assert {"figure", "threshold", "verdict", "binding", "figures"} < set(evidence["rules"][0])


def test_each_rule_says_what_it_found_and_against_what() -> None:
    found, compared = decided(0.03), comparison(gains(0.03)).compared
    assert compared is not None
    accuracy, better = found.rules
    assert accuracy == Rule(
        name="accuracy",
        verdict="passed",
        figure=0.7,
        threshold=0.65,
        figures="test accuracy 0.7000, at least 0.6500 is needed",
    )
    against = f"(95 % interval {compared.low:+.4f} to {compared.high:+.4f}, 400 users)"
    assert (better.name, better.verdict, better.threshold) == (
        "better than deployed",
        "passed",
        TERMS.minimum_effect,
    )
    assert (better.figure, better.low, better.high) == (
        compared.difference,
        compared.low,
        compared.high,
    )
    assert (accuracy.asks, better.asks) == ("value", "proof")
    assert better.figures == (
        f"accuracy +0.0300 against the deployed configuration {against}, p = 0.0001 that the gain"
        " is at most 0.001, at most 0.05 may be spent"
    )
    assert found.p_value == found.as_evidence()["p_value"] == p_better(gains(0.03), minimum=0.001)
    assert decided(0.03, accuracy=0.65).verdict == "promote"  # the threshold itself will do


def test_what_a_person_decides_by_is_whether_it_is_worse() -> None:
    compared = comparison(gains(-0.002)).compared
    assert compared is not None
    _, rule, shown = decided(-0.002, decision="by hand").rules
    assert (rule.name, rule.verdict, rule.binding) == ("not worse than deployed", "passed", True)
    assert (rule.figure, rule.threshold, rule.asks) == (compared.difference, 0.0, "no harm")
    assert (rule.low, rule.high) == (compared.low, compared.high)
    assert rule.figures.startswith("accuracy -0.0020 against the deployed configuration (95 % int")
    assert shown.figures.startswith(rule.figures)
    assert (shown.binding, shown.threshold) == (False, TERMS.minimum_effect)


def test_the_deployed_hyperparameters_are_not_worse_whatever_the_figures() -> None:
    terms = replace(TERMS, decision="routine")
    found = gate(terms, 0.7, [], None)
    assert found.terms == terms
    assert found.rules[1] == Rule(
        name="not worse than deployed",
        verdict="passed",
        figure=0.0,
        threshold=0.0,
        figures="the hyperparameters are those of the deployed configuration",
        asks="nothing",
    )


@pytest.mark.parametrize(
    ("differences", "level", "told"),
    [
        (gains(0.5, 2), 0.05, ", though a gain of this size would be found four times in five"),
        (np.array([0.5]), 0.05, ", there are too few users with held-out ratings"),
        (np.append(np.ones(9), 20.0), 0.01, ", about "),
        (gains(-0.002), 0.001, "these 400 users would detect a gain of 0.0208"),  # 3.93 errors
        (gains(-0.002, 2), 0.05, "these 2 users would detect a gain of 0.2496"),  # 2.49 spreads
        (np.zeros(9), 0.05, "these 9 users would detect a gain of 0.0010"),  # the minimum alone
    ],
)
def test_what_would_tell_is_said(differences: Floats, level: float, told: str) -> None:
    terms = replace(TERMS, level=level)
    rule = gate(terms, 0.7, [comparison(differences)], differences).rules[1]
    assert rule.verdict == "cannot tell"
    assert rule.figures.startswith("accuracy ")
    assert told in rule.figures.split(": cannot tell")[1]


def test_another_objective_keeps_its_name_as_it_is_written() -> None:
    terms = replace(TERMS, objective="ndcg@10")
    found = gate(terms, 0.7, [comparison(gains(0.03), metric="ndcg@10")], gains(0.03))
    assert found.rules[1].figures.startswith("NDCG@10 +0.0300 against")


EVENTS = replace(TERMS, objective="ndcg@10", has_dislikes=False)


@pytest.mark.parametrize(("value", "verdict"), [(0.4, "passed"), (0.0, "refused")])
def test_of_events_no_more_is_asked_than_that_something_is_found(
    value: float, verdict: str
) -> None:
    found = gate(EVENTS, value, [comparison(gains(0.03), metric="ndcg@10")], gains(0.03))
    assert found.rules[0] == Rule(
        name="ndcg@10",
        verdict="passed" if value else "refused",
        figure=value,
        threshold=0.0,
        figures=f"test NDCG@10 {value:.4f}, more than 0 is needed",
    )
    assert found.rules[0].verdict == verdict
    assert found.verdict == ("promote" if value else "refused")


@pytest.mark.parametrize(
    ("decision", "verdict"), [("nightly", "cannot tell"), ("by hand", "promote")]
)
def test_an_interval_that_ends_at_0_is_not_below_it(decision: Decision, verdict: str) -> None:
    ends = Comparison(9, -0.01, -0.02, 0.0, 0.5, 0.005)
    found = replace(comparison(0.0), compared=ends)
    terms = replace(TERMS, decision=decision)
    assert gate(terms, 0.7, [found], np.full(9, -0.01)).verdict == verdict


def test_a_p_value_at_the_level_passes() -> None:
    level = p_better(gains(0.01), minimum=TERMS.minimum_effect)
    assert decided(0.01, level=level).verdict == "promote"
    assert decided(0.01, level=level * (1 - 1e-9)).verdict == "cannot tell"
