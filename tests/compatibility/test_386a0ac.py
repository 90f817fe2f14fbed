"""What the program of 386a0ac left behind is gone on with: found by the scripts alone.

How the archive was made, `make_fixture` says. Where a change keeps all values but not the hash of
what decides them, the program is to be added to EQUAL_PROGRAMS; these tests say whether it may.
"""

import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from reeltune.db.connection import connection
from reeltune.db.dataset import load_dataset
from reeltune.domain.study import StudyConfig
from reeltune.tuning.ratings import TuningOrchestrator
from tests.compatibility.make_fixture import AFTERWARDS, COMPLETED, Program
from tests.running import run, run_json

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
MADE = HERE / "made_by_386a0ac.tar.xz"
SWEEP = HERE / "made_by_386a0ac.yaml"
LATER_METRICS = {"balanced"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with tarfile.open(MADE) as tar:
        tar.extractall(tmp_path, filter="data")
    return tmp_path


@pytest.fixture
def found(folder: Path) -> Any:
    """What that program found."""
    return json.loads((folder / "found.json").read_text())


@pytest.fixture
def finished(folder: Path) -> Program:
    return Program(ROOT, folder / "finished" / "movies.db")


@pytest.fixture
def interrupted(folder: Path) -> Program:
    return Program(ROOT, folder / "interrupted" / "movies.db")


def values(experiments: Any) -> list[Any]:
    """All that was found by what that program measured by, to the last bit."""
    names = ("number", "status", "hyperparameters", "value", "error")
    return [[*(each[name] for name in names), _metrics(each["metrics"])] for each in experiments]


def _metrics(found: Any) -> Any:
    return found and {name: value for name, value in found.items() if name not in LATER_METRICS}


def latest(program: Program) -> list[dict[str, Any]]:
    """What the latest run of a database found."""
    ((run_id,),) = program.select(
        "SELECT tuning_run_id FROM hp_tuning_runs ORDER BY rowid DESC LIMIT 1"
    )
    return program.values(run_id)


def test_its_runs_and_versions_are_shown_as_they_were(finished: Program, found: Any) -> None:
    before = {name: finished.values(each["id"]) for name, each in found["runs"].items()}
    shown = run_json("tune_orchestrator.py", "--summary", "--db", finished.database)
    assert [each["tuning_run_id"] for each in shown["stored"]["runs"]] == [
        each["id"] for each in found["runs"].values()
    ]
    for name, each in found["runs"].items():
        assert values(before[name]) == values(each["experiments"])
    versions = run_json("model_versioning.py", "list", "--db", finished.database)
    assert len(versions) == len(found["versions"]) >= 3
    for now, then in zip(versions, found["versions"], strict=True):
        assert _as_then(now, then) == then


def test_its_versions_are_sound_and_can_be_rolled_back_and_made_again(
    finished: Program, found: Any
) -> None:
    database = finished.database
    run("model_versioning.py", "verify", "--db", database)
    run("-m", "db", "check", "--db", database)
    run("model_versioning.py", "rollback", "--reason", "to see", "--db", database)
    run("model_versioning.py", "verify", "--db", database)
    again = run_json("model_versioning.py", "reproduce", "1", "--db", database)
    assert again["identical"]
    assert not [text for text in again["changed"] if text.startswith("the program")]


@pytest.mark.slow
def test_its_interrupted_run_is_refused_since_it_drew_otherwise_and_its_results_are_known(
    interrupted: Program, found: Any
) -> None:
    """Ordered hyperparameters were drawn from what the one before left."""
    database, run_id = interrupted.database, found["interrupted"]
    kept = interrupted.values(run_id)
    done = [each["hyperparameters"] for each in kept if each["status"] == "completed"]
    said = run("tune_orchestrator.py", "--resume", run_id, "--db", database, expect=1).stderr
    assert f"changed since run {run_id} began" in said
    assert len(said.strip().splitlines()) == 1
    assert values(interrupted.values(run_id)) == values(kept)
    run("tune_orchestrator.py", *AFTERWARDS[:6], "--db", database)
    assert not [each for each in latest(interrupted)[1:] if each["hyperparameters"] in done]


def test_what_it_measured_is_measured_the_same_now(interrupted: Program, found: Any) -> None:
    """All metrics, to the last bit, of whatever configurations it came to."""
    completed = [each for each in found["unbroken"] if each["status"] == "completed"]
    assert len(completed) > 5
    with connection(interrupted.database) as conn:
        orchestrator = TuningOrchestrator(conn, load_dataset(conn), StudyConfig())
        for each in completed:
            measured = orchestrator.test_configuration(each["hyperparameters"])
            assert measured.objective_value == each["value"]
            known = {n: v for n, v in measured.metrics.items() if n not in LATER_METRICS}
            assert known == each["metrics"]


def test_its_results_are_history_of_new_runs(finished: Program, found: Any) -> None:
    """A failure or a result that is known is not tried again, whoever found it."""
    run("tune_orchestrator.py", *COMPLETED, "--db", finished.database)
    known = [each["hyperparameters"] for each in found["runs"]["user-time"]["experiments"]]
    new = [each["hyperparameters"] for each in latest(finished)[1:]]
    assert len(new) == 8
    assert not [each for each in new if each in known]


def test_its_sweep_finds_the_same(finished: Program, found: Any) -> None:
    run("tune_orchestrator.py", "--config", SWEEP, "--db", finished.database)
    assert values(latest(finished)) == values(found["runs"]["sweep"]["experiments"])


def _as_then(now: Any, then: Any) -> Any:
    """What is shown now without what was not shown then."""
    if not isinstance(then, dict):
        return now
    return {name: _as_then(now[name], value) for name, value in then.items()}
