"""A model with categories and conditions goes through tuning, storage and deployment."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from reeltune.commands.retrain import main as retrain
from reeltune.commands.retrain import read_apply_hp
from reeltune.commands.tune import TuningOrchestrator
from reeltune.commands.tune import main as tune
from reeltune.db.connection import connection
from reeltune.db.dataset import load_dataset
from reeltune.db.deployed import load_deployed
from reeltune.db.experiments import load_experiments
from reeltune.db.tuning_runs import load_runs
from reeltune.domain.errors import InputError, InterruptedRunError
from reeltune.domain.limits import Limit, Limits
from reeltune.domain.study import StudyConfig
from reeltune.search import STRATEGIES, missing_libraries
from reeltune.sweeps.document import FaultyError
from reeltune.sweeps.sweep import read_sweep
from reeltune.tasks.registry import subject_of
from reeltune.tuning.plan import Plan
from reeltune.views.summary import summarise
from tests.mixed_model import Mixed
from tests.tuning.runs import Interrupting, found, tuned
from tests.tuning.test_result import SCHEMA, check

MODEL = "tests.mixed_model:Mixed"
INSTALLED = [name for name in STRATEGIES if not missing_libraries(name)]


@pytest.mark.parametrize("method", INSTALLED)
def test_what_is_stored_is_valid_and_read_back_as_it_was(world: Path, method: str) -> None:
    result = tuned(world, Plan(method=method, n_configs=7), model=MODEL)
    shown = result.as_dict() | {"promotion": None, "renewal": None, "night": None}
    check(json.loads(json.dumps(shown)), SCHEMA)
    with connection(world) as conn:
        stored = [e.hyperparameters for e in load_experiments(conn, result.tuning_run_id)]
    assert len(stored) == 8
    for configuration in stored:
        assert Mixed.space.faults(configuration) == []
        assert repr(Mixed.space.checked(configuration)) == repr(configuration)
    assert len({json.dumps(configuration) for configuration in stored}) == 8


def test_a_resumed_run_equals_an_unbroken_one(world: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.db"
    other.write_bytes(world.read_bytes())
    plan = Plan(method="tpe", n_configs=16)
    unbroken = tuned(world, plan, model=MODEL)
    study = StudyConfig(seed=7, model=MODEL)
    with connection(other) as conn:
        data = load_dataset(conn)
        with pytest.raises(InterruptedRunError):
            TuningOrchestrator(conn, data, study, jobs=1, watch=Interrupting(9)).run(plan)
        (run,) = load_runs(conn)
        TuningOrchestrator(conn, data, study, jobs=1).resume(run.tuning_run_id)
    assert found(other, run.tuning_run_id) == found(world, unbroken.tuning_run_id)


def test_a_next_run_learns_from_the_last_and_starts_from_it(world: Path) -> None:
    first = tuned(world, Plan(method="random", n_configs=12), model=MODEL)
    second = tuned(world, Plan(method="bayesian", n_configs=6), model=MODEL, seed=8)
    with connection(world) as conn:
        before, after = (
            [json.dumps(e.hyperparameters) for e in load_experiments(conn, run.tuning_run_id)[1:]]
            for run in (first, second)
        )
        said = json.dumps(summarise(conn, subject_of=subject_of).as_dict())
    assert not set(before) & set(after)
    assert '"kind"' in said


def test_partial_hyperparameters_are_merged_or_refused_with_the_reason(world: Path) -> None:
    study = StudyConfig(model=MODEL)
    with connection(world) as conn:
        found, _ = read_apply_hp(conn, study, '{"kind": "mean", "prior": 50}')
        assert found == {
            "kind": "mean",
            "new first": False,
            "noise": 1e-6,
            "prior": 50,
            "genre_weight": "low",
        }
        said = r"prior applies only while kind is 'mean', which is 'count': leave it out"
        with pytest.raises(InputError, match=said):
            read_apply_hp(conn, study, '{"prior": 50}')
        with pytest.raises(InputError, match="kind must be one of 'count', 'mean', 'genre', got 1"):
            read_apply_hp(conn, study, '{"kind": 1}')
        with pytest.raises(InputError, match="new first must be true or false, got 'yes'"):
            read_apply_hp(conn, study, '{"new first": "yes"}')


def test_what_was_found_is_deployed_and_shown(world: Path) -> None:
    shown = CliRunner().invoke(
        tune, ["--db", str(world), "--model", MODEL, "--method", "random", "--configs", "9"]
    )
    assert shown.exit_code == 0, shown.output
    given = '{"kind": "genre"}'  # as good as what is deployed
    options = ["--db", str(world), "--model", MODEL, "--accuracy-threshold", "0", "--force"]
    done = CliRunner().invoke(retrain, [*options, "--apply-hp", given])
    assert done.exit_code == 0, done.output
    with connection(world) as conn:
        deployed = load_deployed(conn, Mixed.space, MODEL).hyperparameters
    assert deployed == Mixed.space.merged(Mixed.space.defaults(), json.loads(given))


SWEEP = f"""
name: mixed
method: random
configs: 8
model: {MODEL}
parameters:
  kind: [mean, count]
  prior: {{low: 10, high: 100}}
  noise: {{fixed: 1e-3}}
  new first: [true]
"""


def test_a_sweep_limits_choices_and_what_hangs_on_them(world: Path, tmp_path: Path) -> None:
    path = tmp_path / "sweep.yaml"
    path.write_text(SWEEP, encoding="utf-8")
    sweep = read_sweep(path)
    assert sweep.plan.limits == Limits(
        limits=(
            Limit(name="kind", choices=("mean", "count")),
            Limit(name="prior", low=10, high=100),
            Limit(name="noise", choices=(1e-3,)),
            Limit(name="new first", choices=(True,)),
        )
    )
    result = tuned(world, sweep.plan, model=MODEL)
    with connection(world) as conn:
        tried = load_experiments(conn, result.tuning_run_id)[1:]
    assert len(tried) == 8
    kinds = {e.hyperparameters["kind"] for e in tried}
    assert kinds == {"mean", "count"}
    for e in tried:
        assert e.hyperparameters["noise"] == 1e-3
        assert e.hyperparameters["new first"] is True
        assert 10 <= e.hyperparameters.get("prior", 10) <= 100
        assert ("prior" in e.hyperparameters) == (e.hyperparameters["kind"] == "mean")


def test_a_grid_over_choices_alone_is_tried_whole(world: Path, tmp_path: Path) -> None:
    path = tmp_path / "sweep.yaml"
    path.write_text(
        f"name: all\nmethod: grid\nmodel: {MODEL}\nothers: fixed\n"
        "parameters:\n  kind: [count, mean]\n  prior: [5, 50]\n  genre_weight: [low, high]\n",
        encoding="utf-8",
    )
    result = tuned(world, read_sweep(path).plan, model=MODEL)
    assert result.experiments_completed == 5  # count, and mean with two priors and two weights


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ("kind: [count, median]", "parameters.kind: kind must be one of 'count', 'mean', 'genre'"),
        ("kind: {low: 1}", "parameters.kind: kind has no range: give choices"),
        ("new first: [1]", "parameters.new first: new first must be true or false, got 1"),
        ("prior: [many]", "parameters.prior: prior must be a number, got 'many'"),
        (
            "kind: [count]\n  prior: [5, 9]",
            "parameters: prior applies only while kind is 'mean', which the limits leave out",
        ),
    ],
)
def test_wrong_limits_are_told_with_their_line(tmp_path: Path, parameters: str, said: str) -> None:
    path = tmp_path / "sweep.yaml"
    head = f"name: a\nmethod: random\nmodel: {MODEL}\nparameters:\n  "
    path.write_text(head + parameters + "\n", encoding="utf-8")
    with pytest.raises(FaultyError, match=r"sweep.yaml:[45]: ") as caught:
        read_sweep(path)
    assert said in str(caught.value)
