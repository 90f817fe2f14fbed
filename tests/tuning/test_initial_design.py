import shutil
from pathlib import Path
from typing import Any

import pytest

from reeltune.components.hyperparameters import SPACE
from reeltune.db.connection import connection
from reeltune.db.dataset import load_dataset
from reeltune.db.experiments import load_experiments
from reeltune.db.tuning_runs import load_runs
from reeltune.db.warm_starts import (
    load_warm_start_sources,
    load_warm_starts,
    save_warm_start_source,
)
from reeltune.domain.errors import InterruptedRunError
from reeltune.domain.experiment import Experiment
from reeltune.domain.limits import Limit, Limits
from reeltune.domain.study import StudyConfig
from reeltune.domain.warm_start import Gain, WarmStartSource
from reeltune.ratings.meta_features import compute_meta_features
from reeltune.tuning.plan import Plan
from reeltune.tuning.ratings import TuningOrchestrator
from tests.tuning.runs import Interrupting, found, resumed, tuned

GOOD = {**SPACE.defaults(), "genre_weight": 0.1, "rating_weight": 0.6}


@pytest.fixture
def tomorrow(world: Path) -> Path:
    """A world in which a run was finished before the last ratings came."""
    tuned(world, Plan(method="random", n_configs=12))
    with connection(world) as conn:
        conn.execute("DELETE FROM ratings WHERE user_id = 1")
    return world


def phases(path: Path, run_id: str) -> list[str]:
    with connection(path) as conn:
        return [e.exploration_phase for e in load_experiments(conn, run_id)]


def test_a_run_begins_with_the_best_of_a_run_on_similar_data(tomorrow: Path) -> None:
    result = tuned(tomorrow, Plan(method="random", n_configs=8))
    with connection(tomorrow) as conn:
        first, second = load_warm_start_sources(conn)
        starts = load_warm_starts(conn, result.tuning_run_id)
        by_id = {e.experiment_id: e for e in load_experiments(conn, result.tuning_run_id)}
    assert [by_id[start.experiment_id].number for start in starts] == [1, 2]
    assert by_id[starts[0].experiment_id].hyperparameters == first.best[0].hyperparameters
    assert all(start.pattern_id == first.pattern_id for start in starts)
    assert all(start.similarity > 0.9 for start in starts)
    for start in starts:
        gain = by_id[start.experiment_id].improvement_from_baseline
        assert start.helped == (gain is not None and gain > 0)
    assert (first.n_used, first.n_helped) == (2, sum(bool(s.helped) for s in starts))
    assert second.tuning_run_id == result.tuning_run_id
    assert phases(tomorrow, result.tuning_run_id)[:4] == [
        "baseline",
        "initial",
        "initial",
        "explore",
    ]


def test_a_cold_start_has_none(tomorrow: Path) -> None:
    result = tuned(tomorrow, Plan(method="random", n_configs=8, starts_warm=False))
    assert "initial" not in phases(tomorrow, result.tuning_run_id)


def test_on_the_same_data_results_are_remembered_and_not_tried_again(world: Path) -> None:
    tuned(world, Plan(method="random", n_configs=12))
    result = tuned(world, Plan(method="random", n_configs=8), seed=8)
    assert "initial" not in phases(world, result.tuning_run_id)


@pytest.mark.parametrize("after", [1, 2, 3])
def test_warm_starts_are_the_same_in_a_resumed_run(
    tomorrow: Path, tmp_path: Path, after: int
) -> None:
    other = Path(shutil.copy(tomorrow, tmp_path / "other.db"))
    plan = Plan(method="random", n_configs=8)
    expected = tuned(other, plan)
    with connection(tomorrow) as conn:
        orchestrator = TuningOrchestrator(
            conn, load_dataset(conn), StudyConfig(seed=7), watch=Interrupting(after)
        )
        with pytest.raises(InterruptedRunError):
            orchestrator.run(plan)
        run_id = load_runs(conn)[-1].tuning_run_id
    resumed(tomorrow, run_id)
    assert found(tomorrow, run_id) == found(other, expected.tuning_run_id)


def with_source(path: Path, **facts: Any) -> str:
    """A source of another program's run: its id."""
    run_id = tuned(path, Plan(method="random", n_configs=1, starts_warm=False)).tuning_run_id
    with connection(path) as conn:
        conn.execute("DELETE FROM hp_patterns")
        source = WarmStartSource(
            **{
                "tuning_run_id": run_id,
                "created_at": "2026-11-20T21:00:00Z",
                "model": "hand-weighted",
                "objective": "accuracy",
                "split": "user-time",
                "space_fingerprint": "of another space",
                "profile": compute_meta_features(load_dataset(conn)),
                "best": (Gain(gain=0.1, hyperparameters=GOOD),),
                **facts,
            }
        )
        save_warm_start_source(conn, source)
    return run_id


def first_of(path: Path, plan: Plan) -> Experiment:
    result = tuned(path, plan)
    with connection(path) as conn:
        return load_experiments(conn, result.tuning_run_id)[1]


def test_what_spaces_share_carries_over(world: Path) -> None:
    gone = {
        "genre_weight": 0.2,
        "rating_weight": 0.7,
        "taste_half_life": 3.0,
        "cast_lead_threshold": 99,
    }
    with_source(world, best=(Gain(gain=0.1, hyperparameters=gone),))
    first = first_of(world, Plan(method="random", n_configs=4))
    assert first.exploration_phase == "initial"
    assert SPACE.faults(first.hyperparameters) == []
    ratio = first.hyperparameters["rating_weight"] / first.hyperparameters["genre_weight"]
    assert ratio == pytest.approx(3.5, abs=1e-4)
    assert first.hyperparameters["cast_lead_threshold"] == 15


def test_a_source_of_unlike_data_or_another_model_starts_nothing(world: Path) -> None:
    unlike = dict.fromkeys(compute_meta_features(_data(world)), 99.0)
    for facts in ({"profile": unlike}, {"model": "a.b:C"}):
        with_source(world, **facts)
        assert first_of(world, Plan(method="random", n_configs=4)).exploration_phase == "explore"


def _data(path: Path) -> Any:
    with connection(path) as conn:
        return load_dataset(conn)


def test_a_source_that_does_not_help_is_trusted_no_more(world: Path) -> None:
    with_source(world)
    plan = Plan(method="random", n_configs=4)
    for _night in range(3):
        assert first_of(world, plan).exploration_phase == "initial"
        with connection(world) as conn:
            conn.execute("UPDATE hp_warmstarts SET helped = 0")
            conn.execute("DELETE FROM hp_patterns WHERE best = '[]'")
            conn.execute("UPDATE hp_patterns SET best = '[]' WHERE pattern_id > 1")
            conn.execute("DELETE FROM ratings WHERE user_id = (SELECT min(user_id) FROM ratings)")
    assert first_of(world, plan).exploration_phase == "explore"


def test_a_limited_run_begins_with_what_is_nearest_to_the_deployed(world: Path) -> None:
    limits = Limits(limits=(Limit(name="genre_weight", low=0.5, high=0.7),))
    result = tuned(world, Plan(method="random", n_configs=4, limits=limits))
    tried = [e[2] for e in found(world, result.tuning_run_id)]
    assert phases(world, result.tuning_run_id)[:3] == ["baseline", "initial", "explore"]
    assert tried[0]["genre_weight"] == 0.4
    assert tried[1]["genre_weight"] == 0.5
    assert all(0.5 <= values["genre_weight"] <= 0.7 for values in tried[1:])


def test_a_grid_of_choices_is_tried_whole_and_once(world: Path) -> None:
    limits = Limits(
        limits=(
            Limit(name="genre_weight", choices=(0.2, 0.4, 0.6)),
            Limit(name="cast_lead_threshold", choices=(3, 5)),
        ),
        others_fixed=True,
    )
    result = tuned(world, Plan(method="grid", n_configs=50, limits=limits))
    pairs = [
        (e[2]["genre_weight"], e[2]["cast_lead_threshold"])
        for e in found(world, result.tuning_run_id)
    ]
    assert pairs == [(0.4, 5), (0.2, 3), (0.2, 5), (0.4, 3), (0.6, 3), (0.6, 5)]
    assert result.stop_reason == "all 5 configurations tried"


@pytest.mark.parametrize("method", ["grid", "random", "bayesian"])
def test_every_method_stays_within_limits(world: Path, method: str) -> None:
    limits = Limits(
        limits=(
            Limit(name="genre_weight", low=0.3, high=0.5),
            Limit(name="cast_lead_threshold", choices=(3, 5)),
            Limit(name="genre_threshold_low", choices=(0.3,)),
        )
    )
    result = tuned(world, Plan(method=method, n_configs=11, limits=limits))
    for values in [e[2] for e in found(world, result.tuning_run_id)][1:]:
        assert 0.3 <= values["genre_weight"] <= 0.5
        assert values["cast_lead_threshold"] in (3, 5)
        assert values["genre_threshold_low"] == 0.3
