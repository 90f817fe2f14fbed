import shutil
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from reeltune.commands.retrain import main
from reeltune.components.hyperparameters import SPACE
from reeltune.db.connection import connection
from reeltune.db.dataset import load_dataset
from reeltune.db.experiments import load_experiments
from reeltune.db.tuning_runs import load_run, load_runs
from reeltune.db.user_values import load_user_values
from reeltune.domain.errors import InterruptedRunError
from reeltune.domain.experiment import BASELINE
from reeltune.domain.study import BUILT_IN, StudyConfig
from reeltune.metrics.segments import held_out_scores, movie_accuracies
from reeltune.metrics.user_sample import sample_users
from reeltune.rating_models.hand_weighted import HandWeighted
from reeltune.tasks.evidence import ConfiguredModel, gather, measure_models
from reeltune.tasks.ratings import RatingsEvaluator
from reeltune.tuning.plan import Plan
from reeltune.tuning.ratings import HyperparameterTuner, TuningOrchestrator
from reeltune.versioning.registry import load_model
from reeltune.versioning.request import Retraining, RetrainingRequest
from reeltune.versioning.retraining import retrain
from tests.tuning.runs import Interrupting, found, resumed, tuned

PLAN = Plan(method="random", n_configs=6, panel=20)


@pytest.fixture
def other(small_world: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(small_world, tmp_path / "other.db"))


def test_experiments_and_the_baseline_are_measured_on_the_same_few_users(world: Path) -> None:
    run_id = tuned(world, PLAN).tuning_run_id
    with connection(world) as conn:
        whole = RatingsEvaluator.of(load_dataset(conn), StudyConfig())
        (baseline, *rest) = load_experiments(conn, run_id)
        assert baseline.number == BASELINE
        values = load_user_values(conn, baseline.experiment_id, "accuracy")
        in_sample = np.diff(sample_users(whole.held_out, 20).starts) > 0
        expected = whole.evaluate(baseline.hyperparameters).per_unit["accuracy"]
    assert values is not None
    assert np.array_equal(values, np.where(in_sample, expected, np.nan), equal_nan=True)
    for experiment in rest:
        value = whole.on_sample(20).evaluate(experiment.hyperparameters).values["accuracy"]
        assert experiment.objective_value == value


def test_the_fit_sees_everybody(world: Path) -> None:
    with connection(world) as conn:
        whole = RatingsEvaluator.of(load_dataset(conn), StudyConfig())
    assert whole.on_sample(20).fitting is whole.fitting
    assert whole.on_sample(None) is whole


def test_the_gate_measures_everybody(world: Path) -> None:
    run_id = tuned(world, PLAN).tuning_run_id
    with connection(world) as conn:
        data = load_dataset(conn)
        experiments = load_experiments(conn, run_id)
        models = [ConfiguredModel("hand-weighted", e.hyperparameters) for e in experiments[:2]]
        evidence = gather(data, StudyConfig(), "test", models[0], models[1])
    held_out = RatingsEvaluator.of(data, StudyConfig(), "test").held_out
    measured = evidence.candidate["user-time"].evaluation.n_units
    assert measured == np.count_nonzero(np.diff(held_out.starts)) > 20


def test_segments_on_a_user_sample_are_as_by_a_model_fitted_for_everybody(world: Path) -> None:
    with connection(world) as conn:
        trainer = RatingsEvaluator.of(load_dataset(conn), StudyConfig(), "test").on_sample(60)
    (found,) = measure_models(trainer, [ConfiguredModel(BUILT_IN, SPACE.defaults())])
    model = HandWeighted(SPACE.defaults()).fit(trainer.fitting, trainer.catalogue)
    scores_of = partial(held_out_scores, model.score)
    expected = movie_accuracies(scores_of, trainer.fitting, trainer.held_out, trainer.catalogue)
    assert found.by_movies.keys() == expected.keys() != set()
    for name, values in expected.items():
        assert np.array_equal(found.by_movies[name], values, equal_nan=True)


def test_a_resumed_run_has_the_sample_of_the_unbroken_one(world: Path, other: Path) -> None:
    expected = tuned(other, PLAN)
    with connection(world) as conn:
        orchestrator = TuningOrchestrator(
            conn, load_dataset(conn), StudyConfig(seed=7), watch=Interrupting(3)
        )
        with pytest.raises(InterruptedRunError):
            orchestrator.run(PLAN)
        (run,) = load_runs(conn)
    resumed(world, run.tuning_run_id)
    assert found(world, run.tuning_run_id) == found(other, expected.tuning_run_id)


def test_results_on_other_users_are_no_history(world: Path) -> None:
    for panel in (20, None):
        tuned(world, Plan(method="random", n_configs=3, panel=panel))
    last = tuned(world, Plan(method="random", n_configs=2, panel=20)).tuning_run_id
    with connection(world) as conn:
        tuner = HyperparameterTuner(conn, load_dataset(conn), StudyConfig(seed=7))
        trials = tuner.earlier_trials(load_run(conn, last))
    assert len(trials) == 4


def test_a_night_with_the_same_configuration_may_be_judged_on_a_user_sample(world: Path) -> None:
    def night(**request: Any) -> Retraining:
        with connection(world) as conn:
            return retrain(
                conn,
                load_dataset(conn),
                RetrainingRequest(study=StudyConfig(), force=True, **request),
            )

    low = {"accuracy_threshold": 0.1}
    users = [
        found.against_deployed.n_users
        for found in (night(**low, panel=20), night(**low, panel=20), night(**low))
        if found.against_deployed is not None
    ]
    assert users[0] == users[2] > 20 >= users[1]
    other = night(**low, panel=20, hyperparameters={**SPACE.defaults(), "genre_boost_low": -0.1})
    assert other.decision == "by hand"
    assert other.against_deployed is not None
    assert other.against_deployed.n_users == users[0]


def test_what_a_night_on_a_user_sample_deploys_is_fitted_to_everybody(
    world: Path, other: Path
) -> None:
    found = []
    for path, panel in ((world, 20), (other, None)):
        with connection(path) as conn:
            request = RetrainingRequest(study=StudyConfig(), force=True, accuracy_threshold=0.1)
            retrain(conn, load_dataset(conn), request)
            retrain(conn, load_dataset(conn), replace(request, panel=panel))
            found.append(load_model(conn, 2).model.arrays())
    assert found[0].keys() == found[1].keys()
    assert all(found[0][name].tobytes() == found[1][name].tobytes() for name in found[0])


def test_other_hyperparameters_are_not_deployed_on_a_user_sample(world: Path) -> None:
    words = ["--apply-hp", "{}", "--panel", "100", "--db", str(world)]
    assert "measures all users" in CliRunner().invoke(main, words).output
