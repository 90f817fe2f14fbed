import hashlib
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from rich.progress import Progress

from reeltune.db.catalogue import load_catalogue
from reeltune.db.connection import Connection, connection, transaction
from reeltune.db.imports import load_batches
from reeltune.db.movies import Movie, save_movies
from reeltune.db.ratings import load_ratings
from reeltune.domain.errors import InputError
from reeltune.importers.demo import DemoReport, import_demo, truth_path
from reeltune.importers.demo_command import demo
from reeltune.importers.demo_settings import RECIPE, TRUE_WEIGHTS, DemoSettings

SMALL = DemoSettings(users=30, movies=200, ratings=1500, seed=3)
OPTIONS = ["--users", "30", "--movies", "200", "--ratings", "1500", "--seed", "3"]


def make(conn: Connection, settings: DemoSettings = SMALL, users_per_block: int = 7) -> DemoReport:
    return import_demo(conn, settings, Progress(disable=True), users_per_block)


def content(conn: Connection) -> list[Any]:
    """Every row of the catalogue and the ratings."""
    tables = (
        "SELECT * FROM movies ORDER BY movie_id",
        "SELECT * FROM collections ORDER BY collection_id",
        "SELECT * FROM people ORDER BY person_id",
        "SELECT * FROM cast_members ORDER BY movie_id, person_id",
        "SELECT movie_id, name FROM movie_genres JOIN genres USING (genre_id) ORDER BY 1, 2",
        "SELECT * FROM ratings ORDER BY user_id, movie_id",
    )
    return [[tuple(row) for row in conn.execute(sql)] for sql in tables]


def run(db_path: Path, *options: str) -> Any:
    return CliRunner().invoke(demo, ["--db", str(db_path), *OPTIONS, *options])


def test_the_same_settings_make_the_same_content_in_blocks_of_any_size(tmp_path: Path) -> None:
    with connection(tmp_path / "a.db", create=True) as conn:
        make(conn, users_per_block=7)
        first = content(conn)
    with connection(tmp_path / "b.db", create=True) as conn:
        make(conn, users_per_block=1000)
        assert content(conn) == first


def test_a_recipe_makes_one_world_for_ever(tmp_path: Path) -> None:
    """Where this fails on purpose, count RECIPE up: databases made before are of another world."""
    with connection(tmp_path / "movies.db", create=True) as conn:
        make(conn)
        told = json.dumps(content(conn)).encode()
    assert (RECIPE, hashlib.sha256(told).hexdigest()[:16]) == (1, "859b6a945a6886be")


def test_another_seed_makes_another_world(tmp_path: Path) -> None:
    contents = []
    for seed in (1, 2):
        with connection(tmp_path / f"{seed}.db", create=True) as conn:
            make(conn, replace(SMALL, seed=seed))
            contents.append(content(conn))
    assert all(one != other for one, other in zip(*contents, strict=True))


def test_the_world_is_what_was_asked_for(tmp_path: Path) -> None:
    with connection(tmp_path / "movies.db", create=True) as conn:
        report = make(conn)
        ratings, catalogue = load_ratings(conn), load_catalogue(conn)
        (batch,) = load_batches(conn)
    assert (report.users, report.movies, report.ratings) == (30, 200, 1500)
    assert (ratings.n_users, ratings.n_movies, len(ratings)) == (30, 200, 1500)
    assert len(catalogue.collection_ids) == report.franchises > 0
    assert len(catalogue.person_ids) == report.people > 0
    assert (batch.source, batch.rows_kept) == ("demo", 1500)


def test_importing_again_changes_nothing(tmp_path: Path) -> None:
    with connection(tmp_path / "movies.db", create=True) as conn:
        first = make(conn)
        before = content(conn), load_batches(conn)
        again = make(conn)
        assert (content(conn), load_batches(conn)) == before
    assert first.changed
    assert again == replace(first, changed=False)


def test_another_demo_world_is_not_mixed_in(tmp_path: Path) -> None:
    with connection(tmp_path / "movies.db", create=True) as conn:
        make(conn)
        before = content(conn)
        with pytest.raises(InputError, match="holds another demo world: name another file"):
            make(conn, replace(SMALL, seed=4))
        assert content(conn) == before


def test_a_database_with_other_data_is_refused(tmp_path: Path) -> None:
    with connection(tmp_path / "movies.db", create=True) as conn:
        with transaction(conn):
            save_movies(conn, [Movie(1, "Mine (1999)", 1999)])
        with pytest.raises(InputError, match="holds other data: name another file"):
            make(conn)
        assert [len(rows) for rows in content(conn)] == [1, 0, 0, 0, 0, 0]


def test_an_interrupted_import_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with connection(tmp_path / "movies.db", create=True) as conn:
        with monkeypatch.context() as patch:
            patch.setattr("reeltune.importers.demo.finish_batch", interrupt)
            with pytest.raises(KeyboardInterrupt):
                make(conn)
        assert load_batches(conn) == []
        assert not any(content(conn))
        assert make(conn).changed


def test_the_command_says_what_it_made_and_writes_the_truth_beside_it(tmp_path: Path) -> None:
    result = run(tmp_path / "movies.db")
    assert result.exit_code == 0
    assert "1,500" in result.stdout
    assert "movies.truth.json" in result.stdout
    truth = json.loads((tmp_path / "movies.truth.json").read_text())
    assert truth["weights"] == TRUE_WEIGHTS
    assert (truth["users"], truth["seed"]) == (30, 3)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["movies.db", "movies.truth.json"]


def test_the_command_prints_one_json_document(tmp_path: Path) -> None:
    document = json.loads(run(tmp_path / "movies.db", "--json").stdout)
    assert document["ratings"] == 1500
    assert document["changed"] is True
    assert json.loads(run(tmp_path / "movies.db", "--json").stdout)["changed"] is False


def test_a_refused_world_leaves_the_truth_and_makes_no_file(tmp_path: Path) -> None:
    run(tmp_path / "movies.db")
    truth = truth_path(tmp_path / "movies.db").read_text()
    refused = run(tmp_path / "movies.db", "--seed", "4")
    assert refused.exit_code == 1
    assert refused.stderr.startswith("error: the demo world needs a database of its own")
    assert truth_path(tmp_path / "movies.db").read_text() == truth
    assert run(tmp_path / "other.db", "--ratings", "1").exit_code == 1
    assert not (tmp_path / "other.db").exists()


def test_a_kill_leaves_nothing_that_looks_complete(tmp_path: Path) -> None:
    program = (
        "import os; from pathlib import Path; from rich.progress import Progress;"
        "import reeltune.importers.demo as d; from reeltune.db.connection import connect;"
        "from reeltune.importers.demo_settings import DemoSettings;"
        "d.finish_batch = lambda *_: os.kill(os.getpid(), 9);"
        "conn = connect(Path(os.environ['DB']), create=True);"
        "d.import_demo(conn, DemoSettings(users=30, movies=200, ratings=1500),"
        " Progress(disable=True))"
    )
    db_path = tmp_path / "movies.db"
    killed = subprocess.run(
        [sys.executable, "-c", program],
        env={"DB": str(db_path)},
        cwd=Path(__file__).parents[2],
        check=False,
    )
    assert killed.returncode == -9
    with connection(db_path) as conn:
        assert load_batches(conn) == []
        assert not any(content(conn))
