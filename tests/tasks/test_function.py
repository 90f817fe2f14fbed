from pathlib import Path

import pytest

from reeltune.db.connection import connection
from reeltune.domain.errors import InputError, InterruptedRunError
from reeltune.domain.search_space import SearchSpace
from reeltune.domain.space import Hyperparameter, Single, Space
from reeltune.tasks.function import FunctionTask, load_objective, objective
from reeltune.tuning.plan import Plan
from tests.running import run, run_json
from tests.tasks.functions import PLAIN, RANDOM, TUNE, experiments, written
from tests.tasks.runs import tuned
from tests.tuning.runs import Interrupting


def test_a_declared_function_is_still_the_function(tmp_path: Path) -> None:
    found = load_objective(written(tmp_path, PLAIN))
    assert found({"x": 0.5}) == pytest.approx(0.04)
    assert vars(found)["__name__"] == "measure"


def test_a_function_is_tuned_resumed_and_shown_in_a_database_of_its_own(tmp_path: Path) -> None:
    name, database = written(tmp_path, PLAIN), tmp_path / "study.db"
    found = run_json(*TUNE, name, *RANDOM, "--db", database)
    assert found["status"] == "completed"
    assert found["best_value"] == min(found["best_value"], found["baseline_value"])
    assert found["promotion"] is None
    run_id = found["tuning_run_id"]
    (line,) = run_json(*TUNE, "list", "--db", database)
    assert (line["task"], line["model"], line["split"]) == ("function", name, "none")
    shown = run_json(*TUNE, "show", run_id, "--db", database)
    assert shown["findings"]["metrics"]["loss"]["higher_is_better"] is False
    told = run(*TUNE, "--summary", "--db", database).stdout
    for word in ("rating", "movie", "user", "deployed", "split", "retrain_model"):
        assert word not in told, told
    assert "loss (less is better)" in told
    assert "Best against defaults" in told
    assert "the default configuration" in told
    assert "Next: python -m reeltune tune" in told
    resumed = run_json(*TUNE, "--resume", run_id, "--db", database)
    assert resumed["best_value"] == found["best_value"]
    with connection(database) as conn:
        assert conn.execute("SELECT count(*) FROM ratings").fetchone()[0] == 0


def test_a_summary_does_without_the_function(tmp_path: Path) -> None:
    name, database = written(tmp_path, PLAIN), tmp_path / "study.db"
    run(*TUNE, name, *RANDOM, "--db", database)
    before = run(*TUNE, "--summary", "--db", database).stdout
    (tmp_path / "mine.py").unlink()
    assert run(*TUNE, "--summary", "--db", database).stdout == before


def test_what_the_command_prints_next_can_be_typed(tmp_path: Path) -> None:
    name, database = written(tmp_path, PLAIN), tmp_path / "a study.db"
    told = run(*TUNE, name, *RANDOM, "--quiet", "--db", database).stdout
    line = told.splitlines()[-1]
    assert line == (
        f"Next: python -m reeltune tune {name} --method bayesian --configs 20 --objective loss "
        f"--db '{database}'"
    )


def test_functions_of_packages_are_tuned_by_their_dotted_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "nine_lives"
    package.mkdir()
    (package / "__init__.py").write_text("")
    written(package, PLAIN, "cat.py")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    database = tmp_path / "study.db"
    found = run_json(*TUNE, "nine_lives.cat:measure", *RANDOM, "--db", database)
    assert found["experiments_completed"] == 6


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("mine.py:nothing", "has no attribute 'nothing'"),
        ("mine.py:X", "was not declared: put @reeltune.objective"),
        ("mine.py:", "a function is 'path/to/file.py:name' or 'package.module:name'"),
        ("absent.py:measure", "cannot be imported: ImportError: no such file"),
        ("no_such_package.mine:measure", "cannot be imported: ModuleNotFoundError"),
        ("broken.py:measure", "cannot be imported: ZeroDivisionError"),
        ("leaving.py:measure", "cannot be imported: SystemExit"),
    ],
)
def test_what_cannot_be_tuned_is_refused_in_one_line_and_makes_no_database(
    name: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(tmp_path, PLAIN)
    (tmp_path / "broken.py").write_text("1 / 0")
    (tmp_path / "leaving.py").write_text("raise SystemExit(3)")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError) as refused:
        load_objective(name)
    assert said in str(refused.value)
    database = tmp_path / "study.db"
    named = name if "no_such" in name or name == "mine.py:" else str(tmp_path / name)
    told = run(*TUNE, named, *RANDOM, "--db", database, expect=1).stderr
    assert len(told.splitlines()) == 1
    assert not database.exists()


def test_declarations_that_cannot_be_meant_are_refused() -> None:
    space = Space((Single(Hyperparameter(name="x", default=0, low=0, high=1, meaning="")),))
    for metrics, said in (
        ({}, "there must be a metric"),
        ({"loss": "down"}, "the direction of loss must be minimize or maximize, got 'down'"),
        ({"seconds": "minimize"}, "not 'seconds'"),
        ({"a,b": "minimize"}, "without commas"),
    ):
        with pytest.raises(InputError, match=said):
            objective(space=space, metrics=metrics)
    with pytest.raises(InputError, match="n_units must be 1 or more, got 0"):
        objective(space=space, metrics={"loss": "minimize"}, n_units=0)


FAILING = """
    @reeltune.objective(space=Space((Single(X),)), metrics={"loss": "minimize"})
    def measure(configuration):
        print("said by the function")
        if configuration["x"] == 0.5:
            return 1.0
        %s
"""

LIMITED = ("--timeout-per-experiment", "1", "--memory-limit", "200M", "--jobs", "2")


@pytest.mark.parametrize(
    ("body", "options", "said"),
    [
        ("raise ValueError('too\\nsmall')", ("--jobs", "1"), "ValueError: too small"),
        ("return float('nan')", ("--jobs", "1"), "loss must be a finite number, or one per unit"),
        ("return [1.0, float('inf')]", ("--jobs", "1"), "loss of unit 1 must be finite or None"),
        ("return {'cost': 1.0}", ("--jobs", "1"), "loss is missing; unknown metric 'cost'"),
        ("sys.exit('enough')", ("--jobs", "1"), "SystemExit: enough"),
        ("raise KeyError", ("--jobs", "2"), "KeyError"),
        ("time.sleep(60)", LIMITED, "took longer than 1 s and was stopped"),
        ("return len(bytearray(2**30))", LIMITED, "MemoryError"),
        ("os._exit(3)", ("--jobs", "2"), "worker process died"),
    ],
)
def test_an_experiment_that_fails_does_so_alone_with_its_reason(
    body: str, options: tuple[str, ...], said: str, tmp_path: Path
) -> None:
    name, database = written(tmp_path, FAILING % body), tmp_path / "study.db"
    few = ("--method", "random", "--configs", "2", "--seed", "3")
    found = run_json(*TUNE, name, *few, *options, "--db", database)
    assert (found["status"], found["experiments_failed"]) == ("completed", 2)
    assert found["best_experiment_number"] == 0
    failed = [each for each in experiments(database) if each.status == "failed"]
    assert all(said in (each.error or "") for each in failed), failed


def test_a_function_has_nothing_to_deploy_and_says_so(tmp_path: Path) -> None:
    name, database = written(tmp_path, PLAIN), tmp_path / "study.db"
    told = run(*TUNE, name, *RANDOM, "--promote", "--db", database, expect=1).stderr
    assert told.startswith("error: --promote puts a model into production, and a function has none")
    run(*TUNE, name, *RANDOM, "--db", database)
    first, second = (each.experiment_id for each in experiments(database)[:2])
    for words in (
        ("retrain_model.py", "--apply-hp", first),
        ("tune_orchestrator.py", "--compare", first, second),
    ):
        refused = run(*words, "--db", database, expect=1).stderr
        assert len(refused.splitlines()) == 1


DEAF = """
    @reeltune.objective(space=Space((Single(X),)), metrics={"loss": "minimize"})
    def measure(configuration):
        if configuration["x"] == 0.5:
            return 1.0
        while True:
            try:
                time.sleep(60)
            except Exception:
                pass
"""


def test_a_time_limit_ends_a_run_whatever_the_function_catches(tmp_path: Path) -> None:
    name, database = written(tmp_path, DEAF), tmp_path / "study.db"
    found = run_json(*TUNE, name, *RANDOM, "--timeout", "6", "--jobs", "1", "--db", database)
    assert (found["status"], found["stopped_by"]) == ("completed", "timeout")
    assert found["experiments_completed"] == 1


SLOW_TO_IMPORT = """
    time.sleep(2)


    @reeltune.objective(space=Space((Single(X),)), metrics={"loss": "minimize"})
    def measure(configuration):
        return configuration["x"]
"""


def test_the_time_limit_of_an_experiment_does_not_count_the_import(tmp_path: Path) -> None:
    name, database = written(tmp_path, SLOW_TO_IMPORT), tmp_path / "study.db"
    found = run_json(
        *TUNE, name, *RANDOM, "--timeout-per-experiment", "1", "--jobs", "1", "--db", database
    )
    assert found["experiments_completed"] == 6


def test_a_space_may_be_put_together_step_by_step() -> None:
    space = SearchSpace()
    space.root.add_float_param("x", 0.0, 1.0)
    declared = objective(space=space, metrics={"loss": "minimize"})(lambda c: c["x"])
    assert declared.space == space.to_space()


def test_an_interrupted_run_says_how_to_go_on(tmp_path: Path) -> None:
    task = FunctionTask.of(written(tmp_path, PLAIN))
    with pytest.raises(InterruptedRunError, match=r"reeltune runs resume random_"):
        tuned(task, tmp_path / "study.db", Plan(method="random"), watch=Interrupting(2))
