import json
from typing import Any

import pytest

from reeltune.domain.limits import Limit, Limits
from reeltune.domain.strict_json import read_object
from reeltune.search.grid import Grid
from reeltune.tuning.plan import ASYNCHRONOUS_DELAY, Plan
from reeltune.tuning.stopping import StopRules
from tests.tuning.experiments import run_of

FULL = Plan(
    method="grid",
    n_configs=9,
    name="all of it",
    stop=StopRules(
        timeout_seconds=60.0, target=0.8, patience=4, min_experiments=5, until_converged=True
    ),
    limits=Limits(limits=(Limit(name="genre_weight", choices=(0.1, 0.2)),), others_fixed=True),
    grid=Grid(radius=0.2, levels=3, progressive=True),
    starts_warm=False,
    pruner="halving",
    timeout_seconds=5.0,
    memory_bytes=2**30,
    panel=500,
    asynchronous_delay=2,
)


def stored(plan: Plan) -> Plan:
    """The plan as it comes back from a run's row: its settings are JSON there."""
    settings = read_object(json.dumps(plan.settings()), "settings")
    return Plan.of(run_of(method=plan.method, n_configs=plan.n_configs, settings=settings))


@pytest.mark.parametrize("plan", [Plan(), FULL])
def test_a_plan_comes_back_from_its_run_as_it_was(plan: Plan) -> None:
    assert stored(plan) == plan


def test_what_a_run_keeps_in_columns_is_not_in_its_settings() -> None:
    assert {"method", "n_configs"}.isdisjoint(FULL.settings())
    assert FULL.settings()["pruner"] == "halving"


def test_what_an_older_program_did_not_store_has_its_default() -> None:
    plan = Plan.of(run_of(method="tpe", n_configs=3, settings={"panel": 200}))
    assert plan == Plan(method="tpe", n_configs=3, panel=200)
    assert plan.asynchronous_delay == ASYNCHRONOUS_DELAY


@pytest.mark.parametrize(
    ("settings", "pruner"),
    [
        ({"prunes": True}, "paired"),
        ({"prunes": False}, None),
        ({"pruner": None, "prunes": True}, None),
        ({"pruner": "halving"}, "halving"),
    ],
)
def test_a_run_of_before_there_were_two_pruners_prunes_as_it_did(
    settings: dict[str, Any], pruner: str | None
) -> None:
    assert Plan.of(run_of(settings=settings)).pruner == pruner


def test_settings_of_a_newer_program_are_passed_over() -> None:
    assert Plan.of(run_of(settings={"colour": "blue"})) == Plan(method="random", n_configs=5)


def test_a_plain_plan_has_nothing_to_tell() -> None:
    assert Plan().differences() == []


def test_all_that_differs_is_told_in_order() -> None:
    assert FULL.differences() == [
        "sweep all of it",
        "time limit 60.0 s",
        "target 0.8",
        "patience 4",
        "until converged",
        "at least 5 experiments",
        "progressive grid",
        "grid radius 0.2",
        "3 grid levels",
        "pruner halving",
        "cold start",
        "limits on genre_weight",
        "others fixed",
        "a panel of 500 users",
        "time limit per experiment 5.0 s",
    ]


def test_a_target_of_0_is_told() -> None:
    assert Plan(stop=StopRules(target=0.0)).differences() == ["target 0.0"]
