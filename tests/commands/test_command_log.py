import json
from pathlib import Path
from typing import Any

import pytest

from reeltune.commands.command_log import logged
from reeltune.db.command_runs import load_last_command_run
from reeltune.db.connection import connection
from reeltune.storage.run_lock import run_lock
from tests.running import run

TUNE = ("tune_orchestrator.py", "--method", "random", "--configs", "2", "--quiet", "--jobs", "1")
MODEL = ("--model", "examples.most_popular:MostPopular")


def told(path: Path) -> Any:
    return json.loads(path.read_text())


def test_how_a_run_ended_is_told_on_standard_input_and_recorded(
    world: Path, tmp_path: Path
) -> None:
    message = tmp_path / "message"
    run(*TUNE, *MODEL, "--db", world, "--notify", f"cat > {message}")
    assert told(message)["exit_code"] == 0
    assert told(message)["command"] == "tune"
    assert told(message)["result"]["experiments_completed"] == 3
    with connection(world) as conn:
        last = load_last_command_run(conn)
    assert last is not None
    assert (last.command, last.exit_code, last.said) == ("tune", 0, "done")
    words = ("retrain_model.py", "--force", "--accuracy-threshold", "1", *MODEL, "--db", world)
    run(*words, "--notify", f"cat > {message}", expect=3)
    assert (told(message)["command"], told(message)["exit_code"]) == ("retrain", 3)
    assert told(message)["said"].startswith("not promoted: ")


def test_a_run_that_finds_the_database_held_is_told_of_but_not_recorded(
    world: Path, tmp_path: Path
) -> None:
    message = tmp_path / "message"
    with run_lock(world):
        run(*TUNE, "--db", world, "--notify", f"cat > {message}", expect=4)
    assert told(message)["exit_code"] == 4
    with connection(world) as conn:
        assert load_last_command_run(conn) is None


@pytest.mark.parametrize(
    ("error", "code", "said", "recorded"),
    [
        (ValueError("a bug"), 1, "ValueError: a bug", True),
        (KeyboardInterrupt(), 130, "interrupted", False),
    ],
)
def test_what_nobody_expected_is_told_and_goes_on(
    world: Path, tmp_path: Path, error: BaseException, code: int, said: str, recorded: bool
) -> None:
    message = tmp_path / "message"
    with pytest.raises(type(error)), logged(world, "tune", f"cat > {message}"):
        raise error
    assert (told(message)["exit_code"], told(message)["said"]) == (code, said)
    with connection(world) as conn:
        last = load_last_command_run(conn)
    assert (last is not None) == recorded
