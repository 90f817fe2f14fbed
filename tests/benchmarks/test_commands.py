"""Benchmarks as commands: what they ask for, and what reaches them."""

import argparse
import ast
import importlib
import inspect
import json
import subprocess
import sys
import textwrap
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NoReturn

import click
import pytest
from click.testing import CliRunner

FOLDER = Path(__file__).parents[2] / "benchmarks"
NEEDED = {"cuda_agreement": "torch"}  # packages that `make test-quick` does without
COMMANDS = sorted(
    path.stem
    for path in FOLDER.glob("*.py")
    if "def main(" in path.read_text() and find_spec(NEEDED.get(path.stem, "numpy"))
)


class NotParsedError(Exception):
    """Raised in place of parsing, so that nothing is measured."""


def main_of(name: str) -> Any:
    return importlib.import_module(f"benchmarks.{name}").main


def parser_of(main: Any, monkeypatch: pytest.MonkeyPatch) -> argparse.ArgumentParser:
    """The parser that `main` makes."""
    made: list[argparse.ArgumentParser] = []

    def parse_args(self: argparse.ArgumentParser, *_: object) -> NoReturn:
        made.append(self)
        raise NotParsedError

    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", parse_args)
    with pytest.raises(NotParsedError):
        main()
    return made[0]


def used_options(main: Any) -> set[str]:
    """The attributes of parsed options that `main` reads."""
    nodes = list(ast.walk(ast.parse(textwrap.dedent(inspect.getsource(main)))))
    parsed = {
        target.id
        for node in nodes
        if isinstance(node, ast.Assign) and ast.unparse(node.value).endswith(".parse_args()")
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    assert parsed
    return {
        node.attr
        for node in nodes
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id in parsed
    }


def test_there_are_benchmarks_to_look_at() -> None:
    assert {"search", "search_warm", "engine", "tuner"} <= set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_reaches_the_benchmark_and_every_one_it_reads_exists(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    main = main_of(name)
    if isinstance(main, click.Command):
        assert main.callback is not None
        reads = set(inspect.signature(main.callback).parameters)
        options = {parameter.name for parameter in main.params}
    else:
        reads = used_options(main)
        parser = parser_of(main, monkeypatch)
        assert parser.format_help()
        options = {action.dest for action in parser._actions} - {"help"}
    assert options == reads


@pytest.mark.parametrize("name", COMMANDS)
def test_every_benchmark_says_what_it_is(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    main = main_of(name)
    if isinstance(main, click.Command):
        said = CliRunner().invoke(main, ["--help"], catch_exceptions=False)
        assert said.exit_code == 0
        assert "Usage" in said.output
    else:
        assert parser_of(main, monkeypatch).description


def test_a_small_search_benchmark_runs_to_its_end(tmp_path: Path) -> None:
    target = tmp_path / "figures.json"
    words = "--methods random,evolution --objectives hartmann6 --seeds 2 --experiments 10"
    said = CliRunner().invoke(
        main_of("search"),
        [*words.split(), "--in-flight", "1,4", "--histories", "20", "--json", str(target)],
        catch_exceptions=False,
    )
    assert said.exit_code == 0
    found = json.loads(target.read_text())
    assert len(found["searches"]) == 8
    assert set(found["cpu_ms"]["20"]) == {"random", "evolution"}


@pytest.mark.slow
@pytest.mark.skipif(find_spec("torch") is None, reason="torch is not here")
def test_the_check_of_a_gpu_runs_to_its_end_without_one(tmp_path: Path) -> None:
    words = ("--device", "cpu", "--ratings", "2000", "--json", str(tmp_path / "checks.json"))
    done = subprocess.run(
        [sys.executable, FOLDER / "cuda_agreement.py", *words], capture_output=True, check=False
    )
    checks = json.loads((tmp_path / "checks.json").read_text())
    assert [each["holds"] for each in checks] == [True] * 6
    assert done.returncode == 0
