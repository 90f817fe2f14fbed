"""Constraints: figures on the validation set, held against the deployed configuration's."""

from collections.abc import Mapping

import numpy as np
import pytest

from reeltune.domain.arrays import Floats
from reeltune.domain.guardrail_figure import GuardrailFigure
from reeltune.gate.constraints import constraints, guardrail_figures, hold
from reeltune.gate.guardrails import METRIC_GUARDRAILS
from tests.tuning.mirrored import guard_negative_alone, register_negative

COVERAGE = METRIC_GUARDRAILS["coverage@10"].margin
NDCG = METRIC_GUARDRAILS["ndcg@10"].margin
METRICS = {"accuracy": 0.6, "ndcg@10": 0.1, "coverage@10": 0.2}
NOBODY: Mapping[str, Floats] = {}


def figures(objective: str = "accuracy", **now: float | None) -> dict[str, GuardrailFigure]:
    """Of a candidate with other metrics than the deployed configuration."""
    named = {name.replace("_at_", "@"): value for name, value in now.items()}
    return guardrail_figures(objective, METRICS | named, METRICS, NOBODY, NOBODY)


def test_the_deployed_configuration_keeps_within_each_guardrail_by_its_margin() -> None:
    assert {name: f.constraint for name, f in figures().items()} == pytest.approx(
        {"ndcg@10": -NDCG, "coverage@10": -COVERAGE}
    )


def test_within_its_margin_a_metric_may_be_lower_and_not_beyond() -> None:
    at_bound = figures(ndcg_at_10=0.1 * (1 - NDCG) + 1e-9)["ndcg@10"]
    assert at_bound.is_kept
    assert at_bound.bound == pytest.approx(0.1 * (1 - NDCG))
    assert not figures(ndcg_at_10=0.1 * (1 - NDCG) - 1e-9)["ndcg@10"].is_kept
    lost = figures(coverage_at_10=0.05)["coverage@10"]
    assert lost.constraint == pytest.approx(0.75 - COVERAGE)


def test_the_objective_is_not_its_own_guardrail() -> None:
    assert "ndcg@10" not in figures("ndcg@10", ndcg_at_10=0.0)
    assert not figures("ndcg@10", accuracy=0.5)["accuracy"].is_kept


def test_a_margin_of_the_owner_moves_the_bound_and_goes_with_the_baseline() -> None:
    name = "coverage@10"
    metrics = METRICS | {name: 0.15}
    given = guardrail_figures("accuracy", metrics, METRICS, NOBODY, NOBODY, {name: 0.2})
    assert given[name].bound == pytest.approx(0.16)
    assert not given[name].is_kept
    assert given["ndcg@10"] == figures()["ndcg@10"]
    baseline = guardrail_figures("accuracy", METRICS, METRICS, NOBODY, NOBODY, {name: 0.2})
    elsewhere = figures(coverage_at_10=0.15)  # of a run with the margin by default
    assert sorted(constraints(elsewhere, baseline)) == pytest.approx([-NDCG, 0.05])
    assert min(constraints(given, figures())) == pytest.approx(0.25 - COVERAGE)


def test_a_metric_that_says_nothing_is_no_guardrail() -> None:
    assert "accuracy" not in figures("ndcg@10", accuracy=None)


def test_what_is_to_be_small_is_guarded_against_a_rise(monkeypatch: pytest.MonkeyPatch) -> None:
    name = register_negative(monkeypatch, "coverage@10")
    guard_negative_alone(monkeypatch, "coverage@10")
    assert hold(name, -0.25, -0.2, None).constraint < -COVERAGE
    risen = hold(name, -0.05, -0.2, None)
    assert risen.constraint == pytest.approx(0.75 - COVERAGE)
    assert risen.bound == pytest.approx(-0.2 * (1 - COVERAGE))


def test_in_a_segment_only_a_loss_that_is_shown_counts() -> None:
    deployed = np.full(100, 0.6)
    noise = np.random.default_rng(0).standard_normal(100)
    noise -= noise.mean()
    name = "accuracy, new users"

    def of(values: Floats) -> GuardrailFigure:
        return guardrail_figures("accuracy", {}, {}, {name: values}, {name: deployed})[name]

    assert not of(deployed - 0.06).is_kept  # 10 %, without noise
    assert not of(deployed - 0.06 + 0.05 * noise).is_kept
    assert of(deployed - 0.06 + 0.5 * noise).is_kept
    assert of(deployed - 0.06 + 0.5 * noise).figure == pytest.approx(0.54)


def test_a_segment_of_few_users_or_of_others_says_nothing() -> None:
    few = np.where(np.arange(100) < 19, 0.1, np.nan)
    name = "accuracy, new users"
    assert guardrail_figures("accuracy", {}, {}, {name: few}, {name: few + 0.5}) == {}
    assert guardrail_figures("accuracy", {}, {}, {name: np.ones(50)}, {name: np.ones(60)}) == {}


def test_a_result_of_another_run_is_held_against_this_runs_baseline() -> None:
    earlier = figures(coverage_at_10=0.12)
    assert earlier["coverage@10"].is_kept
    now = guardrail_figures(
        "accuracy", METRICS | {"coverage@10": 0.4}, METRICS | {"coverage@10": 0.4}, NOBODY, NOBODY
    )
    assert constraints(earlier, now) == pytest.approx((-NDCG, 0.7 - COVERAGE))


def test_constraints_are_known_of_all_guardrails_or_of_none() -> None:
    assert constraints({}, figures()) == ()
    assert constraints(figures(), {}) == ()
    without = {name: f for name, f in figures().items() if name != "coverage@10"}
    assert constraints(without, figures()) == ()
    assert constraints(figures(), without) == pytest.approx((-NDCG,))


def test_where_nothing_is_to_be_lost_nothing_may_be() -> None:
    assert hold("coverage@10", 0.0, 0.0, None).is_kept
    assert hold("coverage@10", 0.1, 0.0, None).constraint == pytest.approx(-0.1)
