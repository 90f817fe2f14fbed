import json
from pathlib import Path
from textwrap import dedent

import numpy as np
import pytest

from reeltune.db.connection import connection
from reeltune.db.experiments import load_experiments, load_group_gains
from reeltune.db.tuning_runs import load_runs
from reeltune.domain.errors import InputError, InterruptedRunError
from reeltune.domain.experiment import Experiment
from reeltune.domain.search_space import SearchSpace
from reeltune.domain.space import Hyperparameter, Single, Space
from reeltune.tasks.function import FunctionTask, load_objective, objective
from reeltune.tuning.plan import Plan
from tests.running import run, run_json
from tests.tasks.runs import tuned
from tests.tuning.runs import Interrupting

HEAD = """
    import os
    import sys
    import time

    import reeltune
    from reeltune import Hyperparameter, Single, Space

    X = Hyperparameter(name="x", default=0.5, low=0.0, high=1.0, meaning="")


"""
PLAIN = """
    @reeltune.objective(space=Space((Single(X),)), metrics={"loss": "minimize"})
    def measure(configuration):
        return (configuration["x"] - 0.3) ** 2
"""
TUNE = ("-m", "reeltune", "tune")
RANDOM = ("--method", "random", "--configs", "5", "--seed", "3")


def written(folder: Path, body: str, name: str = "mine.py") -> str:
    """Write a module with a function `measure`; the name by which it is tuned."""
    (folder / name).write_text(dedent(HEAD) + dedent(body))
    return f"{folder / name}:measure"


def experiments(database: Path) -> list[Experiment]:
    """The experiments of the only run."""
    with connection(database) as conn:
        (found,) = load_runs(conn)
        return load_experiments(conn, found.tuning_run_id)


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


CODE = """
    from helper import SCALE


    @reeltune.objective(
        space=Space((Single(X),)), metrics={"loss": "minimize"}, data=["numbers.txt", "more"]
    )
    def measure(configuration):
        '''Measure.'''
        return SCALE * configuration["x"]
"""


@pytest.fixture
def with_helper(tmp_path: Path) -> str:
    """A function with a helper and data of its own."""
    (tmp_path / "helper.py").write_text("SCALE = 1.0\n")
    (tmp_path / "numbers.txt").write_text("1\n")
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "a.txt").write_text("2\n")
    return written(tmp_path, CODE)


@pytest.mark.parametrize(
    ("file", "text", "what"),
    [
        ("helper.py", "SCALE = 2.0\n", "the source of"),
        ("mine.py", dedent(HEAD + CODE).replace("SCALE *", "-SCALE *"), "the source of"),
        ("numbers.txt", "2\n", "the data"),
        ("more/a.txt", "3\n", "the data"),
        ("more/b.txt", "", "the data"),
        ("mine.py", dedent(HEAD + CODE).replace("high=1.0", "high=2.0"), "the model's space"),
        ("helper.py", "# one\nSCALE = 1.0\n", ""),
        ("mine.py", dedent(HEAD + CODE).replace("Measure.", "Measures."), ""),
    ],
)
def test_a_run_is_resumed_with_the_same_code_and_data_only(
    file: str, text: str, what: str, with_helper: str, tmp_path: Path
) -> None:
    database = tmp_path / "study.db"
    found = run_json(*TUNE, with_helper, *RANDOM, "--db", database)
    (tmp_path / file).write_text(text)
    resume = (*TUNE, "resume", found["tuning_run_id"], "--db", database)
    told = run(*resume, expect=1 if what else 0).stderr
    assert f"{what}" in told
    assert ("changed since run" in told) == bool(what)
    again = run_json(*TUNE, with_helper, *RANDOM, "--db", database)
    with connection(database) as conn:
        first, second = (
            {json.dumps(dict(e.hyperparameters)) for e in load_experiments(conn, r.tuning_run_id)}
            for r in load_runs(conn)
        )
    assert again["status"] == "completed"
    if not what:  # then what was tried is not tried again, but for the defaults
        assert len(first & second) == 1


def test_missing_data_are_named(tmp_path: Path) -> None:
    name = written(tmp_path, CODE)
    (tmp_path / "helper.py").write_text("SCALE = 1.0\n")
    told = run(*TUNE, name, *RANDOM, "--db", tmp_path / "study.db", expect=1).stderr
    assert "numbers.txt' cannot be read" in told
    assert len(told.splitlines()) == 1


def test_where_data_lie_does_not_matter(with_helper: str, tmp_path: Path) -> None:
    here = FunctionTask.of(with_helper).key("loss").data_fingerprint
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    for name in ("helper.py", "numbers.txt", "more", "mine.py"):
        (tmp_path / name).rename(elsewhere / name)
    assert FunctionTask.of(f"{elsewhere}/mine.py:measure").key("loss").data_fingerprint == here


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


OF_ANY_SIZE = """
    @reeltune.objective(space=Space((Single(X),)), metrics={"accuracy": "maximize"})
    def measure(configuration):
        return [%s * (configuration["x"] + n %% 3) for n in range(64)]
"""


@pytest.mark.parametrize("scale", [1e-12, 1e-3, 1.0, 1e9, 1e90])
def test_values_may_be_of_any_size(scale: float, tmp_path: Path) -> None:
    name, database = written(tmp_path, OF_ANY_SIZE % scale), tmp_path / "study.db"
    found = run_json(*TUNE, name, *RANDOM, "--db", database)
    measured = experiments(database)
    best = max(measured, key=lambda e: e.hyperparameters["x"])
    assert found["best_experiment_number"] == best.number
    assert found["best_value"] == pytest.approx(scale * (best.hyperparameters["x"] + 63 / 64))
    assert all(e.validation_accuracy is None for e in measured)
    with connection(database) as conn:
        gains = load_group_gains(conn, found["tuning_run_id"])
    for each in measured[1:]:
        expected = scale * (each.hyperparameters["x"] - 0.5)
        assert np.allclose(gains[each.experiment_id], expected, rtol=1e-3, atol=0)
    assert "nan" not in run(*TUNE, "--summary", "--db", database).stdout


UNITS = """
    import numpy as np


    @reeltune.objective(space=Space((Single(X),)), metrics={"loss": "minimize"}, n_units=640)
    def measure(configuration, units):
        with open(%r, "a") as log:
            print(len(units), file=log)
        noise = np.random.default_rng(1).normal(size=640)[units]
        return {"loss": 10 * (configuration["x"] - 0.5) ** 2 + 0.1 * noise}
"""


def test_clearly_worse_experiments_are_measured_on_some_units_only(tmp_path: Path) -> None:
    log, database = tmp_path / "log.txt", tmp_path / "study.db"
    name = written(tmp_path, UNITS % str(log))
    found = run_json(*TUNE, name, *RANDOM, "--pruner", "paired", "--jobs", "1", "--db", database)
    assert found["experiments_pruned"] >= 2
    sizes = [int(line) for line in log.read_text().split()]
    n_pruned = found["experiments_pruned"]
    assert sorted(sizes) == n_pruned * [40] + found["experiments_completed"] * [640]


def test_a_panel_is_all_that_is_asked_for(tmp_path: Path) -> None:
    log, database = tmp_path / "log.txt", tmp_path / "study.db"
    name = written(tmp_path, UNITS % str(log))
    run(*TUNE, name, *RANDOM, "--panel", "100", "--jobs", "1", "--db", database)
    assert set(log.read_text().split()) == {"100"}


WRONG_UNITS = """
    @reeltune.objective(space=Space((Single(X),)), metrics={"loss": "minimize"}, n_units=640)
    def measure(configuration, units):
        return {"loss": [1.0] * (len(units) - 1)}
"""


def test_a_function_must_answer_for_the_units_that_it_was_asked_for(tmp_path: Path) -> None:
    task = FunctionTask.of(written(tmp_path, WRONG_UNITS))
    with pytest.raises(InputError, match="loss must have a value for each of the 640 units"):
        task.evaluator().evaluate_many([task.space.defaults()])


def test_results_on_other_data_are_no_history_but_a_start(with_helper: str, tmp_path: Path) -> None:
    """What gained before is tried early, also where data or code are others by now."""
    database = tmp_path / "study.db"
    first = run_json(*TUNE, with_helper, *RANDOM, "--db", database)
    (tmp_path / "numbers.txt").write_text("9\n")
    run(*TUNE, with_helper, *RANDOM, "--db", database)
    with connection(database) as conn:
        second = load_experiments(conn, load_runs(conn)[1].tuning_run_id)
    assert second[1].exploration_phase == "initial"
    assert dict(second[1].hyperparameters) == first["best_hyperparameters"]


def test_an_interrupted_run_says_how_to_go_on(tmp_path: Path) -> None:
    task = FunctionTask.of(written(tmp_path, PLAIN))
    with pytest.raises(InterruptedRunError, match=r"reeltune runs resume random_"):
        tuned(task, tmp_path / "study.db", Plan(method="random"), watch=Interrupting(2))
