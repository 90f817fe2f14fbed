"""What holds for every task: each kind that is registered is enrolled, by its own example."""

import pickle
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from reeltune.db.connection import connection
from reeltune.db.experiments import load_experiments
from reeltune.db.tuning_runs import load_run, load_runs
from reeltune.domain.errors import InputError
from reeltune.domain.evaluation import Evaluation
from reeltune.domain.space import Configuration
from reeltune.domain.study import StudyConfig
from reeltune.tasks.registry import TASKS, described, space_of, subject_of, task_kind
from reeltune.tasks.task import Task, directions
from reeltune.tuning.plan import Plan
from reeltune.tuning.proposer import Proposer
from reeltune.views.stored import describe_stored
from tests.running import ROOT, command, environment
from tests.tasks.runs import N_CONFIGS, found, plan_of, resumed, study_of, tuned

VARIANTS = (0, 1)


def test_there_are_tasks_to_hold_to_the_contract() -> None:
    assert len(TASKS) >= 2


def some_configurations(task: Task, n: int = 6) -> list[Configuration]:
    """Return the defaults, and random configurations."""
    points = np.random.default_rng(3).uniform(size=(n, len(task.space.dimensions)))
    stays = {m.name: m.default for m in task.space.hyperparameters.values() if not m.searched}
    return [task.space.defaults(), *({**task.space.decode(p), **stays} for p in points)]


def same(a: Evaluation, b: Evaluation) -> bool:
    """Return if two evaluations agree to the last bit."""
    return (
        a.n_units == b.n_units
        and a.per_unit.keys() == b.per_unit.keys()
        and np.array_equal([*a.values.values()], [*b.values.values()], equal_nan=True)
        and list(a.values) == list(b.values)
        and all(np.array_equal(v, b.per_unit[n], equal_nan=True) for n, v in a.per_unit.items())
    )


@pytest.mark.parametrize("kind", TASKS)
@pytest.mark.parametrize("variant", VARIANTS)
class TestTask:
    """The contract of a task."""

    @pytest.fixture
    def task(self, kind: str, variant: int) -> Task:
        return TASKS[kind].example(variant)

    @pytest.fixture
    def configurations(self, task: Task) -> list[Configuration]:
        return some_configurations(task)

    @pytest.fixture
    def whole(self, task: Task, configurations: list[Configuration]) -> list[Evaluation]:
        return task.evaluator().evaluate_many(configurations)

    def test_it_is_found_again_by_what_a_run_keeps(self, kind: str, task: Task) -> None:
        assert task.name == kind
        assert task.model
        study = StudyConfig(task=task.name, model=task.model)
        assert space_of(study) == task.space

    def test_its_key_is_stable(self, kind: str, variant: int, task: Task) -> None:
        objective = next(iter(task.metrics))
        assert task.key(objective) == TASKS[kind].example(variant).key(objective)
        code = (
            "from reeltune.tasks.registry import TASKS\n"
            f"print(TASKS[{kind!r}].example({variant}).key({objective!r}))"
        )
        elsewhere = subprocess.run(
            command("-c", code), cwd=ROOT, env=environment(), capture_output=True, text=True
        )
        assert elsewhere.stdout.strip() == str(task.key(objective)), elsewhere.stderr

    def test_its_key_differs_with_what_values_depend_on(
        self, kind: str, variant: int, task: Task
    ) -> None:
        first, second = list(task.metrics)[:2]
        assert task.key(first) != task.key(second)
        assert task.key(first) != TASKS[kind].example(variant + 1).key(first)

    def test_its_space_is_valid(self, task: Task, configurations: list[Configuration]) -> None:
        assert task.space.dimensions
        for configuration in configurations:
            assert task.space.checked(configuration) == configuration
            assert task.space.faults(configuration) == []

    def test_evaluation_is_deterministic(
        self, task: Task, configurations: list[Configuration], whole: list[Evaluation]
    ) -> None:
        again = task.evaluator().evaluate_many(configurations)
        assert all(map(same, whole, again))

    def test_evaluation_does_not_depend_on_batch_order_or_threads(
        self, task: Task, configurations: list[Configuration], whole: list[Evaluation]
    ) -> None:
        evaluator = task.evaluator()
        backwards = evaluator.evaluate_many(configurations[::-1])[::-1]
        one_by_one = [evaluator.evaluate_many([each])[0] for each in configurations]
        for n_threads in (1, 3):
            threaded = evaluator.on_threads(n_threads).evaluate_many(configurations)
            assert all(map(same, whole, threaded))
        assert all(map(same, whole, backwards))
        assert all(map(same, whole, one_by_one))

    def test_configurations_are_told_apart(self, whole: list[Evaluation]) -> None:
        assert any(not same(whole[0], each) for each in whole[1:])

    def test_it_measures_by_its_metrics(self, task: Task, whole: list[Evaluation]) -> None:
        assert task.metrics
        assert all(metric.name == name for name, metric in task.metrics.items())
        for each in whole:
            assert set(each.values) == set(task.metrics)
            assert each.n_units >= 1
            assert {n for n in each.per_unit if not task.metrics[n].per_unit} == set()

    def test_values_per_unit_average_to_the_value(self, whole: list[Evaluation]) -> None:
        assert any(each.per_unit for each in whole)
        for each in whole:
            for name, values in each.per_unit.items():
                assert each.values[name] == pytest.approx(np.nanmean(values), rel=1e-12)

    def test_some_units_have_the_values_that_they_have_among_all(
        self, task: Task, configurations: list[Configuration], whole: list[Evaluation]
    ) -> None:
        evaluator = task.evaluator()
        for configuration, all_units in zip(configurations[:3], whole, strict=False):
            for objective, values in all_units.per_unit.items():
                units = np.flatnonzero(np.isfinite(values))[1::3]
                (part,) = evaluator.evaluate_many([configuration], units, objective)
                assert part.per_unit[objective].shape == values.shape
                assert np.allclose(part.per_unit[objective][units], values[units], atol=1e-12)
                assert np.isnan(np.delete(part.per_unit[objective], units)).all()
                assert part.values[objective] == pytest.approx(values[units].mean())

    def test_a_panel_is_a_fixed_sample_of_the_units(
        self,
        task: Task,
        configurations: list[Configuration],
        whole: list[Evaluation],
        tmp_path: Path,
    ) -> None:
        if not task.has_units:
            refused = Plan(method="random", n_configs=1, panel=100)
            with pytest.raises(InputError, match="--panel measures some of the units first"):
                tuned(task, tmp_path / "study.db", refused)
            return
        n = 20
        (panel,) = task.evaluator(n_units=n).evaluate_many(configurations[:1])
        (again,) = task.evaluator(n_units=n).evaluate_many(configurations[:1])
        assert same(panel, again)
        assert panel.n_units == n < whole[0].n_units
        for name, values in panel.per_unit.items():
            known = np.isfinite(values)
            assert 1 <= known.sum() <= n
            assert np.allclose(values[known], whole[0].per_unit[name][known], atol=1e-12)

    def test_its_evaluator_may_be_sent_to_another_process(
        self, task: Task, configurations: list[Configuration], whole: list[Evaluation]
    ) -> None:
        sent = pickle.loads(pickle.dumps(task.evaluator()))
        assert all(map(same, whole, sent.evaluate_many(configurations)))

    def test_initial_configurations_are_valid(self, task: Task) -> None:
        for objective in task.metrics:
            for seed in (0, 1):
                guesses = task.initial_configurations(
                    task.space, objective, seed, task.space.defaults()
                )
                assert all(task.space.checked(guess) == guess for guess in guesses)

    def test_meta_features_are_figures_with_scales(self, task: Task) -> None:
        assert set(task.meta_features()) == set(task.meta_feature_scales)
        assert all(np.isfinite(value) for value in task.meta_features().values())
        assert all(scale > 0 for scale in task.meta_feature_scales.values())

    def test_directions_are_honoured(self, task: Task, tmp_path: Path) -> None:
        database = tmp_path / "study.db"
        result = tuned(task, database, plan_of(task, "random"))
        objective = study_of(task).objective
        with connection(database) as conn:
            (run,) = load_runs(conn)
            experiments = load_experiments(conn, run.tuning_run_id)
        assert run.directions == directions(task, [objective])
        assert run.direction is task.metrics[objective].direction
        bounds = {e.number: e.lower_bound for e in experiments if e.lower_bound is not None}
        upwards = {number: run.direction.upwards(bound) for number, bound in bounds.items()}
        assert len(upwards) > 2
        assert result.best_experiment_number == max(upwards, key=lambda n: (upwards[n], -n))

    def test_a_run_records_what_it_tuned(self, task: Task, tmp_path: Path) -> None:
        database = tmp_path / "study.db"
        tuned(task, database, plan_of(task, "random"))
        with connection(database) as conn:
            (run,) = load_runs(conn)
        assert (run.task, run.model, run.split) == (task.name, task.model, task.split)
        assert run.settings.keys() >= described(task).keys()
        subject = subject_of(run)
        assert subject.space == task.space
        assert subject.deploys == task_kind(task.name).deploys
        assert {n: m.direction for n, m in subject.metrics.items()} == {
            n: m.direction for n, m in task.metrics.items()
        }

    def test_stored_candidates_are_shown_and_tried_first(self, task: Task, tmp_path: Path) -> None:
        database = tmp_path / "study.db"
        with connection(database, create=True) as conn:
            proposer = Proposer(conn, task, study_of(task))
            run_id, made = proposer.save_candidates("random", 2)
            assert load_run(conn, run_id).settings.keys() >= described(task).keys()
            shown = describe_stored(conn, subject_of=subject_of)
        assert [each.experiment_id for each in shown.waiting] == [e.experiment_id for e in made]
        result = tuned(task, database, Plan(method="random", n_configs=2))
        assert result.tuning_run_id == run_id
        tried = [configuration for _, _, configuration, _, _ in found(database, run_id)]
        assert tried == [task.space.defaults(), *(dict(e.hyperparameters) for e in made)]

    def test_any_number_of_jobs_finds_the_same(self, task: Task, tmp_path: Path) -> None:
        one, two = tmp_path / "one.db", tmp_path / "two.db"
        plan = plan_of(task, "tpe")
        first, second = tuned(task, one, plan), tuned(task, two, plan, jobs=2)
        assert first.experiments_run == N_CONFIGS + 1
        assert found(one, first.tuning_run_id) == found(two, second.tuning_run_id)

    @pytest.mark.parametrize("method", ["bayesian"])
    def test_a_killed_run_is_resumed_to_what_the_unbroken_one_finds(
        self, kind: str, variant: int, method: str, task: Task, tmp_path: Path
    ) -> None:
        killed, unbroken = tmp_path / "killed.db", tmp_path / "unbroken.db"
        words = command("-m", "tests.tasks.runs", kind, str(variant), method, killed)
        process = subprocess.Popen(words, cwd=ROOT, env=environment())
        n_before = wait_for_results(killed, process)
        process.send_signal(signal.SIGKILL)
        process.wait()
        with connection(killed) as conn:
            (run,) = load_runs(conn)
        assert run.status == "running"
        resumed(task, killed, run.tuning_run_id)
        expected = tuned(task, unbroken, plan_of(task, method))
        assert 3 <= n_before <= N_CONFIGS
        assert found(killed, run.tuning_run_id) == found(unbroken, expected.tuning_run_id)


def wait_for_results(database: Path, process: subprocess.Popen[bytes], least: int = 3) -> int:
    """Wait until some experiments of the process are finished; how many are."""
    for n in finished(database):
        assert process.poll() is None, "the process ended before it could be killed"
        if n >= least:
            return n
        time.sleep(0.02)
    raise AssertionError


def finished(database: Path) -> Iterator[int]:
    """Yield how many experiments are finished, again and again."""
    while True:
        if not database.exists():
            yield 0
            continue
        with connection(database, create=True) as conn:
            yield sum(
                e.status in ("completed", "pruned", "failed")
                for run in load_runs(conn)
                for e in load_experiments(conn, run.tuning_run_id)
            )
