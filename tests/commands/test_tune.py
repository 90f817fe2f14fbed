import json
import random
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from reeltune.commands.tune import RunResult, TuningOrchestrator
from reeltune.db.connection import connect, connection
from reeltune.db.dataset import load_dataset
from reeltune.db.experiments import load_experiments
from reeltune.db.tuning_runs import load_progress, load_run, load_runs
from reeltune.db.user_values import load_user_values
from reeltune.domain.errors import BusyError, InputError
from reeltune.domain.experiment import Experiment, Measurement
from reeltune.domain.space import Configuration
from reeltune.domain.study import StudyConfig
from reeltune.storage.run_lock import run_lock
from reeltune.tasks.ratings import RatingsEvaluator
from reeltune.tracking.progress import SilentWatcher
from reeltune.tuning.measuring import Measurer
from reeltune.tuning.ratings import HyperparameterTuner
from tests.running import ROOT, command, environment, run, run_json

SCRIPT = "tune_orchestrator.py"

Found = dict[int, tuple[Any, ...]]


def tuned(
    path: Path, method: str = "bayesian", n: int = 12, *, jobs: int = 1, seed: int = 7
) -> RunResult:
    with connection(path) as conn:
        study = StudyConfig(seed=seed)
        return TuningOrchestrator(conn, load_dataset(conn), study, jobs=jobs).run_full_tuning(
            method, n
        )


def found(path: Path, run_id: str) -> Found:
    """All that an unbroken run and a resumed one must agree on, by number."""
    with connection(path) as conn:
        return {
            e.number: (
                e.status,
                dict(e.hyperparameters),
                e.objective_value,
                dict(e.metrics),
                e.improvement_from_baseline,
                e.exploration_phase,
                (e.parent_experiment_id or "")[-3:],
            )
            for e in load_experiments(conn, run_id)
        }


def history(path: Path, run_id: str) -> list[tuple[int, float | None, str]]:
    with connection(path) as conn:
        return [
            (p.iteration, p.best_accuracy, (p.best_experiment_id or "")[-3:])
            for p in load_progress(conn, run_id)
        ]


def only_run(path: Path) -> str:
    with connection(path) as conn:
        (only,) = load_runs(conn)
        return only.tuning_run_id


@pytest.mark.parametrize("method", ["grid", "random", "bayesian"])
def test_any_number_of_jobs_finds_the_same(small_copies: list[Path], method: str) -> None:
    one, two = small_copies
    a, b = tuned(one, method), tuned(two, method, jobs=2)
    assert found(one, a.tuning_run_id) == found(two, b.tuning_run_id)
    assert history(one, a.tuning_run_id) == history(two, b.tuning_run_id)
    assert a.best_value == b.best_value


@pytest.fixture
def small_copies(small_world: Path, tmp_path: Path) -> list[Path]:
    copies = [tmp_path / name / "movies.db" for name in ("one", "two")]
    for copy in copies:
        copy.parent.mkdir()
        copy.write_bytes(small_world.read_bytes())
    return copies


def test_a_run_tries_the_deployed_configuration_first(world: Path) -> None:
    result = tuned(world, "random", 3)
    with connection(world) as conn:
        baseline = load_experiments(conn, result.tuning_run_id)[0]
        current = HyperparameterTuner(conn, load_dataset(conn)).get_current_hyperparameters()
    assert baseline.number == 0
    assert baseline.hyperparameters == current
    assert baseline.improvement_from_baseline == 0


def test_testing_a_configuration_gives_what_a_run_records_of_it_and_records_nothing(
    world: Path,
) -> None:
    with connection(world) as conn:
        orchestrator = TuningOrchestrator(conn, load_dataset(conn), StudyConfig(seed=7))
        current = orchestrator.tuner.get_current_hyperparameters()
        found = orchestrator.test_configuration(current)
        assert load_runs(conn) == []
        with pytest.raises(InputError, match="genre_weight must be in"):
            orchestrator.test_configuration({**current, "genre_weight": 2.0})
        run_id = orchestrator.run_full_tuning("random", 1).tuning_run_id
        baseline = load_experiments(conn, run_id)[0]
    assert baseline.objective_value == found.objective_value
    assert baseline.metrics == found.metrics


def test_the_best_of_a_run_has_the_highest_of_its_lower_bounds(world: Path) -> None:
    result = tuned(world, "random", 6)
    with connection(world) as conn:
        experiments = load_experiments(conn, result.tuning_run_id)
    bounds = {e.number: e.lower_bound or 0.0 for e in experiments}
    assert result.best_lower_bound == max(bounds.values())
    assert result.best_experiment_number == max(bounds, key=bounds.__getitem__)
    assert sorted(bounds.values()) != sorted(e.objective_value or 0.0 for e in experiments)
    leaders = [max(range(n + 1), key=bounds.__getitem__) for n in range(len(bounds))]
    assert [h[1] for h in history(world, result.tuning_run_id)] == [
        experiments[number].validation_accuracy for number in leaders
    ]


def test_values_per_user_are_kept_of_the_baseline_and_the_best(world: Path) -> None:
    result = tuned(world, "random", 4)
    assert result.best_experiment_id is not None
    with connection(world) as conn:
        trainer = RatingsEvaluator.of(load_dataset(conn), StudyConfig())
        assert result.best_hyperparameters is not None
        best = Measurer(trainer, "accuracy")(result.best_hyperparameters)
        kept = load_user_values(conn, result.best_experiment_id, "accuracy")
        assert load_user_values(conn, f"{result.tuning_run_id}_000", "accuracy") is not None
    assert kept is not None
    assert kept.tobytes() == best.user_values.tobytes()


def test_stored_candidates_are_what_a_run_tries(world: Path) -> None:
    stored = run_json(
        "retrain_model.py",
        "--db",
        world,
        "--tune",
        "--tune-method",
        "random",
        "--tune-configs",
        "4",
    )
    result = run_json(SCRIPT, "--db", world, "--method", "random", "--configs", "4")
    assert result["tuning_run_id"] == stored["tuning_run_id"]
    with connection(world) as conn:
        tried = [e.experiment_id for e in load_experiments(conn, result["tuning_run_id"])]
    assert tried[1:] == stored["experiments"]


def test_stored_candidates_beyond_what_is_asked_for_stay_pending(world: Path) -> None:
    with connection(world) as conn:
        _, stored = HyperparameterTuner(
            conn, load_dataset(conn), StudyConfig(seed=1)
        ).save_candidates("random", 5)
    first = tuned(world, "random", 2)
    second = tuned(world, "random", 3)
    tried = [
        e[1]
        for result in (first, second)
        for n, e in found(world, result.tuning_run_id).items()
        if n > 0
    ]
    assert tried == [e.hyperparameters for e in stored]


def test_storing_twice_goes_on_and_repeats_nothing(world: Path) -> None:
    with connection(world) as conn:
        tuner = HyperparameterTuner(conn, load_dataset(conn))
        (run_a, a), (run_b, b) = (tuner.save_candidates("bayesian", 3) for _ in range(2))
    assert run_a == run_b
    assert [e.number for e in a + b] == [1, 2, 3, 4, 5, 6]
    assert len({json.dumps(dict(e.hyperparameters)) for e in a + b}) == 6


def test_a_second_run_looks_back_on_the_first(world: Path) -> None:
    """With enough history Bayesian search needs no initial design but the surrogate's guesses."""
    tuned(world, "random", 9)
    second = tuned(world, "bayesian", 8)
    phases = [e[5] for e in found(world, second.tuning_run_id).values()]
    assert phases[:3] == ["baseline", "initial", "initial"]
    assert set(phases[3:]) <= {"explore", "exploit"}


def test_a_run_ends_early_where_nothing_new_is_left(world: Path) -> None:
    result = tuned(world, "grid", 1_000)
    assert result.status == "completed"
    assert result.stop_reason == "everything that can be proposed was tried"
    assert 200 < result.experiments_completed < 1_000


def _fails_on(numbers: set[int], monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the configurations that are tried first, second, ... fail, by number from 0."""
    seen: list[Configuration] = []
    measure_many = Measurer.measure_many

    def measure(measurer: Measurer, configurations: Sequence[Configuration]) -> list[Measurement]:
        seen.extend(c for c in configurations if c not in seen)
        if any(seen.index(c) in numbers for c in configurations):
            raise ValueError("made to\nfail")
        return measure_many(measurer, configurations)

    monkeypatch.setattr(Measurer, "measure_many", measure)


def test_a_failed_experiment_fails_alone(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _fails_on({1, 3}, monkeypatch)
    result = tuned(world, "random", 4)
    status = {n: e[0] for n, e in found(world, result.tuning_run_id).items()}
    assert status == {0: "completed", 1: "failed", 2: "completed", 3: "failed", 4: "completed"}
    with connection(world) as conn:
        assert load_experiments(conn, result.tuning_run_id)[1].error == "ValueError: made to fail"


def test_five_failures_at_the_start_stop_a_run(
    world: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _fails_on(set(range(99)), monkeypatch)
    result = tuned(world, "random", 20)
    assert result.status == "failed"
    assert result.experiments_failed == 5
    assert result.best_experiment_id is None


def test_a_run_on_data_that_has_changed_is_not_resumed(world: Path) -> None:
    run_id = tuned(world, "random", 2).tuning_run_id
    with connection(world) as conn:
        conn.execute("DELETE FROM ratings WHERE user_id = 1")
        orchestrator = TuningOrchestrator(conn, load_dataset(conn))
        with pytest.raises(InputError, match="the data changed since run"):
            orchestrator.resume(run_id)


def test_phase_2_tunes_the_hybrid_after_the_hand_set_weights(world: Path) -> None:
    tuned(world, "random", 1)
    run(SCRIPT, "--db", world, "--phase2", "--configs", "2", "--objective", "balanced")
    with connection(world) as conn:
        first, second = load_runs(conn)
    assert (first.model, second.model) == ("hand-weighted", "hybrid")
    assert (second.method, second.objective, second.n_configs) == ("bayesian", "balanced", 2)


def test_phase_2_from_python_is_for_the_objective_of_phase_1(world: Path) -> None:
    with connection(world) as conn:
        study = StudyConfig(objective="ndcg@10", seed=3)
        orchestrator = TuningOrchestrator(conn, load_dataset(conn), study)
        result = orchestrator.run_phase_2_tuning("random", 1)
        found = load_run(conn, result.tuning_run_id)
    assert (found.model, found.objective, found.n_configs) == ("hybrid", "ndcg@10", 1)


def test_phase_2_is_of_no_other_model(world: Path) -> None:
    said = run(SCRIPT, "--db", world, "--phase2", "--model", "hand-weighted", expect=2).stderr
    assert "--phase2 tunes hybrid" in said


def test_a_held_database_makes_the_second_run_leave_with_4(world: Path) -> None:
    with run_lock(world):
        said = run(SCRIPT, "--db", world, "--method", "random", "--configs", "1", expect=4).stderr
    assert "is in use by process" in said
    assert len(said.strip().splitlines()) == 1


def test_a_run_that_meets_another_programs_lock_ends_with_the_way_to_go_on(
    world: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reeltune.db.connection.BUSY_SECONDS", 0.2)
    other = connect(world)

    class Holding(SilentWatcher):
        def finished(self, experiment: Experiment, best: Experiment | None, n_done: int) -> None:
            if n_done == 2:
                other.execute("BEGIN IMMEDIATE")

    study = StudyConfig(model="examples.most_popular:MostPopular", seed=7)
    with connection(world) as conn:
        orchestrator = TuningOrchestrator(conn, load_dataset(conn), study, watch=Holding())
        with pytest.raises(BusyError, match="runs resume random_") as told:
            orchestrator.run_full_tuning("random", 6)
    assert "give --wait SECONDS; then resume it with: reeltune runs resume" in str(told.value)
    other.close()
    with connection(world) as conn:
        (run_id,) = (stored.tuning_run_id for stored in load_runs(conn))
        resumed = TuningOrchestrator(conn, load_dataset(conn), study).resume(run_id)
    assert (resumed.status, resumed.experiments_completed) == ("completed", 7)


def test_no_action_and_two_actions_are_wrong_usage(world: Path) -> None:
    run(SCRIPT, "--db", world, expect=2)
    run(SCRIPT, "--db", world, "--summary", "--method", "grid", expect=2)


def test_an_own_recommender_is_tuned_and_deployed_by_the_same_scripts(world: Path) -> None:
    model = ("--model", "examples.most_popular:MostPopular")
    result = run_json(SCRIPT, "--db", world, "--method", "grid", "--configs", "6", *model)
    assert result["experiments_completed"] == 7
    assert list(result["best_hyperparameters"]) == ["half_life_years"]
    promoted = run_json(
        "retrain_model.py",
        "--db",
        world,
        "--apply-hp",
        "best",
        *model,
        "--accuracy-threshold",
        "0",
    )
    assert promoted["verdict"] == "promoted"
    assert "nothing is wrong" in run("model_versioning.py", "verify", "--db", world).stdout


def interrupted(path: Path, after: int, pause: float, how: signal.Signals, *more: str) -> int:
    """Start or resume a run in a process of its own; signal it `pause` seconds after it has
    recorded the experiment that makes it `after`; its exit code."""
    words = command(SCRIPT, "--db", path, "--jobs", "2", "--quiet", *more)
    process = subprocess.Popen(
        words, cwd=ROOT, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    while process.poll() is None and completed(path) < after:
        time.sleep(0.005)
    time.sleep(pause)
    process.send_signal(how)
    _, said = process.communicate(timeout=60)
    if process.returncode == 130:
        assert b"--resume" in said
    return process.returncode


def completed(path: Path) -> int:
    with connection(path) as conn:
        found = conn.execute("SELECT count(*) FROM hp_experiments WHERE status = 'completed'")
        return int(found.fetchone()[0])


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_says_how_to_go_on_and_does(
    small_copies: list[Path], how: signal.Signals
) -> None:
    broken, unbroken = small_copies
    options = ("--method", "bayesian", "--configs", "30", "--seed", "7")
    assert interrupted(broken, 4, 0.05, how, *options) == 130
    expected = tuned(unbroken, "bayesian", 30)
    run(SCRIPT, "--db", broken, "--resume", only_run(broken), "--quiet")
    assert found(broken, only_run(broken)) == found(unbroken, expected.tuning_run_id)


@pytest.mark.slow
def test_ten_kills_change_nothing(small_copies: list[Path]) -> None:
    """kill -9 at ten random moments, each followed by --resume: the unbroken run's experiments."""
    broken, unbroken = small_copies
    expected = tuned(unbroken, "bayesian", 40)
    moments = random.Random(5)
    more: tuple[str, ...] = ("--method", "bayesian", "--configs", "40", "--seed", "7")
    for kill in range(10):
        code = interrupted(broken, 1 + 3 * kill, moments.uniform(0, 0.1), signal.SIGKILL, *more)
        assert code == -signal.SIGKILL
        with connection(broken) as conn:
            assert conn.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        more = ("--resume", only_run(broken))
    run(SCRIPT, "--db", broken, "--quiet", *more)
    assert found(broken, only_run(broken)) == found(unbroken, expected.tuning_run_id)
    assert history(broken, only_run(broken)) == history(unbroken, expected.tuning_run_id)
