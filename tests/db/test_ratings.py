import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reeltune.db.connection import Connection, connect
from reeltune.db.movies import Movie, save_movies
from reeltune.db.ratings import (
    count_ratings,
    count_users,
    load_movie_ids,
    load_ratings,
    save_ratings,
)
from reeltune.domain.errors import StorageError
from reeltune.ratings.blocks import sorting

Row = tuple[int, int, float, int]


def database(tmp_path: Path, movie_ids: tuple[int, ...] = (3, 5, 9)) -> Connection:
    conn = connect(tmp_path / "movies.db", create=True)
    save_movies(conn, [Movie(number, f"Movie {number}") for number in movie_ids])
    return conn


def save(conn: Connection, *rows: Row) -> None:
    users, movies, ratings, rated_at = np.array(rows, dtype=np.float64).reshape(-1, 4).T
    save_ratings(
        conn,
        users.astype(np.int64),
        movies.astype(np.int64),
        ratings,
        rated_at.astype(np.int64),
    )


def test_an_empty_database_gives_an_empty_table(tmp_path: Path) -> None:
    table = load_ratings(connect(tmp_path / "movies.db", create=True))
    assert (len(table), table.n_users, table.n_movies) == (0, 0, 0)


def test_ratings_come_by_user_and_time_over_all_movies_rated_or_not(tmp_path: Path) -> None:
    conn = database(tmp_path)
    save(conn, (7, 9, 3.5, 20), (7, 3, 1.0, 30), (2, 3, 5.0, 40))
    table = load_ratings(conn)
    assert table.user_ids.tolist() == [2, 7]
    assert table.movie_ids.tolist() == load_movie_ids(conn).tolist() == [3, 5, 9]
    assert table.users.tolist() == [0, 1, 1]
    assert table.movies.tolist() == [0, 2, 0]
    assert table.ratings.tolist() == [5.0, 3.5, 1.0]
    assert table.rated_at.tolist() == [40, 20, 30]
    assert (count_ratings(conn), count_users(conn)) == (3, 2)


@pytest.mark.parametrize(
    ("second", "stays"),
    [((7, 3, 1.0, 19), 4.0), ((7, 3, 1.0, 20), 1.0), ((7, 3, 1.0, 21), 1.0)],
)
def test_the_newer_of_two_ratings_stays_and_on_a_tie_the_one_saved_last(
    tmp_path: Path, second: Row, stays: float
) -> None:
    conn = database(tmp_path)
    save(conn, (7, 3, 4.0, 20))
    save(conn, second)
    assert load_ratings(conn).ratings.tolist() == [stays]


def test_more_rows_than_a_block_come_whole_and_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reeltune.db.ratings._BLOCK_ROWS", 3)
    conn = database(tmp_path)
    save(conn, *((user, 3, 0.5 * user, user) for user in range(1, 8)))
    assert load_ratings(conn).rated_at.tolist() == list(range(1, 8))


def test_loading_needs_no_more_memory_than_the_columns_and_a_block(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reeltune.db.ratings._BLOCK_ROWS", 500)
    n_users, n_movies = 2_000, 50
    conn = database(tmp_path, tuple(range(1, n_movies + 1)))
    users, movies = np.divmod(np.arange(n_users * n_movies), n_movies)
    save_ratings(conn, users + 1, movies + 1, np.full(len(users), 3.5), users + 7)
    tracemalloc.start()
    table = load_ratings(conn)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    columns = (table.users, table.movies, table.ratings, table.rated_at)
    assert peak < 1.25 * sum(column.nbytes for column in columns)
    assert len(table) == n_users * n_movies


@pytest.mark.parametrize(
    "damage", ["UPDATE ratings SET rating = 0.25", "UPDATE ratings SET movie_id = 4"]
)
def test_what_no_rating_can_be_is_refused(tmp_path: Path, damage: str) -> None:
    conn = database(tmp_path)
    save(conn, (7, 3, 4.0, 20))
    conn.execute("PRAGMA ignore_check_constraints = ON")
    conn.execute("PRAGMA foreign_keys = OFF")
    conn.execute(damage)
    with pytest.raises(StorageError, match="damaged"):
        load_ratings(conn)


@given(
    users=st.lists(st.integers(0, 2**31), min_size=1, max_size=20),
    span=st.sampled_from([1, 2**31, 2**62]),
    data=st.data(),
)
def test_the_quick_order_is_the_plain_one(users: list[int], span: int, data: st.DataObject) -> None:
    some = np.sort(np.array(users, dtype=np.int64))
    n = len(some)
    rated_at = np.array(data.draw(st.lists(st.integers(0, span), min_size=n, max_size=n)))
    movies = np.array(data.draw(st.permutations(range(n))), dtype=np.int32)
    if data.draw(st.booleans()):
        movies = np.sort(movies)
    expected = np.lexsort((movies, rated_at, some))
    assert sorting(some, rated_at, movies).tolist() == expected.tolist()


rows = st.tuples(
    st.integers(1, 2**53),
    st.sampled_from([3, 5, 9]),
    st.sampled_from([0.5, 3.5, 5.0]) | st.floats(0.5, 5.0),
    st.integers(0, 2**53),
)


@settings(max_examples=20, deadline=None)
@given(some=st.lists(rows, max_size=10, unique_by=lambda row: row[:2]))
def test_what_is_saved_is_loaded_whatever_the_order(
    tmp_path_factory: pytest.TempPathFactory, some: list[Row]
) -> None:
    conn = database(tmp_path_factory.mktemp("ratings"))
    save(conn, *some)
    table = load_ratings(conn)
    users, movies = table.user_ids[table.users], table.movie_ids[table.movies]
    found = zip(users, movies, table.ratings, table.rated_at, strict=True)
    stored = [(user, movie, float(np.float32(stars)), at) for user, movie, stars, at in some]
    assert [tuple(map(float, row)) for row in found] == sorted(
        (tuple(map(float, row)) for row in stored), key=lambda row: (row[0], row[3], row[1])
    )
    conn.close()


def test_a_rating_that_lies_in_the_future_gives_way_and_replaces_none(tmp_path: Path) -> None:
    conn, far = database(tmp_path), 4_102_444_000  # in 2099
    save(conn, (7, 3, 1.0, far), (7, 5, 2.0, 20))
    save(conn, (7, 3, 4.0, 20), (7, 5, 4.5, far))
    assert load_ratings(conn).ratings.tolist() == [4.0, 2.0]
    save(conn, (7, 9, 1.0, far), (7, 9, 2.0, far - 1), (7, 9, 3.0, far + 1))
    assert load_ratings(conn).ratings.tolist() == [4.0, 2.0, 3.0]
