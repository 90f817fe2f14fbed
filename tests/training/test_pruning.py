import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cli.console import progress_bar, remark_console
from db.connection import connection
from db.dataset import load_dataset
from db.experiments import load_experiments
from db.tuning_runs import load_runs
from domain.dataset import Dataset
from domain.errors import InterruptedRunError
from domain.experiment import Measurement, Pruned
from domain.hyperparameters import SPACE
from hyperparameter_tuner import Study
from importers.demo import import_demo
from importers.demo_settings import DemoSettings
from tests.training.runs import Interrupting, found, resumed, tuned
from training.plan import Plan
from training.pruning import LEVEL, Contest, Pruner, clear_loss
from training.trainer import Trainer
from training.tuning import TuningOrchestrator

GOOD = SPACE.defaults()
BAD = GOOD | {
    "genre_weight": 0.0,
    "rating_weight": 0.0,
    "popularity_weight": 0.0,
    "franchise_weight": 1.0,
    "cast_weight": 0.0,
}
PLAN = Plan(method="random", n_configs=14, prunes=True)


@pytest.fixture(scope="session")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A world with enough users for a part of them to say something."""
    path = tmp_path_factory.mktemp("crowd") / "movies.db"
    settings = DemoSettings(users=900, movies=200, ratings=30_000, seed=3)
    with connection(path, create=True) as conn, progress_bar(remark_console(quiet=True), "") as bar:
        import_demo(conn, settings, bar)
        conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path


@pytest.fixture(scope="session")
def data(crowd: Path) -> Dataset:
    with connection(crowd) as conn:
        return load_dataset(conn)


@pytest.fixture
def worlds(crowd: Path, tmp_path: Path) -> list[Path]:
    return [Path(shutil.copy(crowd, tmp_path / name)) for name in ("one.db", "two.db")]


def contest(trainer: Trainer, configuration: Any) -> Contest:
    rival = trainer(GOOD)
    return Contest(configuration, rival.user_values, rival.objective_value)


def test_what_is_clearly_worse_is_stopped_on_few_users(data: Dataset) -> None:
    trainer = Trainer.of(data, Study())
    stopped = Pruner(trainer, 7)(contest(trainer, BAD))
    assert isinstance(stopped, Pruned)
    assert stopped.share_of_users < 0.3
    assert stopped.difference < 0
    whole = trainer(BAD).objective_value
    assert stopped.estimate == pytest.approx(whole, abs=0.05)


def test_what_is_as_good_or_has_no_rival_is_measured_whole(data: Dataset) -> None:
    trainer = Trainer.of(data, Study())
    pruner = Pruner(trainer, 7)
    for task in (contest(trainer, GOOD), Contest(BAD, None)):
        measured, expected = pruner(task), trainer(task.configuration)
        assert isinstance(measured, Measurement)
        assert measured.metrics == expected.metrics
        assert measured.user_values.tobytes() == expected.user_values.tobytes()


def test_the_engine_and_the_reference_stop_alike(
    data: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = Trainer.of(data, Study())
    fast = Pruner(trainer, 7)(contest(trainer, BAD))
    monkeypatch.setattr(Pruner, "engines", {})
    slow = Pruner(trainer, 7)(contest(trainer, BAD))
    assert isinstance(fast, Pruned)
    assert isinstance(slow, Pruned)
    assert fast.n_users == slow.n_users
    assert fast.difference == pytest.approx(slow.difference)


def test_what_is_as_good_is_rarely_stopped_and_what_is_worse_often() -> None:
    rng = np.random.default_rng(1)
    n, looks = 1_600, (100, 400)
    stopped = {0.0: 0, -0.05: 0}
    for loss in stopped:
        for _ in range(400):
            rival = rng.beta(6, 3, n)
            noise = rng.normal(loss, 0.15, n)
            values = rival + noise - (noise.mean() - loss)  # over all users exactly `loss`
            order = rng.permutation(n)
            for size in looks:
                seen = np.full(n, np.nan)
                seen[order[:size]] = values[order[:size]]
                if clear_loss(seen, rival, n) is not None:
                    stopped[loss] += 1
                    break
    assert stopped[0.0] / 400 <= 2 * LEVEL
    assert stopped[-0.05] / 400 > 0.9


def test_few_users_say_nothing() -> None:
    values = np.full(100, np.nan)
    values[:29] = 0.0
    assert clear_loss(values, np.ones(100), 100) is None


def test_a_resumed_run_prunes_what_the_unbroken_one_does(worlds: list[Path]) -> None:
    one, two = worlds
    expected = tuned(two, PLAN)
    assert expected.experiments_pruned > 0
    assert expected.experiments_run == 15
    with connection(one) as conn:
        orchestrator = TuningOrchestrator(
            conn, load_dataset(conn), Study(seed=7), watch=Interrupting(8)
        )
        with pytest.raises(InterruptedRunError):
            orchestrator.run(PLAN)
        run_id = load_runs(conn)[0].tuning_run_id
    resumed(one, run_id)
    assert found(one, run_id) == found(two, expected.tuning_run_id)


@pytest.mark.slow
def test_any_number_of_jobs_prunes_the_same(worlds: list[Path]) -> None:
    one, two = worlds
    a, b = tuned(one, PLAN), tuned(two, PLAN, jobs=2)
    assert found(one, a.tuning_run_id) == found(two, b.tuning_run_id)


def test_a_pruned_experiment_has_no_value_and_is_never_best(worlds: list[Path]) -> None:
    path = worlds[0]
    result = tuned(path, PLAN)
    with connection(path) as conn:
        pruned = [e for e in load_experiments(conn, result.tuning_run_id) if e.status == "pruned"]
    assert len(pruned) == result.experiments_pruned
    for experiment in pruned:
        assert experiment.objective_value is None
        assert experiment.improvement_from_baseline is None
        assert experiment.validation_accuracy is None
        assert (experiment.metrics["difference"] or 0) < 0
    assert result.best_experiment_number not in {e.number for e in pruned}
