import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from reeltune.commands.tune import main
from reeltune.db.connection import connection
from reeltune.db.dataset import load_dataset
from reeltune.db.tuning_runs import load_runs
from reeltune.domain.errors import InterruptedRunError
from reeltune.domain.study import StudyConfig
from reeltune.tuning.plan import Plan
from reeltune.tuning.ratings import TuningOrchestrator
from reeltune.tuning.stopping import StopRules
from tests.tuning.runs import Interrupting, tuned


def said(*words: str | Path, expect: int = 0) -> Result:
    done = CliRunner().invoke(main, [str(word) for word in words])
    assert done.exit_code == expect, done.output
    return done


def said_json(*words: str | Path) -> Any:
    return json.loads(said(*words, "--json").stdout)


def test_runs_are_listed(world: Path) -> None:
    assert "no tuning runs yet" in said("list", "--db", world).stdout
    run_id = tuned(world, Plan(method="random", n_configs=1)).tuning_run_id
    assert [run["tuning_run_id"] for run in said_json("list", "--db", world)] == [run_id]
    assert run_id in said("list", "--db", world).stdout


def test_a_run_is_shown_with_what_it_was_set_up_with(world: Path) -> None:
    plan = Plan(method="random", n_configs=2, stop=StopRules(patience=9, target=0.99))
    run_id = tuned(world, plan).tuning_run_id
    assert "target 0.99, patience 9" in said("show", run_id, "--db", world).stdout
    shown = said_json("show", run_id, "--db", world)
    assert shown["findings"]["run"]["tuning_run_id"] == run_id
    assert shown["settings"]["stop"]["patience"] == 9
    said("show", "nothing", "--db", world, expect=1)


def test_an_interrupted_run_is_resumed_by_its_id(world: Path) -> None:
    with connection(world) as conn:
        orchestrator = TuningOrchestrator(
            conn, load_dataset(conn), StudyConfig(seed=7), watch=Interrupting(2)
        )
        with pytest.raises(InterruptedRunError):
            orchestrator.run(Plan(method="random", n_configs=3, stop=StopRules(patience=50)))
        (run,) = load_runs(conn)
    result = said_json("resume", run.tuning_run_id, "--db", world, "--jobs", "1")
    assert (result["experiments_completed"], result["stopped_by"]) == (4, "configs")


def test_a_quick_sweep_tries_twelve(world: Path) -> None:
    result = said_json("quick", "--db", world, "--jobs", "1")
    assert result["experiments_completed"] == 13


def test_what_a_run_began_with_is_shown(world: Path) -> None:
    tuned(world, Plan(method="random", n_configs=12))
    with connection(world) as conn:
        conn.execute("DELETE FROM ratings WHERE user_id = 1")
    run_id = tuned(world, Plan(method="random", n_configs=4)).tuning_run_id
    (start,) = said_json("show", run_id, "--db", world)["warm_starts"]
    assert start["experiment_id"] == f"{run_id}_001"
    assert "Warm starts from earlier runs: 1" in said("show", run_id, "--db", world).stdout


def test_patterns_are_listed(world: Path) -> None:
    assert "no warm starts yet" in said("--patterns", "--db", world).stdout
    run_id = tuned(world, Plan(method="random", n_configs=5)).tuning_run_id
    (pattern,) = said_json("--patterns", "--db", world)
    assert (pattern["tuning_run_id"], pattern["trust"]) == (run_id, 0.5)
    assert run_id in said("--patterns", "--db", world).stdout


def test_options_before_a_command_are_refused_and_not_ignored(world: Path) -> None:
    assert (
        "options come after 'list': leave out --db" in said("--db", world, "list", expect=2).output
    )


def test_a_resumed_run_takes_no_new_settings(world: Path) -> None:
    words = ("--resume", "random_1", "--db", world, "--patience", "3", "--seed", "1")
    assert "leave out --patience, --seed" in said(*words, expect=2).output


def test_an_expected_error_is_one_line_with_and_without_a_command(tmp_path: Path) -> None:
    for words in (["list"], ["--summary"], ["resume", "x"]):
        done = said(*words, "--db", tmp_path / "none.db", expect=1)
        assert done.stderr.startswith("error: no database at")
        assert len(done.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize("option", ["--patience=0", "--target=much", "--timeout=0"])
def test_an_impossible_rule_is_wrong_usage(world: Path, option: str) -> None:
    said("--method", "random", "--db", world, option, expect=2)


def test_only_a_grid_has_steps(world: Path) -> None:
    words = ("--method", "random", "--progressive", "--db", world)
    assert "go with --method grid, not random" in said(*words, expect=2).output
    options = ("--method", "grid", "--configs", "3", "--progressive", "--grid-radius", "0.2")
    result = said_json(*options, "--db", world, "--jobs", "1")
    shown = said("show", result["tuning_run_id"], "--db", world).stdout
    assert "progressive grid, grid radius 0.2" in shown
