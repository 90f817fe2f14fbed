"""`reeltune recommend`, `similar` and `export-lists`, as they are typed."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from reeltune.commands.main import main
from reeltune.db.connection import connection, transaction
from tests.running import run


@pytest.fixture(name="db", scope="module")
def _db(new_world: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A world with a version in production."""
    path = tmp_path_factory.mktemp("deployed") / "movies.db"
    path.write_bytes(new_world.read_bytes())
    run("retrain_model.py", "--accuracy-threshold", "0", "--quiet", "--db", path)
    return path


def reeltune(db: Path, *words: str | Path, expect: int = 0) -> Result:
    line = [*map(str, words), "--db", str(db)]
    done = CliRunner(env={"COLUMNS": "80"}).invoke(main, line, prog_name="reeltune")
    assert done.exit_code == expect, f"{words}\n{done.output}\n{done.exception!r}"
    return done


def told(db: Path, *words: str) -> Any:
    return json.loads(reeltune(db, *words, "--json").stdout)


def refused(db: Path, *words: str) -> str:
    (line,) = reeltune(db, *words, expect=1).stderr.splitlines()
    return line


def test_the_list_is_that_of_show_to_the_last_bit(db: Path) -> None:
    found = told(db, "recommend", "7", "--explain")
    shown = told(db, "versions", "show", "--user", "7")["recommendations"]
    assert [{n: each[n] for n in shown[0]} for each in found["items"]] == shown
    assert (found["user"], found["version"], found["source"]) == ("7", 1, "fitted")
    assert any("likes its genres: " in reason for reason in found["items"][0]["reasons"])
    assert "parts" not in told(db, "recommend", "7")["items"][0]


def test_movies_are_excluded_and_of_one_genre(db: Path) -> None:
    everything = told(db, "recommend", "7", "--k", "1000")["items"]
    first, second, third = (str(each["movie_id"]) for each in everything[:3])
    some = told(db, "recommend", "7", "--exclude", first, "--exclude", third)["items"]
    assert str(some[0]["movie_id"]) == second
    assert not {first, third} & {str(each["movie_id"]) for each in some}
    with connection(db) as conn:
        (name,) = conn.execute("SELECT name FROM genres ORDER BY name LIMIT 1").fetchone()
    few = told(db, "recommend", "7", "--k", "1000", "--genre", name)["items"]
    assert 0 < len(few) < len(everything)
    assert "no movie has the genre 'Nonsense'" in refused(
        db, "recommend", "7", "--genre", "Nonsense"
    )


def test_a_stranger_is_told_by_what_the_list_is(db: Path) -> None:
    text = reeltune(db, "recommend", "nobody", "--k", "3").stdout
    assert "no ratings yet: popular and varied" in text
    assert len(told(db, "recommend", "nobody", "--k", "3")["items"]) == 3


def test_tables_fit_80_columns_and_hide_nothing_that_controls_a_terminal(
    db: Path, tmp_path: Path
) -> None:
    hostile = tmp_path / "movies.db"
    hostile.write_bytes(db.read_bytes())
    (tmp_path / "movies.versions").symlink_to(db.with_name("movies.versions"))
    with connection(hostile) as conn, transaction(conn):
        conn.execute("UPDATE movies SET title = '[bold]x[/] \x1b[31m evil'")
    for words in (("recommend", "7", "--explain"), ("recommend", "x\x1b[31m"), ("similar", "1")):
        text = reeltune(hostile, *words).stdout
        assert "\x1b" not in text
        assert "[bold]x[/]" in text
    for words in (("recommend", "7", "--explain"), ("similar", "1")):
        assert max(map(len, reeltune(db, *words).stdout.splitlines())) <= 80


def test_similar_movies_are_listed_with_what_they_share(db: Path) -> None:
    found = told(db, "similar", "1", "--k", "4")
    assert (found["movie"], found["source"], len(found["items"])) == ("1", "similar", 4)
    assert set(found["items"][0]["parts"]) == {"genre", "cast", "franchise"}
    assert found["because"].startswith("in common with ")
    assert refused(db, "similar", "no such movie").endswith("knows no movie 'no such movie'")


def test_all_lists_are_written_beside_the_database_or_where_it_is_said(
    db: Path, tmp_path: Path
) -> None:
    found = told(db, "export-lists", "--k", "2")
    assert found["file"] == str(db.with_name("movies.lists.csv"))
    lines = db.with_name("movies.lists.csv").read_text(encoding="utf-8").splitlines()
    assert (found["users"], found["rows"], len(lines)) == (80, 160, 161)
    out = tmp_path / "here.sqlite"
    text = reeltune(db, "export-lists", "--format", "sqlite", "--out", out).stdout
    assert text == f"{out}: lists of 80 users by version 1, 1,600 rows\n"
    assert reeltune(db, "export-lists", "--out", out, "--quiet").output == ""


def test_without_a_version_it_is_said_what_to_do(new_world: Path, tmp_path: Path) -> None:
    path = tmp_path / "movies.db"
    path.write_bytes(new_world.read_bytes())
    for words in (("recommend", "1"), ("similar", "1"), ("export-lists",)):
        assert refused(path, *words) == (
            "error: no version is in production: run `retrain_model.py` first"
        )
