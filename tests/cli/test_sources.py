"""Where an option's value comes from, and that `--explain-settings` tells it."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from reeltune.commands.main import main


def run(*words: str | Path, env: dict[str, str] | None = None) -> Result:
    return CliRunner(env=env).invoke(main, [str(word) for word in words])


def explained(*words: str | Path, env: dict[str, str] | None = None) -> dict[str, Any]:
    done = run(*words, "--explain-settings", "--json", env=env)
    assert done.exit_code == 0, done.output
    return {each["option"]: each for each in json.loads(done.stdout)}


@pytest.fixture
def database(tmp_path: Path) -> Path:
    (tmp_path / "movies.toml").write_text(
        '[search]\nmethod = "random"\nconfigs = 7\n[study]\nobjective = "ndcg@10"\n'
        '[import]\nmax_rejected = "7%"\n[run]\nlog_format = "json"\n'
    )
    return tmp_path / "movies.db"


def test_each_value_says_where_it_is_from(database: Path) -> None:
    found = explained("tune", "--configs", "9", env={"REELTUNE_DB": str(database)})
    assert {
        name: (found[name]["value"], found[name]["source"])
        for name in (
            "--configs",
            "--method",
            "--objective",
            "--split",
            "--db",
            "--log-format",
        )
    } == {
        "--configs": ("9", "command line"),
        "--method": ("random", "movies.toml, line 2"),
        "--objective": ("ndcg@10", "movies.toml, line 5"),
        "--split": ("user-time", "default"),
        "--db": (str(database), "environment, REELTUNE_DB"),
        "--log-format": ("json", "movies.toml, line 9"),
    }
    assert found["--method"]["setting"] == "search.method"


@pytest.mark.parametrize(
    "words",
    [
        ("tune",),
        ("tune", "quick"),
        ("tune", "resume", "x"),
        ("runs", "resume", "x"),
        ("candidates",),
        ("retrain",),
        ("nightly",),
        ("status",),
        ("versions", "status"),
        ("versions", "monitor"),
        ("import", "movielens", "x"),
        ("import", "table", "x"),
        ("tune", "mine.py:function"),
        ("db", "doctor"),
    ],
    ids=" ".join,
)
def test_every_command_that_takes_such_options_explains_them_and_does_nothing(
    words: tuple[str, ...], database: Path
) -> None:
    found = explained(*words, "--db", database)
    assert found["--db"]["source"] == "command line"
    assert [path.name for path in database.parent.iterdir()] == ["movies.toml"]


def test_a_table_tells_it_to_people(database: Path) -> None:
    done = run("tune", "--db", database, "--no-warm-start", "--explain-settings", "--format", "csv")
    rows = done.stdout.splitlines()
    assert '--method,random,"movies.toml, line 2"' in rows
    assert "--no-warm-start,yes,command line" in rows


def test_a_value_that_an_option_does_not_take_is_told_with_its_place(database: Path) -> None:
    database.with_suffix(".toml").write_text('[search]\nmethod = "randm"\n')
    done = run("tune", "--db", database)
    assert done.exit_code == 1
    assert done.stderr.startswith("error: movies.toml, line 2: search.method: 'randm' is not one")
    assert len(done.stderr.splitlines()) == 1


def test_a_command_without_such_options_does_not_read_the_file(world: Path) -> None:
    world.with_suffix(".toml").write_text("nonsense")
    assert run("versions", "list", "--db", world).exit_code == 0
    assert run("tune", "list", "--db", world).exit_code == 0
    for words in (("retrain", "--db", world, "--help"), ("retrain", "--db", world, "--version")):
        assert run(*words).exit_code == 0
    assert run("retrain", "--db", world).exit_code == 1


def test_settings_of_another_database_are_not_read(database: Path) -> None:
    found = explained("tune", "--db", database.with_name("other.db"))
    assert found["--method"]["source"] == "default"


def test_what_is_typed_is_done_though_the_file_names_a_method(world: Path) -> None:
    world.with_suffix(".toml").write_text('[search]\nmethod = "random"\nconfigs = 1\njobs = 1\n')
    assert "No experiment" in run("tune", "--summary", "--db", world).output
    found = json.loads(run("tune", "--db", world, "--json").stdout)
    assert (found["method"], found["experiments_run"]) == ("random", 2)


def test_retraining_takes_the_first_of_several_objectives_of_the_file(world: Path) -> None:
    world.with_suffix(".toml").write_text(
        '[study]\nobjective = "balanced,diversity"\n[gate]\naccuracy_threshold = 0\n'
    )
    found = json.loads(run("retrain", "--db", world, "--json").stdout)
    assert found["verdict"] == "promoted"
    typed = run("retrain", "--db", world, "--objective", "balanced,diversity")
    assert typed.exit_code == 2
