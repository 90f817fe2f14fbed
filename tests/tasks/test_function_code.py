"""Code and data of a function: results are comparable while they stay the same."""

import json
from pathlib import Path
from textwrap import dedent

import pytest

from reeltune.db.connection import connection
from reeltune.db.experiments import load_experiments
from reeltune.db.tuning_runs import load_runs
from reeltune.tasks.function import FunctionTask
from tests.running import run, run_json
from tests.tasks.functions import HEAD, RANDOM, TUNE, written

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
