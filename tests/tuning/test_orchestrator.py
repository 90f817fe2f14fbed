import shutil
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from reeltune.db.connection import connection
from reeltune.db.dataset import load_dataset
from reeltune.db.tuning_runs import load_run, load_runs
from reeltune.domain.errors import InterruptedRunError
from reeltune.domain.experiment import Measurement
from reeltune.domain.limits import Limit, Limits
from reeltune.domain.space import Configuration
from reeltune.domain.study import StudyConfig
from reeltune.search import STRATEGIES
from reeltune.search.grid import Grid
from reeltune.tuning.measuring import Measurer
from reeltune.tuning.plan import Plan
from reeltune.tuning.ratings import TuningOrchestrator
from reeltune.tuning.stopping import StopRules
from tests.search.problems import enrolled
from tests.tuning.runs import Interrupting, found, resumed, tuned


@pytest.fixture
def other(small_world: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(small_world, tmp_path / "other.db"))


def test_a_rule_ends_runs_of_any_number_of_jobs_at_the_same_place(world: Path, other: Path) -> None:
    plan = Plan(method="random", n_configs=40, stop=StopRules(patience=4))
    one, two = tuned(world, plan), tuned(other, plan, jobs=2)
    assert one.stopped_by == two.stopped_by == "patience"
    assert 5 < one.experiments_run < 41
    assert one.stop_reason == two.stop_reason
    assert found(world, one.tuning_run_id) == found(other, two.tuning_run_id)


@pytest.mark.parametrize("after", [1, 4, 7])
def test_a_resumed_run_stops_where_the_unbroken_one_does(
    world: Path, other: Path, after: int
) -> None:
    plan = Plan(method="random", n_configs=40, stop=StopRules(patience=3, min_experiments=5))
    expected = tuned(other, plan)
    with connection(world) as conn:
        orchestrator = TuningOrchestrator(
            conn, load_dataset(conn), StudyConfig(seed=7), watch=Interrupting(after)
        )
        with pytest.raises(InterruptedRunError, match="resume it with"):
            orchestrator.run(plan)
        (run,) = load_runs(conn)
    result = resumed(world, run.tuning_run_id)
    assert result.stop_reason == expected.stop_reason
    assert found(world, run.tuning_run_id) == found(other, expected.tuning_run_id)


@pytest.mark.parametrize(
    "method", enrolled(name for name, way in STRATEGIES.items() if way.is_adaptive)
)
def test_whatever_learns_tries_the_same_after_a_break_and_with_more_jobs(
    world: Path, other: Path, method: str
) -> None:
    plan = Plan(method=method, n_configs=14)
    expected = tuned(other, plan, jobs=2)
    with connection(world) as conn:
        orchestrator = TuningOrchestrator(
            conn, load_dataset(conn), StudyConfig(seed=7), watch=Interrupting(9)
        )
        with pytest.raises(InterruptedRunError, match="resume it with"):
            orchestrator.run(plan)
        (run,) = load_runs(conn)
    resumed(world, run.tuning_run_id)
    assert found(world, run.tuning_run_id) == found(other, expected.tuning_run_id)


def test_a_progressive_grid_can_be_resumed_and_keeps_its_steps(world: Path, other: Path) -> None:
    limits = Limits(limits=(Limit(name="genre_weight", low=0.2, high=0.6),), others_fixed=True)
    plan = Plan(method="grid", n_configs=14, limits=limits, grid=Grid(0.25, 1, progressive=True))
    expected = tuned(other, plan)
    with connection(world) as conn:
        orchestrator = TuningOrchestrator(
            conn, load_dataset(conn), StudyConfig(seed=7), watch=Interrupting(12)
        )
        with pytest.raises(InterruptedRunError):
            orchestrator.run(plan)
        (run,) = load_runs(conn)
        assert Plan.of(run) == plan
    resumed(world, run.tuning_run_id)
    assert [e[5] for e in found(world, run.tuning_run_id)][-1] == "exploit"  # a finer pass
    assert found(world, run.tuning_run_id) == found(other, expected.tuning_run_id)


def test_a_target_ends_a_run_and_is_said(world: Path) -> None:
    result = tuned(world, Plan(method="random", n_configs=9, stop=StopRules(target=0.01)))
    assert (result.status, result.stopped_by) == ("completed", "target")
    value = f"{result.baseline_value:.4f}"
    assert result.stop_reason == (
        f"experiment 0 reached the target of 0.01: it is at least {value}"
    )
    with connection(world) as conn:
        assert load_run(conn, result.tuning_run_id).stop_reason == result.stop_reason


def test_a_run_converges_on_a_plateau(world: Path) -> None:
    limits = StopRules(until_converged=True, min_experiments=12)
    result = tuned(world, Plan(method="random", n_configs=60, stop=limits))
    assert result.stopped_by == "converged"
    assert "below the noise" in result.stop_reason


def _slow_down(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each experiment take 0.2 s longer."""
    measure_many = Measurer.measure_many

    def measure(measurer: Measurer, configurations: Sequence[Configuration]) -> list[Measurement]:
        time.sleep(0.2 * len(configurations))
        return measure_many(measurer, configurations)

    monkeypatch.setattr(Measurer, "measure_many", measure)


def test_a_time_limit_ends_a_run_that_can_go_on(
    world: Path, other: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = tuned(other, Plan(method="random", n_configs=6))
    with monkeypatch.context() as slow:
        _slow_down(slow)
        stop = StopRules(timeout_seconds=1.1)
        result = tuned(world, Plan(method="random", n_configs=6, stop=stop))
    assert (result.status, result.stopped_by) == ("completed", "timeout")
    assert 0 < result.experiments_run < 7
    again = resumed(world, result.tuning_run_id, more_seconds=100)
    assert again.stopped_by == "configs"
    assert found(world, result.tuning_run_id) == found(other, expected.tuning_run_id)


def test_a_plan_survives_storage(world: Path) -> None:
    plan = Plan(method="random", n_configs=1, timeout_seconds=30, stop=StopRules(patience=2))
    with connection(world) as conn:
        result = TuningOrchestrator(conn, load_dataset(conn), StudyConfig()).run(plan)
        assert Plan.of(load_run(conn, result.tuning_run_id)) == plan
