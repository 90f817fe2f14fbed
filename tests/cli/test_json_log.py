"""A log of JSON objects, one a line, whatever is printed to it."""

import io
import json
import sys
from pathlib import Path
from typing import Any

import click
import pytest
from rich.console import Console

from reeltune.cli.json_log import JsonLog, current_log, json_log
from reeltune.db.connection import connection
from reeltune.db.experiments import load_experiments
from reeltune.db.tuning_runs import load_runs
from tests.running import run


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def without_time(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: value for name, value in each.items() if name != "time"} for each in found]


def test_each_line_is_an_object_when_it_ends() -> None:
    target = io.StringIO()
    log = JsonLog(target)
    log.write("one\ntw")
    assert without_time(lines(target.getvalue())) == [{"event": "message", "message": "one"}]
    log.write("o\n\nerror: no such file: 'x'\nnote: a\nlast")
    log.finish()
    assert without_time(lines(target.getvalue()))[1:] == [
        {"event": "message", "message": "two"},
        {"event": "error", "message": "no such file: 'x'"},
        {"event": "note", "message": "a"},
        {"event": "message", "message": "last"},
    ]


def test_an_event_has_its_fields_and_never_nan() -> None:
    target = io.StringIO()
    JsonLog(target).emit("experiment", number=3, value=float("nan"), text="é\n")
    (found,) = lines(target.getvalue())
    assert (found["event"], found["number"], found["value"]) == ("experiment", 3, None)
    assert found["text"] == "é\n"
    assert target.getvalue().isascii()


def test_whatever_prints_to_standard_error_is_in_the_log(
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = sys.stderr
    with json_log():
        assert current_log() is sys.stderr
        click.echo("by click", err=True)
        Console(stderr=True).print("[bold]by rich[/]")
        print("by print", file=sys.stderr)
    assert current_log() is None
    assert sys.stderr is before
    found = [each["message"] for each in lines(capsys.readouterr().err)]
    assert found == ["by click", "by rich", "by print"]


def test_a_run_logs_its_start_every_experiment_and_its_end(world: Path) -> None:
    words = ("tune", "--method", "random", "--configs", "2", "--jobs", "1", "--db", world)
    done = run("-m", "reeltune", *words, "--log-format", "json")
    found = lines(done.stderr)
    events = [each["event"] for each in found if each["event"] != "message"]
    assert events == ["run started", *["experiment"] * 3, "run ended"]
    with connection(world) as conn:
        (stored,) = load_runs(conn)
        best = max(e.objective_value or 0 for e in load_experiments(conn, stored.tuning_run_id))
    experiments = [each for each in found if each["event"] == "experiment"]
    assert [each["number"] for each in experiments] == [0, 1, 2]
    assert {each["run"] for each in experiments} == {stored.tuning_run_id}
    assert max(each["value"] for each in experiments) == best
    assert (experiments[-1]["n_done"], experiments[-1]["n_total"]) == (3, 3)


@pytest.mark.parametrize(
    "words",
    [
        ("tune", "--method", "random", "--db", "/nowhere/movies.db"),
        ("retrain", "--db", "/nowhere/movies.db"),
        ("nightly", "--db", "/nowhere/movies.db"),
        ("import", "movielens", "/nowhere"),
        ("import", "table", "/nowhere", "--movie", "m", "--user", "u"),
        ("import", "sync", "--db", "/nowhere/movies.db"),
        ("runs", "resume", "x", "--db", "/nowhere/movies.db"),
    ],
    ids=" ".join,
)
def test_an_error_is_an_object_too(words: tuple[str, ...]) -> None:
    done = run("-m", "reeltune", *words, "--log-format", "json", expect=1)
    found = lines(done.stderr)
    assert found
    assert (found[-1]["event"], bool(found[-1]["message"])) == ("error", True)
