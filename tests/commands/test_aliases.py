"""Forms of earlier versions do the same as those of `reeltune runs`, `candidates` and so on."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from reeltune.commands.main import main
from reeltune.commands.retrain import main as retrain
from reeltune.commands.runs import runs
from reeltune.commands.tune import main as tune
from reeltune.commands.warm_starts import warm_starts
from reeltune.db.connection import connection, transaction
from reeltune.db.tuning_runs import set_run_status
from reeltune.tuning.plan import Plan
from tests.running import run as run_script
from tests.tuning.runs import tuned


def output(*words: str | Path, expect: int = 0) -> str:
    done = CliRunner().invoke(main, [str(word) for word in words])
    assert done.exit_code == expect, done.output
    return done.output


def output_json(*words: str | Path) -> Any:
    return json.loads(output(*words, "--json"))


@pytest.fixture
def run_id(world: Path) -> str:
    return tuned(world, Plan(method="random", n_configs=2)).tuning_run_id


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (["tune", "list"], ["runs", "list"]),
        (["tune", "show", "RUN"], ["runs", "show", "RUN"]),
        (["tune", "--summary"], ["runs", "show"]),
        (["tune", "--summary", "--run", "RUN"], ["runs", "show", "RUN"]),
        (["tune", "--compare", "RUN_000", "RUN_002"], ["runs", "compare", "RUN_000", "RUN_002"]),
        (["tune", "--patterns"], ["warm-starts"]),
        (["retrain", "--tune-report"], ["runs", "show"]),
    ],
)
def test_an_old_form_prints_what_the_new_one_does(
    old: list[str], new: list[str], world: Path, run_id: str
) -> None:
    for more in ([], ["--json"]):
        a, b = (
            output(*(word.replace("RUN", run_id) for word in words), *more, "--db", world)
            for words in (old, new)
        )
        assert a == b != ""


@pytest.mark.parametrize("form", [("tune", "--resume"), ("tune", "resume"), ("runs", "resume")])
def test_a_run_is_resumed_by_every_form(form: tuple[str, ...], world: Path, run_id: str) -> None:
    with connection(world) as conn, transaction(conn):
        conn.execute(
            "UPDATE hp_experiments SET status = 'pending', completion_number = NULL"
            " WHERE number = 2"
        )
        set_run_status(conn, run_id, "interrupted")
    found = output_json(*form, run_id, "--db", world, "--jobs", "1", "--quiet")
    assert (found["tuning_run_id"], found["experiments_completed"]) == (run_id, 3)


@pytest.mark.parametrize("form", [("tune", "stop"), ("runs", "stop")])
def test_a_run_is_stopped_by_every_form(form: tuple[str, ...], world: Path, run_id: str) -> None:
    with connection(world) as conn, transaction(conn):
        set_run_status(conn, run_id, "running")
    assert output_json(*form, run_id, "--db", world)["status"] == "interrupted"


def test_candidates_are_the_same_by_either_form(small_world: Path, tmp_path: Path) -> None:
    forms = (
        ("candidates", "--method", "random", "--configs", "3"),
        ("retrain", "--tune", "--tune-method", "random", "--tune-configs", "3"),
    )
    stored = []
    for n, form in enumerate(forms):
        path = Path(shutil.copy(small_world, tmp_path / f"{n}.db"))
        assert len(output_json(*form, "--db", path)["experiments"]) == 3
        with connection(path) as conn:
            rows = conn.execute("SELECT hyperparameters FROM hp_experiments ORDER BY number")
            stored.append([row[0] for row in rows])
    assert stored[0] == stored[1]


def test_scripts_are_the_commands_of_that_name() -> None:
    context = main.make_context("reeltune", [], resilient_parsing=True)
    for name, command in {
        "tune": tune,
        "retrain": retrain,
        "runs": runs,
        "warm-starts": warm_starts,
    }.items():
        assert main.get_command(context, name) is command


@pytest.mark.parametrize(
    "program",
    [
        "tune_orchestrator.py",
        "retrain_model.py",
        "model_versioning.py",
        "hyperparameter_tuner.py",
        "model.py",
        "-m reeltune",
        "-m db",
    ],
)
def test_every_program_has_a_version_and_help(program: str) -> None:
    assert re.fullmatch(r"reeltune \d[\w.]+\n", run_script(*program.split(), "--version").stdout)
    assert "--version" in run_script(*program.split(), "--help").stdout
    if program in ("hyperparameter_tuner.py", "model.py"):
        assert max(map(len, run_script(program).stdout.splitlines())) <= 80
    wrong = run_script(*program.split(), "--versoin", expect=2).stderr
    assert "Did you mean" in wrong
