"""The examples at the end of every command's help run."""

import re
import shlex
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from reeltune.commands.main import main
from reeltune.commands.runs import RUN
from reeltune.db.connection import connection, transaction
from reeltune.db.tuning_runs import load_runs, set_run_status
from tests.cli.test_command import PATHS, command_at
from tests.docs.workplace import SIZES, Workplace

DECIDED = ("retrain", "tune", "resume", "nightly")  # the gate may refuse
EXAMPLES = [
    (path, example) for path in PATHS for example in getattr(command_at(path), "examples", ())
]


def reeltune(*words: str | Path, expect: tuple[int, ...] = (0,)) -> str:
    done = CliRunner().invoke(main, [str(word) for word in words], prog_name="reeltune")
    assert done.exit_code in expect, f"{words}\n{done.output}\n{done.exception!r}"
    return done.output


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory as a user has it after some nights: runs, two versions, a backup."""
    world = tmp_path_factory.mktemp("demo") / "movies.db"
    reeltune("import", "demo", "--db", world, *SIZES)
    place = tmp_path_factory.mktemp("prepared")
    Workplace(place, world)
    there = ("--db", place / "movies.db", "--quiet")
    gate = ("--accuracy-threshold", "0")
    reeltune("tune", "--method", "random", "--configs", "3", *there)
    reeltune("retrain", *gate, *there)
    with connection(place / "movies.db") as conn:
        (run,) = load_runs(conn)
    reeltune("retrain", "--apply-hp", f"{run.tuning_run_id}_001", *gate, *there)
    reeltune("db", "backup", place / "kept", *there)
    mapping = reeltune("import", "table", place / "app.db", "--guess")
    (place / "app.toml").write_text(mapping, encoding="utf-8")
    remembered = ("--map", place / "app.toml", "--remember", "app")
    named = ("--db", place / "a.db", "--quiet")
    reeltune("import", "table", place / "app.db", *remembered, *named)
    left_behind = place / "movies.versions" / "0123456789abcdef"
    left_behind.mkdir()
    (left_behind / "manifest.json").write_text("{}", encoding="utf-8")
    reeltune("db", "doctor", "--fix", *there)
    reeltune("erase", "user", "u-0001", *named)
    return place


@pytest.fixture
def place(prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, as the working directory."""
    copy = tmp_path / "place"
    shutil.copytree(prepared, copy, symlinks=True)
    monkeypatch.chdir(copy)
    monkeypatch.delenv("REELTUNE_DB", raising=False)
    return copy


def with_the_run_there_is(words: list[str], path: Path) -> list[str]:
    """The words of an example with the id of the run in the database, which becomes unfinished."""
    if not any(RUN in word for word in words):
        return words
    with connection(path) as conn, transaction(conn):
        (run,) = load_runs(conn)
        if {"resume", "stop"} & set(words):
            set_run_status(conn, run.tuning_run_id, "running")
    return [re.sub(RUN, run.tuning_run_id, word) for word in words]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("path", "example"), EXAMPLES, ids=[" ".join((*path, example)) for path, example in EXAMPLES]
)
def test_an_example_runs(path: tuple[str, ...], example: str, place: Path) -> None:
    words = [*path, *shlex.split(example)]
    if words[:2] == ["import", "demo"]:
        (place / "movies.db").unlink()
        words += SIZES if words[2:] == [] else ()
    if words[:2] == ["db", "backup"]:
        shutil.rmtree(place / "kept")
    words = with_the_run_there_is(words, place / "movies.db")
    reeltune(*words, expect=(0, 3) if set(words) & set(DECIDED) else (0,))


def test_every_command_has_examples() -> None:
    assert {path for path, _ in EXAMPLES} == set(PATHS)
