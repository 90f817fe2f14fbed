"""An erased user does not come back with an import, until readmitted."""

import time
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from reeltune.cli.console import progress_bar, remark_console
from reeltune.db.connection import connection
from reeltune.db.erasures import load_tombstones
from reeltune.db.external_ids import find_id
from reeltune.db.ratings import count_ratings
from reeltune.importers.layouts import find_movielens
from reeltune.importers.movielens import import_movielens
from reeltune.versioning.erasure import readmit
from tests.versioning.erased import ANNA, bring_in, erased, frames


@pytest.mark.parametrize("kind", ["user", "ratings"])
def test_an_import_of_the_old_rows_brings_nobody_back(path: Path, kind: Any) -> None:
    erased(path, kind=kind)
    with connection(path) as conn:
        n = count_ratings(conn)
        found = frames()
        wrong = found["ratings"].iloc[:1].assign(user=ANNA, stars="nonsense")
        unknown = found["ratings"].iloc[:1].assign(user=ANNA, movie="m-999")
        found["ratings"] = pd.concat([found["ratings"].astype(object), wrong, unknown])
        bring_in(conn, found)
        assert count_ratings(conn) == n
        assert find_id(conn, "user", ANNA) is None
        text = " ".join(row[0] for row in conn.execute("SELECT detail FROM rejected_rows"))
    assert ANNA not in text


def test_ratings_given_after_an_erasure_of_ratings_are_taken(path: Path) -> None:
    erased(path, kind="ratings")
    now = int(time.time())
    fresh = frames()["ratings"].query("user == @ANNA").head(3)
    fresh["at"] = [now + 3600, now - 10, now + 10**8]  # the last is no moment yet
    with connection(path) as conn:
        n = count_ratings(conn)
        bring_in(conn, frames() | {"ratings": fresh})
        assert count_ratings(conn) == n + 1


def test_a_user_who_is_readmitted_comes_back_with_the_next_import(path: Path) -> None:
    erased(path)
    with connection(path) as conn:
        n = count_ratings(conn)
        assert readmit(conn, ANNA)
        assert not readmit(conn, ANNA)
        bring_in(conn)
        assert count_ratings(conn) == n + 20
    erased(path)
    with connection(path) as conn:
        assert count_ratings(conn) == n
        assert load_tombstones(conn)


def test_movielens_files_bring_nobody_back(tmp_path: Path) -> None:
    place = tmp_path / "ml"
    place.mkdir()
    (place / "movies.csv").write_text("movieId,title,genres\n1,One (1990),Drama\n2,Two,Drama\n")
    rows = "userId,movieId,rating,timestamp\n123456789,1,4.0,5\n7,1,4.0,5\n7,2,3.0,6\n"
    (place / "ratings.csv").write_text(rows)
    path = tmp_path / "movies.db"
    bar = progress_bar(remark_console(quiet=True), "")
    with connection(path, create=True) as conn, bar:
        list(import_movielens(conn, find_movielens(place), bar))
    erased(path, "123456789")
    (place / "ratings.csv").write_text(rows + "123456789,2,nonsense,7\n")
    with connection(path) as conn, bar:
        list(import_movielens(conn, find_movielens(place), bar))
        assert count_ratings(conn) == 2
        conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert b"123456789" not in path.read_bytes()
