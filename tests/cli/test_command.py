"""Help that a stranger can read at 80 columns, of every command there is."""

import re
from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from reeltune.cli.command import MAX_UNGROUPED, Option, first_sentence
from reeltune.commands.main import COMMANDS, main

PROGRAMS: dict[tuple[str, ...], str] = {
    ("tune",): "tune_orchestrator.py",
    ("retrain",): "retrain_model.py",
    ("versions",): "model_versioning.py",
    ("db",): "python -m db",
}


def walk(command: click.Command, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    yield path
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            part = command.get_command(context, name)
            assert part is not None
            yield from walk(part, (*path, name))


PATHS = list(walk(main, ()))


def command_at(path: tuple[str, ...]) -> click.Command:
    found: click.Command = main
    for name in path:
        assert isinstance(found, click.Group)
        part = found.get_command(click.Context(found), name)
        assert part is not None
        found = part
    return found


def help_of(path: tuple[str, ...], program: str = "reeltune") -> str:
    done = CliRunner(env={"COLUMNS": "80"}).invoke(main, [*path, "--help"], prog_name=program)
    assert done.exit_code == 0, done.output
    return done.output


def sections(text: str) -> dict[str, list[str]]:
    """The lines under each heading."""
    found: dict[str, list[str]] = {}
    heading = ""
    for line in text.splitlines():
        if re.fullmatch(r"\S[\w ]+:", line):
            heading = line.removesuffix(":")
        elif line.strip():
            found.setdefault(heading, []).append(line)
    return found


def topics(path: tuple[str, ...]) -> list[str]:
    """The headings of options."""
    known = {p.topic for p in command_at(path).params if isinstance(p, Option)} | {"Options"}
    return [heading for heading in sections(help_of(path)) if heading in known]


def n_options(path: tuple[str, ...]) -> int:
    """The number of options, `--help` counted."""
    command = command_at(path)
    shown = command.get_params(click.Context(command))
    return sum(isinstance(parameter, click.Option) for parameter in shown)


@pytest.mark.parametrize("path", PATHS, ids=" ".join)
def test_an_option_takes_one_line_that_ends_a_sentence(path: tuple[str, ...]) -> None:
    found = sections(help_of(path))
    rows = [line for topic in topics(path) for line in found[topic]]
    assert len(rows) == n_options(path)
    assert all(re.match(r"  -", row) and row[-1] in ".])" for row in rows), rows


@pytest.mark.parametrize("path", PATHS, ids=" ".join)
def test_a_line_of_help_fits_80_columns_and_a_command_takes_one(path: tuple[str, ...]) -> None:
    text = help_of(path)
    assert max(map(len, text.splitlines())) <= 80
    assert "..." not in re.sub(r"\[(ARGS|RUN\|VERSION|,NAME)?\.*\]?\.\.\.\]?", "", text)
    command = command_at(path)
    if isinstance(command, click.Group):
        assert len(sections(text)["Commands"]) == len(command.list_commands(click.Context(command)))


@pytest.mark.parametrize("path", PATHS, ids=" ".join)
def test_many_options_stand_under_headings_and_few_under_one(path: tuple[str, ...]) -> None:
    assert (len(topics(path)) > 1) == (n_options(path) > MAX_UNGROUPED)


@pytest.mark.parametrize("path", PATHS, ids=" ".join)
def test_help_ends_with_three_examples_or_more_that_fit_however_it_is_called(
    path: tuple[str, ...],
) -> None:
    text = help_of(path, "python -m reeltune")
    assert list(sections(text))[-1] == "Examples"
    examples = sections(text)["Examples"]
    assert len(examples) >= 3
    assert max(map(len, examples)) <= 80
    assert all(e.startswith(" ".join(("  python -m reeltune", *path))) for e in examples)


@pytest.mark.parametrize("path", PROGRAMS, ids=PROGRAMS.values())
def test_examples_of_a_script_are_typed_as_it_was_called(path: tuple[str, ...]) -> None:
    command, program = command_at(path), PROGRAMS[path]
    done = CliRunner(env={"COLUMNS": "80"}).invoke(command, ["-h"], prog_name=program)
    python = "" if program.startswith("python") else "python "
    assert all(e.startswith(f"  {python}{program} ") for e in sections(done.output)["Examples"])
    assert max(map(len, done.output.splitlines())) <= 80


def test_the_table_of_commands_says_what_each_says_of_itself() -> None:
    for name, entry in COMMANDS.items():
        assert entry.help == first_sentence(command_at((name,)).help or "")


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        (["tnue"], "tune"),
        (["runs", "lst"], "list"),
        (["tune", "--methd", "grid"], "--method"),
        (["tune", "resum", "x"], "resume"),
        (["warm-start"], "warm-starts"),
        (["versions", "rollbak"], "rollback"),
        (["retrain", "--apply_hp", "best"], "--apply-hp"),
        (["db", "docter"], "doctor"),
    ],
)
def test_a_mistyped_word_suggests_the_right_one(typed: list[str], meant: str) -> None:
    done = CliRunner().invoke(main, typed)
    assert done.exit_code == 2
    assert re.search(rf"Did you mean .*'{meant}'", done.output), done.output


def test_an_option_before_the_command_is_told_where_it_goes() -> None:
    for words in (["--db", "x", "tune"], ["runs", "--db", "x", "list"]):
        done = CliRunner().invoke(main, words)
        assert done.exit_code == 2
        assert "No such option '--db'. Options come after the command." in done.output
    assert "come after" not in CliRunner().invoke(main, ["tune", "--bogus"]).output


def test_completion_knows_commands_and_options() -> None:
    def completed(*words: str) -> list[str]:
        line = " ".join(("reeltune", *words))
        env = {"_REELTUNE_COMPLETE": "bash_complete", "COMP_WORDS": line}
        env["COMP_CWORD"] = str(len(words))
        done = CliRunner(env=env).invoke(main, prog_name="reeltune")
        return [line.partition(",")[2] for line in done.output.splitlines()]

    assert completed("ru") == ["runs"]
    assert completed("runs", "re") == ["resume"]
    assert completed("tune", "--meth") == ["--method"]
    assert "bayesian" in completed("tune", "--method", "")
