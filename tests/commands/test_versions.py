"""What the commands of model_versioning.py print and leave with."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from reeltune.commands.versions import model_versioning
from reeltune.components import COMPONENTS
from reeltune.db.connection import Connection, connect
from reeltune.db.deployed import export_path
from reeltune.rating_models.hand_weighted import HandWeighted
from reeltune.versioning.registry import promote, refuse, register
from tests.versioning.versions import (
    CATALOGUE,
    RATINGS,
    in_production,
    produced,
    registered,
    training,
)


@pytest.fixture
def db(tmp_path: Path) -> Path:
    return tmp_path / "movies.db"


@pytest.fixture
def conn(db: Path) -> Connection:
    return connect(db, create=True)


def run(db: Path, *args: str) -> Result:
    result = CliRunner().invoke(model_versioning, [*args, "--db", str(db)])
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result


def test_the_commands_promote_roll_back_and_verify(db: Path, conn: Connection) -> None:
    registered(conn, 1)
    registered(conn, 2)
    assert run(db, "promote", "1").output == "version 1 is in production\n"
    assert run(db, "promote", "1").output == "version 1 is in production already\n"
    said = json.loads(run(db, "promote", "2", "--reason", "[red]best", "--json").output)
    assert said == {"version": 2, "changed": True}
    assert "[red]best" in run(db, "show").output
    assert run(db, "rollback").output == "rolled back: version 1 is in production\n"
    assert run(db, "rollback", "--to", "2", "--quiet").output == ""
    assert in_production(conn) == 2
    assert run(db, "verify").output.startswith("nothing is wrong with 2 versions")
    assert json.loads(run(db, "verify", "--json").output) == {"ok": True, "faults": []}


def test_verify_leaves_with_1_and_says_what_to_do(db: Path, conn: Connection) -> None:
    produced(conn)
    export_path(conn).unlink()
    result = run(db, "verify")
    assert result.exit_code == 1
    assert "hyperparameters.json: is missing" in result.output
    assert "promote version 1 again" in result.output
    (fault,) = json.loads(run(db, "verify", "--json").output)["faults"]
    assert fault["subject"] == "hyperparameters.json"


def test_an_expected_error_is_one_line(db: Path, conn: Connection) -> None:
    registered(conn)
    for args in (["show"], ["show", "9"], ["diff", "1", "9"], ["promote", "9"], ["rollback"]):
        result = run(db, *args)
        assert result.exit_code == 1
        assert result.output.startswith("error: ")
        assert result.output.count("\n") == 1
    assert run(db, "show", str(2**70)).exit_code == 2


def test_list_and_diff_show_what_differs(db: Path, conn: Connection) -> None:
    assert "no version yet" in run(db, "list").output
    registered(conn, 1)
    registered(conn, 5)
    refuse(conn, training(), {}, "too low")
    listed = json.loads(run(db, "list", "--json").output)
    assert [version["status"] for version in listed] == ["candidate", "candidate", "refused"]
    assert listed[1]["training"]["hyperparameters"] == {"level": 5}
    assert "refused" in run(db, "list").output
    said = json.loads(run(db, "diff", "1", "2", "--json").output)
    assert said["hyperparameters"]["level"] == {"a": 1, "b": 5, "changed": True}
    assert said["test_metrics"]["accuracy"]["changed"] is False
    marked = [line for line in run(db, "diff", "1", "2").output.splitlines() if "*" in line]
    assert len(marked) == 1
    assert "level" in marked[0]


HOSTILE = "[bold]x[/] \x1b[31m\u202eevil\nline"


def test_show_lists_a_users_best_movies_with_hostile_titles_made_visible(
    db: Path, conn: Connection
) -> None:
    for movie in (10, 20, 30, 40):
        conn.execute("INSERT INTO movies (movie_id, title) VALUES (?, ?)", (movie, HOSTILE))
    for user, movie in ((1, 10), (1, 30), (3, 40), (7, 30)):
        conn.execute("INSERT INTO ratings VALUES (?, ?, 4.0, 9)", (user, movie))
    values = HandWeighted.space.defaults()
    model = HandWeighted(values).fit(RATINGS, CATALOGUE)
    run_of = training(model="hand-weighted", hyperparameters=values)
    promote(conn, register(conn, run_of, model, RATINGS, {}, HOSTILE), HOSTILE)
    result = run(db, "show", "--user", "1")
    assert result.exit_code == 0
    assert "[bold]x[/] \\x1b[31m\\u202eevil\\nline" in result.output
    assert not {"\x1b", "\u202e"} & set(result.output)
    best = json.loads(run(db, "show", "--user", "1", "--json").output)["recommendations"]
    assert {each["movie_id"] for each in best} == {20, 40}  # not those rated by now
    assert set(best[0]["parts"]) == set(COMPONENTS)
    assert sum(best[0]["parts"].values()) == pytest.approx(best[0]["score"])
    assert best[0]["title"] == HOSTILE
    others = json.loads(run(db, "show", "--user", "7", "--json").output)["recommendations"]
    assert {each["movie_id"] for each in others} == {10, 20, 40}
    assert "by ratings that came after version 1" in run(db, "show", "--user", "3").output
