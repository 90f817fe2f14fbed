"""The examples at the end of every command's help run, and print tables in every format."""

import csv
import io
import re
import shlex
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from reeltune.cli import tables
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
    reeltune("tabular", "demo", "cars", "--rows", "300", "--out", place / "cars.csv")
    (place / "old.csv").write_text(
        "size;price\n" + "".join(f"{n},5;{n * n}\n" for n in range(20)), encoding="utf-8"
    )
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


def has_format(command: click.Command) -> bool:
    return any(parameter.name == "table_format" for parameter in command.params)


@pytest.fixture
def printing(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The names of commands that print a table and have no --format."""
    found: set[str] = set()

    def note(table: tables.Table, width: int, real: Any = tables.fitted_text) -> Any:
        command = click.get_current_context().command
        if not has_format(command):
            found.add(str(command.name))
        return real(table, width)

    monkeypatch.setattr(tables, "fitted_text", note)
    return found


# What these need, an A/B test, a package or a server, is made by the tests of their own rooms,
# which run them; here the words are only read, as the command reads them.
PARSED = (
    ("ab-tests",),
    ("export", "optuna"),
    ("export", "parquet"),
    ("import", "optuna"),
    ("report",),
    ("serve",),
    ("tabular", "explain"),
    ("tabular", "knowledge"),
    ("tabular", "predict"),
    ("tabular", "tune"),
    ("tracking", "sync"),
)


def is_parsed_only(words: Sequence[str]) -> bool:
    return any(tuple(words[: len(start)]) == start for start in PARSED)


def check_parsed(words: list[str]) -> None:
    """Let the commands read their words, and do nothing."""
    command: click.Command = main
    parent: click.Context | None = None
    while isinstance(command, click.Group):
        name, words = words[0], words[1:]
        parent = click.Context(command, parent, info_name=name)
        found = command.get_command(parent, name)
        assert found is not None, name
        command = found
    with command.make_context(command.name, words, parent):
        pass


def words_of(path: tuple[str, ...], example: str, place: Path) -> list[str]:
    """The words of an example, after what it needs is made."""
    words = [*path, *shlex.split(example)]
    if words[:2] == ["import", "demo"]:
        (place / "movies.db").unlink()
        words += SIZES if words[2:] == [] else ()
    if words[:2] == ["tabular", "demo"]:
        (place / "cars.csv").unlink()
    if words[:2] == ["db", "backup"]:
        shutil.rmtree(place / "kept")
    return with_the_run_there_is(words, place / "movies.db")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("path", "example"), EXAMPLES, ids=[" ".join((*path, example)) for path, example in EXAMPLES]
)
def test_an_example_runs_and_what_prints_a_table_has_format(
    path: tuple[str, ...], example: str, place: Path, printing: set[str]
) -> None:
    words = words_of(path, example, place)
    if is_parsed_only(words):
        check_parsed(words)
        return
    reeltune(*words, expect=(0, 3) if set(words) & set(DECIDED) else (0,))
    assert printing == set()


FORMATTED = [p for p in PATHS if has_format(command_at(p)) and not is_parsed_only(p)]


@pytest.mark.slow
@pytest.mark.parametrize("path", FORMATTED, ids=" ".join)
def test_a_command_with_format_prints_csv_and_nothing_else(
    path: tuple[str, ...], place: Path
) -> None:
    examples = getattr(command_at(path), "examples", ())
    example = next(each for each in examples if not {"--json", "--guess"} & set(each.split()))
    words = [*words_of(path, example, place), "--format", "csv"]
    done = CliRunner().invoke(main, words, prog_name="reeltune")
    assert done.exit_code in (0, 3), done.output
    blocks = [list(csv.reader(io.StringIO(each))) for each in done.stdout.split("\n\n")]
    for heading, *rows in blocks:
        assert len(heading) > 1, done.stdout
        assert {len(row) for row in rows} <= {len(heading)}, done.stdout


@pytest.mark.parametrize("path", FORMATTED, ids=" ".join)
def test_format_and_json_exclude_each_other(path: tuple[str, ...]) -> None:
    words = [*path, "--json", "--format", "csv"]
    for each in (words, [*path, "--format", "csv", "--json"]):
        done = CliRunner().invoke(
            main, [*each, *("1" for p in command_at(path).params if _needed(p))]
        )
        assert done.exit_code == 2
        assert "--json prints no tables" in done.output


def _needed(parameter: click.Parameter) -> bool:
    return isinstance(parameter, click.Argument) and parameter.required


def test_every_command_has_examples() -> None:
    assert {path for path, _ in EXAMPLES} == set(PATHS)
