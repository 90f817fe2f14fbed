"""Candidates stored for a method that learns: first guesses, and previews of what it proposes."""

import shutil
from dataclasses import replace
from pathlib import Path

from reeltune.components.hyperparameters import SPACE
from reeltune.db.connection import connection
from reeltune.db.dataset import load_dataset
from reeltune.db.experiments import load_experiments
from reeltune.domain.experiment import Experiment
from reeltune.domain.space import Configuration
from reeltune.domain.study import StudyConfig
from reeltune.tuning.plan import Plan
from reeltune.tuning.ratings import HyperparameterTuner
from reeltune.tuning.warm_start import GUESSED
from tests.tuning.runs import found, tuned


def stored(path: Path, method: str, n: int) -> list[Experiment]:
    with connection(path) as conn:
        tuner = HyperparameterTuner(conn, load_dataset(conn), StudyConfig(seed=7))
        return tuner.save_candidates(method, n)[1]


def tried(path: Path, run_id: str) -> list[Configuration]:
    """Configurations of a run's experiments, without the baseline's."""
    with connection(path) as conn:
        return [e.hyperparameters for e in load_experiments(conn, run_id)[1:]]


def test_a_run_of_them_finds_what_a_run_without_them_finds(world: Path, tmp_path: Path) -> None:
    """What they had proposed without results is worse; the run proposes it anew."""
    other = Path(shutil.copy(world, tmp_path / "other.db"))
    made = stored(world, "bayesian", 8)
    plan = Plan(method="bayesian", n_configs=8)
    run_id = tuned(world, plan).tuning_run_id
    assert run_id == made[0].tuning_run_id
    assert found(world, run_id) == found(other, tuned(other, plan).tuning_run_id)
    guesses = [e.hyperparameters for e in made if e.tuning_method == GUESSED]
    assert len(guesses) == 2
    assert tried(world, run_id)[:2] == guesses
    assert tried(world, run_id)[2:] != [e.hyperparameters for e in made[2:]]


def test_they_are_tried_as_stored_if_that_is_asked_for(world: Path) -> None:
    made = stored(world, "bayesian", 8)
    result = tuned(world, Plan(method="bayesian", n_configs=8, as_stored=True))
    assert tried(world, result.tuning_run_id) == [e.hyperparameters for e in made]


def test_of_a_method_that_does_not_learn_they_are_tried_as_stored(world: Path) -> None:
    made = stored(world, "random", 4)
    assert {e.tuning_method for e in made} == {"random"}
    result = tuned(world, Plan(method="random", n_configs=4))
    assert tried(world, result.tuning_run_id) == [e.hyperparameters for e in made]


def test_what_a_person_stored_is_not_taken_back(world: Path) -> None:
    (first,) = stored(world, "bayesian", 1)
    own = SPACE.merged(SPACE.defaults(), {"genre_boost_high": 0.31})
    with connection(world) as conn:
        tuner = HyperparameterTuner(conn, load_dataset(conn), StudyConfig(seed=7))
        tuner.save_experiment(
            replace(
                first,
                experiment_id=f"{first.tuning_run_id}_002",
                number=2,
                hyperparameters=own,
                tuning_method="by hand",
            )
        )
    result = tuned(world, Plan(method="bayesian", n_configs=3))
    assert tried(world, result.tuning_run_id)[1] == own
