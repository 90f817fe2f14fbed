"""Runs with several objectives, from the command line to the stored front."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from reeltune.commands.retrain import main as retrain_main
from reeltune.commands.tune import main
from reeltune.db.connection import connection
from reeltune.db.dataset import load_dataset
from reeltune.db.experiments import load_experiments
from reeltune.db.tuning_runs import load_run, load_runs
from reeltune.domain.errors import InputError, InterruptedRunError
from reeltune.domain.objectives import read_objectives
from reeltune.domain.study import StudyConfig
from reeltune.metrics.objectives import all_objectives, deciding_objectives
from reeltune.stats.pareto import front
from reeltune.tuning.orchestrator import study_of
from reeltune.tuning.plan import Plan
from reeltune.tuning.ratings import HyperparameterTuner, TuningOrchestrator
from tests.tuning.runs import Interrupting, tuned

BOTH = ("--objective", "accuracy,diversity")


def said(*words: str | Path, expect: int = 0) -> Result:
    done = CliRunner().invoke(main, [str(word) for word in words])
    assert done.exit_code == expect, done.output
    return done


def said_json(*words: str | Path) -> Any:
    return json.loads(said(*words, "--json").stdout)


def test_the_front_is_what_no_completed_experiment_beats(world: Path) -> None:
    result = said_json("--method", "nsga2", "--configs", "12", *BOTH, "--db", world, "--jobs", "1")
    assert result["objectives"] == ["accuracy", "diversity"]
    with connection(world) as conn:
        experiments = load_experiments(conn, result["tuning_run_id"])
    values = [[e.metrics["accuracy"], e.metrics["diversity"]] for e in experiments]
    on_front = np.flatnonzero(front(np.array(values, dtype=np.float64)))
    assert sorted(point["number"] for point in result["front"]) == on_front.tolist()
    by_accuracy = [point["values"]["accuracy"] for point in result["front"]]
    assert by_accuracy == sorted(by_accuracy, reverse=True)
    assert by_accuracy[0] == max(e.metrics["accuracy"] or 0.0 for e in experiments)


def test_the_summary_shows_the_front_as_table_and_picture(world: Path) -> None:
    words = ("--method", "random", "--configs", "8", *BOTH, "--db", world, "--jobs", "1")
    run_id = said_json(*words)["tuning_run_id"]
    shown = said("show", run_id, "--db", world).stdout
    assert "objectives accuracy, diversity" in shown
    assert "Pareto front: " in shown
    assert "Diversity (up) by Accuracy (right)" in shown
    found = said_json("show", run_id, "--db", world)
    assert len(found["findings"]["points"]) == 9
    assert found["findings"]["run"]["objectives"] == ["accuracy", "diversity"]
    assert "accuracy, diversity" in json.dumps(said_json("list", "--db", world)).replace('"', "")
    alone = said_json("--method", "random", "--configs", "2", "--db", world, "--jobs", "1")
    assert (alone["objectives"], alone["front"]) == (["accuracy"], [])
    assert "Pareto" not in said("--summary", "--db", world).stdout


@pytest.mark.parametrize("method", ["nsga2", "bayesian", "tpe", "evolution"])
def test_a_resumed_run_with_several_objectives_is_the_unbroken_one(
    world: Path, tmp_path: Path, method: str
) -> None:
    plan = Plan(method=method, n_configs=16)
    study = {"further_objectives": ("ndcg@10", "diversity")}
    other = tmp_path / "other.db"
    other.write_bytes(world.read_bytes())
    expected = tuned(other, plan, jobs=2, **study)
    with connection(world) as conn:
        chosen = StudyConfig(seed=7, further_objectives=("ndcg@10", "diversity"))
        data = load_dataset(conn)
        broken = TuningOrchestrator(conn, data, chosen, watch=Interrupting(9))
        with pytest.raises(InterruptedRunError):
            broken.run(plan)
        (run,) = load_runs(conn)
        assert study_of(run) == chosen
        result = TuningOrchestrator(conn, data, study_of(run)).resume(run.tuning_run_id)
    assert [p.number for p in result.front] == [p.number for p in expected.front]
    assert [p.values for p in result.front] == [p.values for p in expected.front]


def test_results_of_runs_with_one_objective_teach_one_with_several(world: Path) -> None:
    first = tuned(world, Plan(method="random", n_configs=3))
    with connection(world) as conn:
        study = StudyConfig(seed=7, further_objectives=("seconds", "mrr"))
        tuner = HyperparameterTuner(conn, load_dataset(conn), study)
        run = load_run(conn, first.tuning_run_id)
        trials = tuner.earlier_trials(
            type(run)(
                **{
                    **{name: getattr(run, name) for name in type(run).__dataclass_fields__},
                    "settings": {"further_objectives": ["seconds", "mrr"]},
                    "history_cutoff": None,
                }
            )
        )
        experiments = load_experiments(conn, first.tuning_run_id)
    assert [t.values for t in trials] == [
        (e.objective_value, -(e.duration_seconds or 0.0), e.metrics["mrr"]) for e in experiments
    ]


def test_each_experiment_is_timed_by_itself_where_seconds_are_an_objective(world: Path) -> None:
    result = tuned(world, Plan(method="random", n_configs=6), further_objectives=("seconds",))
    with connection(world) as conn:
        experiments = load_experiments(conn, result.tuning_run_id)
    assert len({e.duration_seconds for e in experiments}) == 7


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("seconds", "objective must be one of accuracy"),
        ("coverage@10,accuracy", "first objective must be one of accuracy"),
        ("accuracy,speed", "further objectives must be of accuracy"),
        ("accuracy,accuracy", "must differ"),
        ("accuracy,mrr,novelty,seconds", "3 objectives at most, got 4"),
        ("", "objective must be one of accuracy"),
    ],
)
def test_a_list_that_cannot_be_is_wrong_usage(world: Path, text: str, told: str) -> None:
    assert told in said("--method", "random", "--objective", text, "--db", world, expect=2).output
    with pytest.raises(InputError, match=told):
        read_objectives(text, deciding_objectives(), all_objectives())


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--method", "cmaes"), "--method cmaes needs one objective, got accuracy, diversity"),
        (("--method", "random", "--pruner", "paired"), "--pruner needs one objective"),
        (("--method", "grid", "--progressive"), "--progressive needs one objective"),
    ],
)
def test_what_needs_one_objective_says_so_and_runs_nothing(
    world: Path, words: tuple[str, ...], told: str
) -> None:
    assert told in said(*words, *BOTH, "--db", world, expect=1).stderr
    with connection(world) as conn:
        assert load_runs(conn) == []


def test_a_retraining_is_decided_by_one_objective(world: Path) -> None:
    done = CliRunner().invoke(retrain_main, [*BOTH, "--db", str(world)])
    assert done.exit_code == 2
    assert "one --objective decides here" in done.output
