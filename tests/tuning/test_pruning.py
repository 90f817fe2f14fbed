import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reeltune.components.hyperparameters import SPACE
from reeltune.db.connection import connection
from reeltune.db.dataset import load_dataset
from reeltune.db.experiments import load_experiments
from reeltune.db.tuning_runs import load_runs
from reeltune.domain.errors import InterruptedRunError
from reeltune.domain.experiment import Measurement, Pruned
from reeltune.domain.study import StudyConfig
from reeltune.ratings.dataset import Dataset
from reeltune.stats.paired_gain import paired_gain
from reeltune.tasks.ratings import RatingsEvaluator
from reeltune.tuning.measuring import Measurer
from reeltune.tuning.plan import Plan
from reeltune.tuning.pruning import Pruner
from reeltune.tuning.pruning_rules import (
    LEVEL,
    PRUNERS,
    EvaluationRequest,
    clear_loss,
    rung_threshold,
)
from reeltune.tuning.ratings import TuningOrchestrator
from tests.tuning.runs import Interrupting, found, resumed, tuned

GOOD = SPACE.defaults()
BAD = GOOD | {
    "genre_weight": 0.0,
    "rating_weight": 0.0,
    "popularity_weight": 0.0,
    "franchise_weight": 1.0,
    "cast_weight": 0.0,
}
PLANS = {name: Plan(method="random", n_configs=14, pruner=name) for name in PRUNERS}


@pytest.fixture(scope="session")
def data(crowd: Path) -> Dataset:
    with connection(crowd) as conn:
        return load_dataset(conn)


@pytest.fixture
def worlds(crowd: Path, tmp_path: Path) -> list[Path]:
    return [Path(shutil.copy(crowd, tmp_path / name)) for name in ("one.db", "two.db")]


def request(trainer: RatingsEvaluator, configuration: Any) -> EvaluationRequest:
    incumbent = Measurer(trainer, "accuracy")(GOOD)
    return EvaluationRequest(configuration, incumbent.user_values, incumbent.objective_value)


def test_what_is_clearly_worse_is_stopped_on_few_users(data: Dataset) -> None:
    trainer = RatingsEvaluator.of(data, StudyConfig())
    stopped = Pruner(trainer, "accuracy", 7)(request(trainer, BAD))
    assert isinstance(stopped, Pruned)
    assert stopped.share_of_users < 0.3
    assert stopped.difference < 0
    whole = Measurer(trainer, "accuracy")(BAD).objective_value
    assert stopped.estimate == pytest.approx(whole, abs=0.05)


def test_what_is_as_good_or_has_no_rival_is_measured_whole(data: Dataset) -> None:
    trainer = RatingsEvaluator.of(data, StudyConfig())
    pruner = Pruner(trainer, "accuracy", 7)
    for task in (request(trainer, GOOD), EvaluationRequest(BAD, None)):
        measured, expected = pruner(task), Measurer(trainer, "accuracy")(task.configuration)
        assert isinstance(measured, Measurement)
        assert measured.metrics == expected.metrics
        assert measured.user_values.tobytes() == expected.user_values.tobytes()


def test_the_engine_and_the_reference_stop_alike(
    data: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = RatingsEvaluator.of(data, StudyConfig())
    fast = Pruner(trainer, "accuracy", 7)(request(trainer, BAD))
    monkeypatch.setattr(RatingsEvaluator, "engine", None)
    slow = Pruner(trainer, "accuracy", 7)(request(trainer, BAD))
    assert isinstance(fast, Pruned)
    assert isinstance(slow, Pruned)
    assert fast.n_users == slow.n_users
    assert fast.difference == pytest.approx(slow.difference)


def test_with_a_bar_what_gains_less_is_stopped_and_what_gains_as_much_goes_on(
    data: Dataset,
) -> None:
    trainer = RatingsEvaluator.of(data, StudyConfig())
    against = request(trainer, BAD)
    pruner = Pruner(trainer, "accuracy", 7)
    stopped = pruner(replace(against, thresholds=(None, 0.0)))
    assert isinstance(stopped, Pruned)
    assert stopped.by_group is not None
    assert len(stopped.by_group) == 8
    assert stopped.difference == pytest.approx(stopped.by_group.mean())
    exactly = float(stopped.by_group.mean())
    for thresholds in ((None, None), (None, exactly)):
        assert isinstance(pruner(replace(against, thresholds=thresholds)), Measurement)


def test_the_groups_of_a_part_gain_as_they_do_among_all(data: Dataset) -> None:
    trainer = RatingsEvaluator.of(data, StudyConfig())
    against = request(trainer, BAD)
    assert against.incumbent is not None
    stopped = Pruner(trainer, "accuracy", 7)(replace(against, thresholds=(None, 1.0)))
    whole = paired_gain(Measurer(trainer, "accuracy")(BAD).user_values, against.incumbent, seed=7)
    assert isinstance(stopped, Pruned)
    assert stopped.by_group is not None
    assert whole is not None
    assert stopped.by_group == pytest.approx(whole.by_group[:8])


def test_one_in_four_goes_on_and_one_at_least() -> None:
    gains = [np.full(8, k / 10) for k in (3, 1, 4, 2, 7, 5, 6)]
    assert rung_threshold([], 2) is None
    assert rung_threshold(gains[:1], 2) == pytest.approx(0.3)
    assert rung_threshold(gains[:6], 2) == pytest.approx(0.7)  # one of seven
    assert rung_threshold(gains, 2) == pytest.approx(0.6)  # two of eight
    assert rung_threshold([*gains, np.full(2, 0.9)], 8) == pytest.approx(0.6)  # one stopped before


def test_a_bar_is_of_the_first_groups_alone() -> None:
    assert rung_threshold([np.array([0.1, 0.3, 9.0, 9.0])], 2) == pytest.approx(0.2)


def test_what_is_as_good_is_rarely_stopped_and_what_is_worse_often() -> None:
    rng = np.random.default_rng(1)
    n, rungs = 1_600, (100, 400)
    stopped = {0.0: 0, -0.05: 0}
    for loss in stopped:
        for _ in range(400):
            incumbent = rng.beta(6, 3, n)
            noise = rng.normal(loss, 0.15, n)
            values = incumbent + noise - (noise.mean() - loss)  # over all users exactly `loss`
            order = rng.permutation(n)
            for size in rungs:
                seen = np.full(n, np.nan)
                seen[order[:size]] = values[order[:size]]
                if clear_loss(seen, incumbent, n) is not None:
                    stopped[loss] += 1
                    break
    assert stopped[0.0] / 400 <= 2 * LEVEL
    assert stopped[-0.05] / 400 > 0.9


def test_few_users_say_nothing() -> None:
    values = np.full(100, np.nan)
    values[:29] = 0.0
    assert clear_loss(values, np.ones(100), 100) is None


@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS)
def test_a_resumed_run_prunes_what_the_unbroken_one_does(worlds: list[Path], plan: Plan) -> None:
    one, two = worlds
    expected = tuned(two, plan, seed=9)
    assert expected.experiments_pruned > 0
    assert expected.experiments_run == 15
    with connection(one) as conn:
        orchestrator = TuningOrchestrator(
            conn, load_dataset(conn), StudyConfig(seed=9), watch=Interrupting(8)
        )
        with pytest.raises(InterruptedRunError):
            orchestrator.run(plan)
        run_id = load_runs(conn)[0].tuning_run_id
    resumed(one, run_id)
    assert found(one, run_id) == found(two, expected.tuning_run_id)


@pytest.mark.slow
@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS)
def test_any_number_of_jobs_prunes_the_same(worlds: list[Path], plan: Plan) -> None:
    one, two = worlds
    a, b = tuned(one, plan, seed=8), tuned(two, plan, jobs=2, seed=8)
    assert found(one, a.tuning_run_id) == found(two, b.tuning_run_id)


@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS)
def test_a_pruned_experiment_has_no_value_and_is_never_best(worlds: list[Path], plan: Plan) -> None:
    path = worlds[0]
    result = tuned(path, plan, seed=8)
    with connection(path) as conn:
        pruned = [e for e in load_experiments(conn, result.tuning_run_id) if e.status == "pruned"]
    assert len(pruned) == result.experiments_pruned
    for experiment in pruned:
        assert experiment.objective_value is None
        assert experiment.improvement_from_baseline is None
        assert experiment.validation_accuracy is None
        assert experiment.lower_bound is None
        assert experiment.metrics["difference"] is not None
    assert result.best_experiment_number not in {e.number for e in pruned}
