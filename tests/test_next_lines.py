"""Every `Next:` that can be printed, run as it is printed: it does what it says."""

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from reeltune.cli.console import progress_bar, remark_console
from reeltune.components.hyperparameters import SPACE
from reeltune.db.connection import connection
from reeltune.db.experiments import count_by_status, load_experiment
from reeltune.db.test_evaluations import load_test_evaluations
from reeltune.db.tuning_runs import load_run, load_runs
from reeltune.db.versions import load_production, load_versions
from reeltune.domain.experiment import TuningRun
from reeltune.importers.demo import import_demo
from reeltune.importers.demo_settings import DemoSettings
from tests.running import ROOT, command, environment, run, run_json

pytestmark = pytest.mark.slow

DEPLOYED = SPACE.merged(  # much worse than what a search finds
    SPACE.defaults(),
    {
        "genre_weight": 0.95,
        "rating_weight": 0.02,
        "cast_weight": 0.01,
        "franchise_weight": 0.01,
        "popularity_weight": 0.01,
    },
)
TUNE, RETRAIN = "tune_orchestrator.py", "retrain_model.py"
FEW = ("--method", "random", "--jobs", "1", "--configs")
OPEN, CLOSED = ("--accuracy-threshold", "0"), ("--accuracy-threshold", "0.99")


@pytest.fixture(scope="module")
def large_world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A world with users enough to tell what is better."""
    path = tmp_path_factory.mktemp("world") / "movies.db"
    settings = DemoSettings(users=300, movies=400, ratings=20_000, seed=3)
    with connection(path, create=True) as conn, progress_bar(remark_console(quiet=True), "") as bar:
        import_demo(conn, settings, bar)
        conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path


@pytest.fixture
def world(large_world: Path, tmp_path: Path) -> Path:
    """A copy of that world, with a poor configuration deployed."""
    exported = {"model": "hand-weighted", "hyperparameters": DEPLOYED}
    (tmp_path / "hyperparameters.json").write_text(json.dumps(exported))
    return Path(shutil.copy(large_world, tmp_path / "movies.db"))


def next_of(said: str) -> list[str]:
    """The words of the only `Next:` that was printed; none where there is no such line."""
    lines = [line for line in said.splitlines() if line.startswith("Next: ")]
    assert len(lines) <= 1
    return shlex.split(lines[0].removeprefix("Next: ")) if lines else []


def told(db: Path, *words: str) -> list[str]:
    """What the summary proposes next."""
    found = next_of(run(TUNE, "--summary", *words, "--db", db).stdout)
    shown = run_json(TUNE, "--summary", *words, "--db", db)
    assert shlex.split(shown["next_command"]) == found
    return found


def do(words: list[str], *more: str, expect: tuple[int, ...] = (0,)) -> str:
    """Run what was proposed as it is written; return what it prints."""
    assert words[0] == "python"
    done = subprocess.run(
        [sys.executable, *words[1:], *more],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        env=environment(),
    )
    assert done.returncode in expect, f"{words}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def runs_of(db: Path) -> list[TuningRun]:
    with connection(db) as conn:
        return load_runs(conn)


def deployed_experiment(db: Path) -> str | None:
    with connection(db) as conn:
        production = load_production(conn)
    return None if production is None else production.training.experiment_id


def check_tunes_on(db: Path, words: list[str]) -> None:
    """It is a command that tunes as the latest run did, and does so."""
    (*_, before) = runs_of(db)
    assert "--apply-hp" not in words
    do(words)
    (*_, after) = runs_of(db)
    assert after.tuning_run_id != before.tuning_run_id
    assert (after.status, after.method) == ("completed", "bayesian")
    for name in ("model", "split", "objectives"):
        assert getattr(after, name) == getattr(before, name), name
    assert after.settings.get("panel") == before.settings.get("panel")


def check_deploys(db: Path, words: list[str]) -> str:
    """It is a command that deploys an experiment, under the study of its run, and does so."""
    assert words[1:3] == [RETRAIN, "--apply-hp"]
    do(words, *OPEN)
    assert deployed_experiment(db) == words[3]
    with connection(db) as conn:
        of = load_run(conn, load_experiment(conn, words[3]).tuning_run_id)
        evaluation = load_test_evaluations(conn)[-1]
    assert (evaluation.model, evaluation.split, evaluation.objective) == (
        of.model,
        of.split,
        of.objective,
    )
    return words[3]


def tuned(db: Path, n: int, *words: str) -> list[str]:
    """Tune, and return what is proposed next."""
    return next_of(run(TUNE, *FEW, str(n), *words, "--db", db).stdout)


def test_with_nothing_tuned_yet_the_first_run_is_made(world: Path) -> None:
    words = told(world)
    do(words)
    (first,) = runs_of(world)
    assert (first.status, first.method, first.n_configs) == ("completed", "bayesian", 20)


def test_stored_candidates_are_tried_and_no_others(world: Path) -> None:
    words = ("--tune-method", "random", "--split", "calendar", "--objective", "mrr")
    said = run(RETRAIN, "--tune", "--tune-configs", "3", *words, "--db", world)
    proposed = told(world)
    assert " ".join(proposed[1:]) in said.stderr
    do(proposed)
    (only,) = runs_of(world)
    assert (only.status, only.split, only.objective) == ("completed", "calendar", "mrr")
    with connection(world) as conn:
        assert count_by_status(conn) == {"completed": 4}


def test_the_best_is_deployed_and_then_more_is_tried(world: Path) -> None:
    best = check_deploys(world, tuned(world, 4, "--seed", "2"))
    assert best.startswith("random_")
    check_tunes_on(world, told(world))


@pytest.mark.parametrize(
    "study",
    [
        ("--split", "calendar", "--objective", "balanced"),
        ("--objective", "balanced,diversity"),
        ("--split", "user-random", "--panel", "200", "--objective", "balanced"),
    ],
)
def test_what_was_tuned_otherwise_is_deployed_and_gone_on_with_so(
    world: Path, study: tuple[str, ...]
) -> None:
    check_deploys(world, tuned(world, 4, "--seed", "2", *study))
    check_tunes_on(world, told(world))


def test_a_model_of_ones_own_is_deployed_and_gone_on_with(world: Path, tmp_path: Path) -> None:
    source = (ROOT / "examples/most_popular.py").read_text().replace("default=5.0", "default=0.1")
    (tmp_path / "my model.py").write_text(source)
    own = f"{tmp_path / 'my model.py'}:MostPopular"
    study = ("--split", "user-random", "--objective", "balanced")
    words = tuned(world, 4, "--model", own, *study, "--seed", "1")
    check_deploys(world, words)
    assert runs_of(world)[-1].model == own
    check_tunes_on(world, told(world))
    # Of the model in production, a command that names none is meant.
    run(TUNE, *FEW, "2", "--db", world)
    assert runs_of(world)[-1].model == own
    run(RETRAIN, "--tune", "--tune-configs", "1", "--db", world)
    assert runs_of(world)[-1].model == own
    # And of the built-in one, the model has to be named; its baseline was never deployed.
    said = run(TUNE, *FEW, "2", "--model", "hand-weighted", "--db", world).stdout
    assert "own defaults" in said
    assert "This configuration is deployed" not in said
    assert runs_of(world)[-1].model == "hand-weighted"
    words = next_of(said)
    if "--apply-hp" in words:
        check_deploys(world, words)
    else:
        assert words[words.index("--model") + 1] == "hand-weighted"
        check_tunes_on(world, words)


def test_what_the_gate_refused_is_not_proposed_again(world: Path) -> None:
    words = tuned(world, 4, "--seed", "2")
    do(words, *CLOSED, "--dry-run", expect=(3,))
    check = told(world)
    assert "--apply-hp" not in check
    do(words, *CLOSED, expect=(3,))
    again = told(world)
    assert again == check
    assert words[3] in run(TUNE, "--summary", "--db", world).stdout
    check_tunes_on(world, again)


def test_a_night_that_is_refused_does_not_propose_it_again(world: Path) -> None:
    nothing_passes = json.dumps({"accuracy_threshold": 0.99})
    run(RETRAIN, "--apply-hp", nothing_passes, *OPEN, "--db", world)
    said = run(TUNE, *FEW, "4", "--seed", "2", "--promote", "--db", world, expect=3).stdout
    with connection(world) as conn:
        first, refused = load_versions(conn)
    assert (first.status, refused.status) == ("production", "refused")
    assert f"{refused.training.experiment_id}, was refused" in " ".join(said.split())
    check_tunes_on(world, next_of(said))


def test_what_was_passed_over_for_another_is_not_proposed(world: Path) -> None:
    words = tuned(world, 4, "--seed", "2")
    run_id = runs_of(world)[-1].tuning_run_id
    others = [f"{run_id}_{n:03}" for n in range(1, 5)]
    other = next(each for each in others if each != words[3])
    run(RETRAIN, "--apply-hp", other, *OPEN, "--db", world)
    assert deployed_experiment(world) == other
    said = run(TUNE, "--summary", "--db", world).stdout
    assert f"{words[3]}, was passed over: version 1, of {other}, was deployed after it" in (
        " ".join(said.split())
    )
    check_tunes_on(world, next_of(said))


def test_nothing_better_means_to_try_more(world: Path) -> None:
    check_tunes_on(world, tuned(world, 1, "--seed", "0", "--objective", "novelty"))


def test_of_several_rounds_the_best_is_deployed_whichever_is_the_latest(world: Path) -> None:
    first = tuned(world, 4, "--seed", "2")
    assert first[2] == "--apply-hp"
    later = run(TUNE, *FEW, "1", "--seed", "3", "--method", "grid", "--db", world).stdout
    assert next_of(later) == first
    assert f"best of the 2 comparable runs is {first[3]}" in " ".join(later.split())
    best = check_deploys(world, next_of(later))
    found = run_json(RETRAIN, "--apply-hp", "best", *OPEN, "--db", world)
    assert (found["verdict"], found["experiment_id"]) == ("nothing new", best)


def test_an_interrupted_run_is_resumed(world: Path, tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_text(
        "import time\nfrom examples.most_popular import MostPopular\n\n\n"
        "class Slow(MostPopular):\n    def fit(self, *given):\n        time.sleep(1)\n"
        "        return super().fit(*given)\n"
    )
    words = (TUNE, *FEW, "3", "--model", f"{tmp_path / 'slow.py'}:Slow", "--db", world)
    process = subprocess.Popen(
        command(*words), cwd=ROOT, stderr=subprocess.PIPE, text=True, env=environment()
    )
    while not any(count_of(world, "completed")):
        time.sleep(0.1)
    os.kill(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    proposed = told(world)
    assert " ".join(proposed[1:]) in said
    do(proposed)
    (only,) = runs_of(world)
    assert only.status == "completed"
    with connection(world) as conn:
        assert count_by_status(conn) == {"completed": 4}


def count_of(db: Path, status: str) -> list[int]:
    with connection(db) as conn:
        return [n for name, n in count_by_status(conn).items() if name == status]


def test_of_a_function_more_is_tried_and_of_a_study_its_figures_are_shown(tmp_path: Path) -> None:
    db = tmp_path / "study.db"
    function = "examples/tune_function.py:forecast"
    words = next_of(run(TUNE, function, "--configs", "3", "--db", db).stdout)
    check_tunes_on(db, words)
    program = f"""
import reeltune
space = reeltune.SearchSpace()
space.root.add_float_param("rate", 0.0, 1.0)
study = reeltune.Study.create_or_load("my study", space, {{"loss": "minimize"}}, db={str(db)!r})
for trial in study.suggest(count=2):
    trial.complete({{"loss": trial.parameters["rate"]}})
"""
    done = [sys.executable, "-c", program]
    subprocess.run(done, check=True, cwd=ROOT, env=environment())
    words = told(db)
    assert words[2:4] == ["show", "my study"]
    assert "my study" in do(words)
