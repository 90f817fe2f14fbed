import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from reeltune.commands.tune import main
from reeltune.db.connection import connection
from reeltune.db.dataset import load_dataset
from reeltune.db.experiments import load_experiments
from reeltune.db.tuning_runs import load_run, load_runs
from reeltune.sweeps.sweep import find_sweeps, read_sweep
from reeltune.tuning.ratings import TuningOrchestrator
from tests.running import ROOT

EXAMPLES = find_sweeps(ROOT / "examples" / "sweeps")
MAX_CONFIGS = 6  # in a test


def said(*words: str | Path, expect: int = 0) -> Result:
    done = CliRunner().invoke(main, [str(word) for word in words])
    assert done.exit_code == expect, done.output
    return done


def said_json(*words: str | Path) -> Any:
    return json.loads(said(*words, "--json").stdout)


def test_every_example_has_a_name_of_its_own() -> None:
    assert len(EXAMPLES) >= 6
    assert len({read_sweep(path).name for path in EXAMPLES}) == len(EXAMPLES)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_runs_within_its_limits(path: Path, world: Path) -> None:
    sweep = read_sweep(path)
    plan = replace(
        sweep.plan,
        n_configs=min(MAX_CONFIGS, sweep.plan.n_configs),
        memory_bytes=None,  # or a process of its own would have to start
        timeout_seconds=None,
    )
    with connection(world) as conn:
        result = TuningOrchestrator(conn, load_dataset(conn), sweep.study).run(plan)
        experiments = load_experiments(conn, result.tuning_run_id)
        assert load_run(conn, result.tuning_run_id).settings["name"] == sweep.name
    assert result.experiments_failed == 0
    assert result.experiments_completed >= 2
    for experiment in experiments[1:]:
        for limit in plan.limits.limits:
            value = experiment.hyperparameters[limit.name]
            assert value in limit.choices or not limit.choices
            assert limit.low is None or value >= limit.low
            assert limit.high is None or value <= limit.high


def test_a_dry_run_tells_and_writes_nothing(world: Path) -> None:
    path = ROOT / "examples" / "sweeps" / "weights_grid.yaml"
    (told,) = said_json("--config", path, "--dry-run", "--db", world)
    assert (told["n_experiments"], told["seconds_per_experiment"]) == (9, None)
    assert told["searched"] == ["genre_weight", "rating_weight"]
    assert "no experiment was measured" in said("--config", path, "--dry-run", "--db", world).stdout
    with connection(world) as conn:
        assert load_runs(conn) == []
    said("quick", "--db", world, "--jobs", "1", "--quiet")
    (told,) = said_json("--config", path, "--dry-run", "--db", world, "--jobs", "2")
    assert told["seconds"] == pytest.approx(told["seconds_per_experiment"] * 4.5)


def sweep_file(folder: Path, name: str, *more: str) -> Path:
    path = folder / f"{name}.yaml"
    lines = [f"name: {name}", "method: random", "configs: 2", "execution: {jobs: 1}", *more]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def test_a_sweep_is_run_by_its_file_and_resumed_by_its_id(world: Path, tmp_path: Path) -> None:
    path = sweep_file(tmp_path, "one", "parameters: {genre_weight: {low: 0.5}}")
    result = said_json("--config", path, "--db", world)
    assert (result["experiments_completed"], result["promotion"]) == (3, None)
    path.unlink()
    again = said_json("resume", result["tuning_run_id"], "--db", world, "--jobs", "1")
    assert again["best_value"] == result["best_value"]


def test_a_folder_of_sweeps_is_run_in_order(world: Path, tmp_path: Path) -> None:
    folder = tmp_path / "sweeps"
    folder.mkdir()
    sweep_file(folder, "b")
    sweep_file(folder, "a")
    results = said_json("--config", folder, "--db", world)
    with connection(world) as conn:
        names = [load_run(conn, r["tuning_run_id"]).settings["name"] for r in results]
    assert names == ["a", "b"]


def test_a_faulty_file_stops_everything_before_anything_runs(world: Path, tmp_path: Path) -> None:
    folder = tmp_path / "sweeps"
    folder.mkdir()
    sweep_file(folder, "a")
    sweep_file(folder, "b", "parameters: {genre_wait: [1]}")
    done = said("--config", folder, "--db", world, expect=1)
    assert "b.yaml:5: parameters.genre_wait: there is no hyperparameter" in done.stderr
    with connection(world) as conn:
        assert load_runs(conn) == []


def test_each_of_several_faults_has_its_line(world: Path, tmp_path: Path) -> None:
    path = sweep_file(tmp_path, "one", "parameters: {genre_wait: [1]}", "seed: -1")
    lines = said("--config", path, "--db", world, expect=1).stderr.splitlines()
    assert [line.removeprefix(f"{path}:")[:2] for line in lines[:2]] == ["5:", "6:"]
    assert lines[2] == f"error: 2 faults in {path}: nothing was run"


def test_options_that_a_file_says_are_refused_beside_it(world: Path, tmp_path: Path) -> None:
    path = sweep_file(tmp_path, "one")
    words = ("--config", path, "--db", world, "--configs", "3")
    assert "leave out --configs" in said(*words, expect=2).output
    assert "--dry-run goes with" in said("--dry-run", "--summary", "--db", world, expect=2).output
