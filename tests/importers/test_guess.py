import gzip
from pathlib import Path

import pysqlite3 as sqlite
import pytest
from click.testing import CliRunner, Result

from reeltune.commands.imports import importers
from reeltune.db.connection import connection
from reeltune.importers.mapping import parse_mapping
from tests.importers.tables import stored

VOTES = "user_id,film_id,vote,voted_at\n"


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(importers, ["table", *map(str, words)])


def app(path: Path) -> Path:
    conn = sqlite.connect(str(path))
    conn.executescript(
        """
        CREATE TABLE users (id TEXT PRIMARY KEY, name TEXT, created_at TEXT);
        CREATE TABLE films (id INTEGER PRIMARY KEY, title TEXT, genres TEXT);
        CREATE TABLE votes (user_id TEXT, film_id INTEGER, vote INTEGER, voted_at TEXT);
        """
    )
    for n in range(10):
        conn.execute("INSERT INTO users VALUES (?, ?, '2024-01-01')", (f"u{n}", f"User {n}"))
        conn.execute("INSERT INTO films VALUES (?, ?, 'Drama, War')", (n, f"Film {n}"))
    for n in range(100):
        row = (f"u{n % 10}", n // 10, n % 10 + 1, f"2024-03-{n % 28 + 1:02}T10:00:00Z")
        conn.execute("INSERT INTO votes VALUES (?, ?, ?, ?)", row)
    conn.commit()
    conn.close()
    return path


def test_a_guess_can_be_used_as_it_is(tmp_path: Path) -> None:
    source, db = app(tmp_path / "app.db"), tmp_path / "movies.db"
    guessed = run(source, "--guess", "--db", db)
    assert guessed.exit_code == 0, guessed.output
    assert not db.exists()
    said = parse_mapping(guessed.stdout, "the guess")
    assert [part.table for part in said.movies] == ["films"]
    assert [(part.table, part.scale) for part in said.ratings] == [("votes", "1-10")]
    (tmp_path / "map.toml").write_text(guessed.stdout)
    done = run(source, "--map", tmp_path / "map.toml", "--db", db)
    assert done.exit_code == 0, done.output
    with connection(db) as conn:
        found = stored(conn)
    assert len(found) == 100
    assert ("u9", "0", 5.0, 1710064800) in found


def test_a_guess_says_what_it_saw(tmp_path: Path) -> None:
    text = VOTES + "".join(f"007{n},{n},{n % 5 + 1};,{1_500_000_000 + n}\n" for n in range(8))
    path = tmp_path / "votes.csv"
    path.write_text(text.replace(";", "") + "0070,1,x,1500000000\n", encoding="utf-16")
    guessed = run(path, "--guess").stdout
    assert "8 of 9 rows read would be kept (88.9%)" in guessed
    assert "UTF-16, commas between fields, a header" in guessed
    assert "times are seconds" in guessed
    assert "recognised: stars" in guessed
    assert "1 rows: rating is not a number" in guessed
    assert "ids like 0070, 0071, 0072 (users)" in guessed


def test_events_are_guessed_where_there_is_no_rating(tmp_path: Path) -> None:
    path = tmp_path / "plays.csv.gz"
    rows = "".join(f"u{n},{n},{60 * n},{1_500_000_000 + n}\n" for n in range(9))
    path.write_bytes(gzip.compress(f"user,item,watch_time,ts\n{rows}".encode()))
    guessed = run(path, "--guess").stdout
    (part,) = parse_mapping(guessed, "the guess").ratings
    assert (part.rating, part.weight, part.relevant_from) == (None, "watch_time", 240)


def test_what_looks_like_nothing_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("colour,taste\nred,sweet\n")
    result = run(path, "--guess")
    assert result.exit_code == 1
    assert "looks like ratings or movies" in result.stderr
    assert result.stderr.count("\n") == 1


def test_our_own_database_is_no_source(tmp_path: Path) -> None:
    with connection(tmp_path / "movies.db", create=True):
        pass
    result = run(tmp_path / "movies.db", "--guess", "--db", tmp_path / "movies.db")
    assert "is the database itself" in result.stderr


@pytest.mark.parametrize(
    "words",
    [(), ("--user", "u"), ("--map", "letterboxd", "--user", "u")],
)
def test_options_that_do_not_fit_together_are_a_usage_error(
    tmp_path: Path, words: tuple[str, ...]
) -> None:
    assert run(tmp_path, *words).exit_code == 2


def test_options_say_the_same_as_a_mapping(tmp_path: Path) -> None:
    db = tmp_path / "movies.db"
    (tmp_path / "f.csv").write_text("id;title;genres\n1;Heat;Crime/War\n", encoding="cp1252")
    (tmp_path / "v.csv").write_text("u,m,r,t\nx,1,60,01.02.2024\n")
    films = run(tmp_path / "f.csv", "--movie", "id", "--title", "title", "--db", db)
    assert films.exit_code == 0, films.output
    words = ("--user", "u", "--movie", "m", "--rating", "r", "--time", "t", "--scale", "0-100")
    done = run(tmp_path / "v.csv", *words, "--relevant-from", "60", "--db", db)
    assert done.exit_code == 0, done.output
    with connection(db) as conn:
        assert stored(conn) == [("x", "1", 4.0, 1706745600)]
