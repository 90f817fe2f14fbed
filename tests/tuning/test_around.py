"""Grids around an experiment: rounds of refinement, and their resumption."""

import shutil
from pathlib import Path

import pytest

from reeltune.components.hyperparameters import SPACE
from reeltune.db.connection import connection
from reeltune.db.dataset import load_dataset
from reeltune.db.experiments import load_experiment, load_experiments
from reeltune.db.tuning_runs import load_run, load_runs
from reeltune.domain.errors import InputError, InterruptedRunError, NotFoundError
from reeltune.domain.study import StudyConfig
from reeltune.search.grid import Grid
from reeltune.tuning.plan import Plan
from reeltune.tuning.ratings import HyperparameterTuner, TuningOrchestrator
from tests.tuning.runs import Interrupting, found, resumed, tuned

OWN = "examples.most_popular:MostPopular"


def moved(experiment_id: str, of: str, path: Path) -> int:
    """How many hyperparameters of an experiment differ from those of another."""
    with connection(path) as conn:
        a, b = (load_experiment(conn, each).hyperparameters for each in (experiment_id, of))
    return sum(a[name] != b[name] for name in a)


def best_id(path: Path) -> str:
    with connection(path) as conn:
        tuner = HyperparameterTuner(conn, load_dataset(conn), StudyConfig())
        return tuner.get_best_experiment().experiment_id


def test_the_last_round_goes_around_the_best_of_all_before_it(world: Path) -> None:
    tuned(world, Plan(method="random", n_configs=6))
    tuned(world, Plan(method="bayesian", n_configs=4))
    centre = best_id(world)
    last = tuned(world, Plan(method="grid", n_configs=5, around="best"))
    with connection(world) as conn:
        run = load_run(conn, last.tuning_run_id)
        experiments = load_experiments(conn, last.tuning_run_id)
    assert Plan.of(run).around == centre
    assert f"grid around {centre}" in Plan.of(run).differences()
    assert experiments[0].hyperparameters == SPACE.defaults()
    steps = [e for e in experiments[1:] if e.exploration_phase != "initial"]
    assert len(steps) == 5
    assert all(0 < moved(e.experiment_id, centre, world) <= 5 for e in steps)
    assert max(e.worth or 0.0 for e in experiments) <= _worth(world, best_id(world))


def _worth(path: Path, experiment_id: str) -> float:
    with connection(path) as conn:
        worth = load_experiment(conn, experiment_id).worth
    assert worth is not None
    return worth


@pytest.mark.parametrize("progressive", [False, True])
def test_a_grid_around_an_experiment_is_resumed_exactly(
    world: Path, tmp_path: Path, progressive: bool
) -> None:
    first = tuned(world, Plan(method="random", n_configs=3))
    around = f"{first.tuning_run_id}_002"
    plan = Plan(method="grid", n_configs=6, around=around, grid=Grid(progressive=progressive))
    copy = Path(shutil.copy(world, tmp_path / "copy.db"))
    unbroken = tuned(world, plan)
    with connection(copy) as conn:
        study = StudyConfig(seed=7)
        watch = Interrupting(3)
        orchestrator = TuningOrchestrator(conn, load_dataset(conn), study, watch=watch)
        with pytest.raises(InterruptedRunError):
            orchestrator.run(plan)
        run_id = load_runs(conn)[-1].tuning_run_id
    tuned(copy, Plan(method="random", n_configs=3))  # may have found a better one since
    resumed(copy, run_id)
    assert found(copy, run_id) == found(world, unbroken.tuning_run_id)


def test_what_a_grid_goes_around_is_measured_where_it_was_not(world: Path) -> None:
    """Of another objective, results do not count; the experiment itself may be gone around."""
    first = tuned(world, Plan(method="random", n_configs=2), objective="mrr")
    around = f"{first.tuning_run_id}_002"
    result = tuned(world, Plan(method="grid", n_configs=3, around=around))
    with connection(world) as conn:
        centre = load_experiment(conn, around).hyperparameters
        experiments = load_experiments(conn, result.tuning_run_id)
    assert experiments[1].hyperparameters == centre
    assert experiments[2].hyperparameters != centre


def test_an_experiment_of_another_model_is_not_gone_around(world: Path) -> None:
    other = tuned(world, Plan(method="grid", n_configs=1), model=OWN)
    with pytest.raises(InputError, match=f"must be an experiment of hand-weighted .* is of {OWN}"):
        tuned(world, Plan(method="grid", n_configs=2, around=f"{other.tuning_run_id}_001"))
    for around in ("best", "no_such"):
        with pytest.raises(NotFoundError):
            tuned(world, Plan(method="grid", n_configs=2, around=around))
    with connection(world) as conn:
        assert len(load_runs(conn)) == 1
