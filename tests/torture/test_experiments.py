"""Experiments that go wrong in every way there is, through the real orchestrator."""

from pathlib import Path

import pytest

from reeltune.db.connection import connection, transaction
from reeltune.db.dataset import load_dataset
from reeltune.db.experiments import load_experiments, save_experiment
from reeltune.db.tuning_runs import load_runs, save_run
from reeltune.domain.experiment import Experiment
from reeltune.domain.study import StudyConfig
from reeltune.tuning.proposer import new_experiment
from reeltune.tuning.ratings import HyperparameterTuner
from tests.torture.bad_models import INFINITE, LIVES, MORTAL, NAN, SHORT, WAYS
from tests.torture.nursery import Nursery
from tests.torture.scale import note

MODEL = "tests.torture.bad_models:Bad"


def store(path: Path, ways: list[int]) -> None:
    """Candidates that go wrong in these ways, in this order."""
    with connection(path) as conn, transaction(conn):
        tuner = HyperparameterTuner(conn, load_dataset(conn), StudyConfig(model=MODEL, seed=1))
        planned = tuner.new_run("random", len(ways))
        save_run(conn, planned)
        for number, way in enumerate(ways, 1):
            save_experiment(conn, new_experiment(planned, number, {"way": way}, "initial"))


def tried(nursery: Nursery, path: Path, n: int, *options: str) -> list[Experiment]:
    """What became of the baseline, and of the candidates."""
    words = ["--method", "random", "--configs", str(n), "--model", MODEL, "--jobs", "2", "--quiet"]
    lives = path.with_name("lives")
    lives.write_text("2")
    done = nursery.run(
        "tune_orchestrator.py",
        *words,
        *options,
        "--db",
        path,
        said=path.with_name("said"),
        env={LIVES: str(lives)},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert "\x1b" not in done.stdout
    assert "garbage" not in done.stdout
    with connection(path) as conn:
        (only,) = load_runs(conn)
        assert only.status == "completed"
        return load_experiments(conn, only.tuning_run_id)


@pytest.mark.slow
def test_whatever_an_experiment_does_it_fails_alone_and_with_its_reason(
    nursery: Nursery, world: Path
) -> None:
    """Among them one whose worker dies twice by no fault of its own, and which is well then."""
    ways = [*range(1, len(WAYS)), NAN, INFINITE, SHORT, 0]
    store(world, ways)
    limits = ("--timeout-per-experiment", "4", "--memory-limit", "200M")
    baseline, *found = tried(nursery, world, len(ways), *limits)
    assert baseline.status == found[-1].status == "completed"
    for way, experiment in zip(ways, found, strict=True):
        what, reason = WAYS[way] if way < len(WAYS) else (None, "" if way else None)
        assert experiment.status == ("completed" if reason is None else "failed"), (what, way)
        assert reason is None or reason in (experiment.error or ""), what
        assert (experiment.error or "").isprintable()
        assert len(experiment.error or "") <= 300
        died = "worker process died" in (experiment.error or "") or way == MORTAL
        assert experiment.attempts == (3 if died else 1), what
    note(fault="experiments that go wrong", tried=len(ways) - 1, wrong=0)
