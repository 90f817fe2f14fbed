import json
import threading
from pathlib import Path
from typing import Any

import pysqlite3 as sqlite
import pytest
from click.testing import CliRunner, Result

from reeltune.cli.exits import EXIT_BUSY, EXIT_REJECTED
from reeltune.commands.imports import importers
from reeltune.db.connection import connection
from reeltune.db.data_version import ensure_data_version, load_data_version
from tests.importers.tables import (
    COLUMNS,
    FILMS,
    STORED,
    csv_text,
    database,
    stored,
)

MAP = """
[movies]
table = "films"
movie = "id"
title = "name"
genres = "kinds"

[ratings]
table = "my votes"
user = "who"
movie = "film"
rating = "vote"
scale = "1-10"
time = "when"
"""


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(importers, list(map(str, words)))


def synced(db: Path) -> list[dict[str, Any]]:
    result = run("sync", "--db", db, "--json")
    assert result.exit_code == 0, result.output
    found: list[dict[str, Any]] = json.loads(result.stdout)
    return found


def write(path: Path, *rows: tuple[object, ...]) -> None:
    conn = sqlite.connect(str(path))
    conn.executemany('INSERT INTO "my votes" VALUES (?, ?, ?, ?)', rows)
    conn.commit()
    conn.close()


def remembered(tmp_path: Path, text: str = MAP) -> tuple[Path, Path]:
    """An app's database, and ours that remembers it."""
    app, db = database(tmp_path / "app.db"), tmp_path / "movies.db"
    (tmp_path / "map.toml").write_text(text)
    done = run("table", app, "--map", tmp_path / "map.toml", "--remember", "app", "--db", db)
    assert done.exit_code == 0, done.output
    return app, db


@pytest.mark.parametrize("grows", ["", 'grows = "when"\n'])
def test_only_what_is_new_comes_in_and_nothing_twice(tmp_path: Path, grows: str) -> None:
    app, db = remembered(tmp_path, MAP + grows)
    synced(db)
    write(
        app, ("zoë", "a-1", 1, "2025-01-01T00:00:00Z"), ("new", "b, 2", 8, "2025-01-02T00:00:00Z")
    )
    (first,) = synced(db)
    assert first["new_ratings"] == 1
    with connection(db) as conn:
        ensure_data_version(conn)
        sealed, found = load_data_version(conn), stored(conn)
    assert len(found) == len(STORED) + 1
    assert ("zoë", "a-1", 0.5, 1735689600) in found
    (second,) = synced(db)
    assert second["new_ratings"] == 0
    assert second["files"][-1]["read"] == (1 if grows else 6)
    with connection(db) as conn:
        assert (load_data_version(conn), stored(conn)) == (sealed, found)


@pytest.mark.parametrize("grows", ["", 'grows = "when"\n'])
def test_what_a_source_no_longer_has_stays(tmp_path: Path, grows: str) -> None:
    app, db = remembered(tmp_path, MAP + grows)
    synced(db)
    conn = sqlite.connect(str(app))
    conn.execute("DELETE FROM \"my votes\" WHERE who = 'zoë'")
    conn.execute("UPDATE \"my votes\" SET vote = 2, \"when\" = '2025-01-01' WHERE who = '7'")
    conn.commit()
    conn.close()
    assert synced(db)[0]["new_ratings"] == 0
    with connection(db) as conn:
        found = {(user, movie): rating for user, movie, rating, _ in stored(conn)}
    assert found == {(user, movie): rating for user, movie, rating, _ in STORED} | {
        ("7", "a-1"): 1.0
    }


def test_a_sync_that_fails_leaves_everything_as_it_was(tmp_path: Path) -> None:
    app, db = remembered(tmp_path)
    write(
        app, *(("zoë", "a-1", "x", "2025-01-01") for _ in range(9)), ("new", "a-1", 8, "2025-01-02")
    )
    result = run("sync", "--db", db)
    assert result.exit_code == EXIT_REJECTED
    with connection(db) as conn:
        assert stored(conn) == STORED


def test_a_directory_of_exports_is_read_only_where_it_changed(tmp_path: Path) -> None:
    exports, db = tmp_path / "exports", tmp_path / "movies.db"
    exports.mkdir()
    (exports / "films.csv").write_text(
        "id,name,kinds\n" + "".join(f'"{i}",{n},{k}\n' for i, n, k in FILMS)
    )
    (exports / "votes-1.csv").write_text(csv_text(), encoding="utf-8")
    text = MAP.replace('"films"', '"films.csv"').replace('"my votes"', '"votes-*.csv"')
    (tmp_path / "map.toml").write_text(text)
    done = run("table", exports, "--map", tmp_path / "map.toml", "--remember", "e", "--db", db)
    assert done.exit_code == 0, done.output
    assert synced(db)[0]["changed"]  # it is read once more, to know what it was
    assert not synced(db)[0]["changed"]
    row = ",".join(["late", "a-1", "9", "2025-01-01"])
    (exports / "votes-2.csv").write_text(",".join(COLUMNS) + f"\n{row}\n")
    (found,) = synced(db)
    assert (found["changed"], found["new_ratings"]) == (True, 1)


def test_sources_are_listed_and_forgotten_and_what_came_of_them_stays(tmp_path: Path) -> None:
    app, db = remembered(tmp_path)
    assert str(app) in run("sync", "--list", "--db", db).stdout.replace("\n", "")
    assert run("sync", "--forget", "app", "--db", db).exit_code == 0
    nothing = run("sync", "--db", db)
    assert nothing.exit_code == 1
    assert "no source is remembered" in nothing.stderr
    with connection(db) as conn:
        assert stored(conn) == STORED


def test_a_source_that_is_gone_is_an_error(tmp_path: Path) -> None:
    app, db = remembered(tmp_path)
    app.unlink()
    result = run("sync", "--db", db)
    assert result.exit_code == 1
    assert "is not there" in result.stderr


@pytest.mark.parametrize("command", ["sync", "table"])
def test_an_import_waits_for_another_programs_lock_as_long_as_it_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    app, db = remembered(tmp_path)
    words = {"sync": (), "table": (app, "--map", tmp_path / "map.toml")}[command]
    monkeypatch.setattr("reeltune.db.connection.BUSY_SECONDS", 0.05)
    holder = sqlite.connect(str(db), isolation_level=None, check_same_thread=False)
    holder.execute("BEGIN IMMEDIATE")
    assert run(command, *words, "--db", db).exit_code == EXIT_BUSY
    release = threading.Timer(0.3, holder.rollback)
    release.start()
    assert run(command, *words, "--wait", "60", "--db", db).exit_code == 0
    release.join()
    holder.close()
