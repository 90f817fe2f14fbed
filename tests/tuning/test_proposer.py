from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from reeltune.commands.tune import TuningOrchestrator
from reeltune.components.hyperparameters import SPACE
from reeltune.db.connection import Connection, connection
from reeltune.db.dataset import load_dataset
from reeltune.db.experiments import (
    complete_experiment,
    fail_experiment,
    load_experiment,
    load_experiments,
    save_experiment,
)
from reeltune.db.tuning_runs import load_runs, save_run
from reeltune.domain.clock import stamp
from reeltune.domain.errors import InputError, NotFoundError
from reeltune.domain.experiment import Measurement, TuningRun
from reeltune.domain.space import Configuration
from reeltune.domain.study import StudyConfig
from reeltune.tuning.proposer import new_experiment
from reeltune.tuning.ratings import HyperparameterTuner


def tuner_of(conn: Connection, seed: int = 1) -> HyperparameterTuner:
    return HyperparameterTuner(conn, load_dataset(conn), StudyConfig(seed=seed))


def test_without_a_version_the_defaults_are_current(world: Path) -> None:
    with connection(world) as conn:
        assert tuner_of(conn).get_current_hyperparameters() == SPACE.defaults()


def test_the_grid_has_50_to_80_valid_configurations_around_the_current_one(world: Path) -> None:
    with connection(world) as conn:
        grid = tuner_of(conn).generate_grid_search_space()
    assert 50 <= len(grid) <= 80
    assert all(SPACE.faults(c) == [] for c in grid)
    assert len({tuple(c.items()) for c in grid}) == len(grid)
    for configuration in grid:  # nothing is moved by more than the radius, rescaled shares aside
        assert abs(configuration["genre_threshold_low"] - 0.3) <= 0.1 * (0.6 - 0.05) + 1e-9


def test_a_smaller_radius_stays_nearer(world: Path) -> None:
    with connection(world) as conn:
        tuner = tuner_of(conn)
        near = tuner.generate_grid_search_space(radius=0.02)
        far = tuner.generate_grid_search_space(radius=0.10)

    def reach(grid: list[dict[str, float | int]]) -> float:
        return max(abs(c["genre_boost_high"] - 0.15) for c in grid)

    assert reach(near) == pytest.approx(0.2 * reach(far))


@pytest.mark.parametrize("method", ["random", "bayesian"])
def test_a_search_space_has_as_many_different_configurations_as_asked_for(
    world: Path, method: str
) -> None:
    with connection(world) as conn:
        tuner = tuner_of(conn)
        generate = getattr(tuner, f"generate_{method}_search_space")
        found, again = generate(12), generate(12)
    assert len({tuple(c.items()) for c in found}) == 12
    assert found == again
    assert all(SPACE.faults(c) == [] for c in found)


def test_nothing_generated_is_stored(world: Path) -> None:
    with connection(world) as conn:
        tuner = tuner_of(conn)
        tuner.generate_random_search_space(3)
        assert load_runs(conn) == []
        with pytest.raises(
            NotFoundError,
            match="no experiment for accuracy with split user-time has been completed",
        ):
            tuner.get_best_experiment()


def test_statistics_count_runs_and_experiments(world: Path) -> None:
    with connection(world) as conn:
        tuner = tuner_of(conn)
        tuner.save_candidates("grid", 2)
        TuningOrchestrator(conn, tuner.data, tuner.study).run_full_tuning("random", 3)
        found = tuner.get_tuning_statistics()
    assert found["runs_by_method"] == {"grid": 1, "random": 1}
    assert found["experiments_by_status"] == {"completed": 4, "pending": 2}


def test_the_best_experiment_is_the_one_with_the_highest_value(world: Path) -> None:
    with connection(world) as conn:
        tuner = tuner_of(conn)
        result = TuningOrchestrator(conn, tuner.data, tuner.study).run_full_tuning("random", 4)
        best = tuner.get_best_experiment()
        assert best.experiment_id == result.best_experiment_id
        assert load_experiment(conn, best.experiment_id) == best


def test_a_configuration_that_is_not_valid_is_not_stored(world: Path) -> None:
    with connection(world) as conn:
        tuner = tuner_of(conn)
        _, (stored,) = tuner.save_candidates("random", 1)
        bad = type(stored)(
            **{
                **{name: getattr(stored, name) for name in type(stored).__dataclass_fields__},
                "experiment_id": "other",
                "number": 9,
                "hyperparameters": {**stored.hyperparameters, "genre_weight": 0.99},
            }
        )
        with pytest.raises(InputError, match="must sum to 1"):
            tuner.save_experiment(bad)


def test_what_is_never_searched_keeps_its_deployed_value(world: Path) -> None:
    with connection(world) as conn:
        tuner = tuner_of(conn)
        current = {**SPACE.defaults(), "accuracy_threshold": 0.4}
        run = tuner.new_run("random", 1)
        proposal = tuner.propose(run, 1, current, [])
    assert proposal is not None
    assert proposal.configuration["accuracy_threshold"] == 0.4


def test_runs_without_a_seed_differ_from_one_night_to_the_next(world: Path) -> None:
    with connection(world) as conn:
        tuner = HyperparameterTuner(conn, load_dataset(conn))
        first = tuner.new_run("random", 1).seed
        tuner.save_candidates("random", 1)
        assert (first, tuner.new_run("random", 1).seed) == (0, 1)


def test_a_failure_of_an_earlier_run_counts_where_it_would_happen_again(world: Path) -> None:
    """That is with the same limits, and in a run in which something else was completed."""
    with connection(world) as conn:
        tuner = tuner_of(conn)
        task = tuner.task.key("accuracy")
        for completes, settings in ((True, {"timeout_seconds": 9.0}), (False, {}), (True, {})):
            run = replace(
                tuner.new_run("random", 3),
                status="interrupted",
                data_fingerprint=task.data_fingerprint,
                code_version=task.code_versions[0],
                history_cutoff=0,
                settings=settings,
            )
            save_run(conn, run)
            for proposal, status in zip(
                tuner.generate_random_search_space(2),
                ("completed" if completes else "failed", "failed"),
                strict=True,
            ):
                save_ended(conn, tuner, run, proposal, status)
        found = tuner.earlier_trials(tuner.new_run("random", 3))
        timed = replace(tuner.new_run("random", 3), settings={"timeout_seconds": 9})
        assert [t.failed for t in found] == [False, False, True]
        assert [t.failed for t in tuner.earlier_trials(timed)] == [False, True, False]
        assert tuner.earlier_trials(replace(timed, history_cutoff=1)) == found[:1]


def save_ended(
    conn: Connection, tuner: HyperparameterTuner, run: TuningRun, values: Configuration, status: str
) -> None:
    """An experiment of `run` that ended so."""
    number = len(load_experiments(conn, run.tuning_run_id))
    made = new_experiment(run, number, values, "explore")
    save_experiment(conn, made)
    if status == "failed":
        fail_experiment(conn, made.experiment_id, "made to fail", 1.0, stamp())
    else:
        measured = Measurement(
            objective_value=0.6, metrics={"accuracy": 0.6}, user_values=np.zeros(0), seconds=1.0
        )
        complete_experiment(conn, made.experiment_id, measured, stamp())
