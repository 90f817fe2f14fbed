from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reeltune.db.connection import Connection, connect
from reeltune.db.external_ids import find_id
from reeltune.db.imports import load_rejected_rows
from reeltune.importers.counts import DUPLICATE
from reeltune.importers.ids import Ids, digits_of
from reeltune.importers.rating_columns import UNKNOWN_MOVIE
from reeltune.importers.ratings import Stars, parse_rating
from reeltune.importers.rows import FIELD_COUNT, NOT_UTF8, NUL
from reeltune.importers.values import BadRowError
from tests.importers.imports import (
    LINKS,
    MOVIES,
    RATINGS,
    THREE_MOVIES,
    dump,
    fresh,
    import_all,
    select,
    write,
)

RATING = "rating is not a number, 0.5 to 5"
TIME = "timestamp is not whole seconds, 1970 to 2099"
USER = "userId is not a whole number"


def import_rows(conn: Connection, tmp_path: Path, rows: str | bytes) -> dict[str, int]:
    """Import ratings of the movies 1, 2 and 3; the count of rejected rows per reason."""
    content = RATINGS.encode() + (rows.encode() if isinstance(rows, str) else rows)
    directory = write(tmp_path / "files", movies_csv=THREE_MOVIES, ratings_csv=content)
    return import_all(conn, directory)["ratings.csv"].rejected


def ratings(conn: Connection) -> list[tuple[object, ...]]:
    return select(conn, "SELECT user_id, movie_id, rating, rated_at FROM ratings ORDER BY 1, 2")


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (b"7,2,nan,5", RATING),
        (b"7,2,inf,5", RATING),
        (b"7,2,,5", RATING),
        (b"7,2,good,5", RATING),
        (b"7,2,0.0,5", RATING),
        (b"7,2,5.5,5", RATING),
        (b"7,2,0_5,5", RATING),
        (b"7,2,3.0,-5", TIME),
        (b"7,2,3.0,964982703000", TIME),
        (b"7,2,3.0,1e9", TIME),
        (b"7,2,3.0,", TIME),
        (b"-7,2,3.0,5", USER),
        (b"9.5,2,3.0,5", USER),
        (b"9" * 10_000 + b",2,3.0,5", USER),
        (b"7,4,3.0,5", UNKNOWN_MOVIE),
        (b"7,2,3.0", FIELD_COUNT),
        (b"7,2,3.0,5,", FIELD_COUNT),
        (b"7,2,3.0,\xff5", NOT_UTF8),
        (b"7,2,3.0,5\0", NUL),
        (b"userId,movieId,rating,timestamp", USER),
    ],
)
def test_a_bad_row_is_recorded_with_its_line_and_costs_no_neighbour(
    tmp_path: Path, row: bytes, reason: str
) -> None:
    conn = fresh(tmp_path)
    rejected = import_rows(conn, tmp_path, b"1,1,3.5,10\n" + row + b"\n1,2,4.5,20\n")
    assert rejected == {reason: 1}
    assert ratings(conn) == [(1, 1, 3.5, 10), (1, 2, 4.5, 20)]
    (recorded,) = load_rejected_rows(conn, "ratings.csv")
    assert (recorded.line, recorded.reason) == (3, reason)


def test_empty_lines_are_skipped_and_not_called_bad(tmp_path: Path) -> None:
    assert import_rows(fresh(tmp_path), tmp_path, "\n1,1,3.5,10\n\n\n") == {}


def test_of_two_ratings_of_one_movie_the_later_stays_and_the_other_is_recorded(
    tmp_path: Path,
) -> None:
    conn = fresh(tmp_path)
    rejected = import_rows(conn, tmp_path, "1,1,5,30\n1,1,2,20\n1,2,1,10\n1,2,2,10\n")
    assert ratings(conn) == [(1, 1, 5.0, 30), (1, 2, 2.0, 10)]
    assert rejected == {DUPLICATE: 2}
    assert [row.line for row in load_rejected_rows(conn, "ratings.csv")] == [3, 4]


def test_of_two_files_the_newer_rating_stays_whichever_comes_first(tmp_path: Path) -> None:
    for order in (["1,1,2,20\n", "1,1,5,30\n"], ["1,1,5,30\n", "1,1,2,20\n"]):
        conn = fresh(tmp_path)
        for rows in order:
            import_rows(conn, tmp_path, rows)
        assert ratings(conn) == [(1, 1, 5.0, 30)]
        (tmp_path / "movies.db").unlink()


def test_a_file_without_ratings_is_no_error(tmp_path: Path) -> None:
    assert import_rows(fresh(tmp_path), tmp_path, "") == {}


good_rows = st.tuples(
    st.integers(1, 3),
    st.integers(1, 3),
    st.sampled_from([0.5, 1.0, 3.5, 5.0]),
    st.integers(0, 9),
)


@settings(max_examples=25, deadline=None)
@given(
    rows=st.lists(good_rows, max_size=12),
    noise=st.lists(st.tuples(st.integers(0, 12), st.text('",.\x00a9\r', max_size=9)), max_size=4),
)
def test_the_table_is_what_a_dictionary_says_whatever_stands_between_the_rows(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[tuple[int, int, float, int]],
    noise: list[tuple[int, str]],
) -> None:
    newest: dict[tuple[int, int], tuple[float, int]] = {}
    for user, movie, rating, at in rows:
        if at >= newest.get((user, movie), (0, 0))[1]:
            newest[user, movie] = (rating, at)
    lines = [",".join(map(str, row)) for row in rows]
    for place, text in noise:
        lines.insert(place, text)
    directory = tmp_path_factory.mktemp("world")
    conn = fresh(directory)
    import_rows(conn, directory, "\n".join(lines) + "\n")
    found = {(user, movie): (rating, at) for user, movie, rating, at in ratings(conn)}
    assert found == newest
    before = dump(conn)
    import_rows(conn, directory, "\n".join(lines) + "\n")
    assert dump(conn) == before
    conn.close()


WRITTEN = ["7", "07", "007", "0", str(2**62), str(2**63), "9" * 40]


def test_ids_that_are_written_differently_are_different_and_keep_their_text(tmp_path: Path) -> None:
    conn = fresh(tmp_path)
    rows = "".join(f"{user},2,3.0,5\n" for user in WRITTEN)
    assert import_rows(conn, tmp_path, rows) == {}
    users = [find_id(conn, "user", text) for text in WRITTEN]
    assert users[0] == 7
    assert sorted(map(str, users)) == sorted(str(row[0]) for row in ratings(conn))
    assert len(set(users)) == len(WRITTEN)
    before = dump(conn)
    import_rows(conn, tmp_path, rows)
    assert dump(conn) == before


def test_movies_are_numbered_from_nought_where_they_are(tmp_path: Path) -> None:
    directory = write(
        tmp_path / "files",
        movies_csv=f"{MOVIES}0,Heat,Crime\n00,Ronin,Crime\n",
        links_csv=f"{LINKS}0,0113277,949\n",
        ratings_csv=f"{RATINGS}1,0,4.0,5\n1,00,2.0,5\n",
    )
    conn = fresh(tmp_path)
    assert all(report.kept == report.read for report in import_all(conn, directory).values())
    zero, double = find_id(conn, "movie", "0"), find_id(conn, "movie", "00")
    assert {(row[1], row[2]) for row in ratings(conn)} == {(zero, 4.0), (double, 2.0)}
    assert select(conn, "SELECT movie_id FROM movies WHERE tmdb_id = 949") == [(zero,)]


def test_it_is_said_where_time_does_not_order_a_users_ratings(tmp_path: Path) -> None:
    movies = MOVIES + "".join(f"{n},Movie {n},Drama\n" for n in range(1, 21))
    for step, said in ((0, True), (1, False)):
        rows = "".join(f"{u},{m},3.0,{5 + step * m}\n" for u in (1, 2) for m in range(1, 21))
        directory = write(tmp_path / "files", movies_csv=movies, ratings_csv=RATINGS + rows)
        report = import_all(fresh(tmp_path), directory)["ratings.csv"]
        assert bool(report.notes) is said


@given(
    fields=st.lists(
        st.text() | st.text("0123456789.-+e_naif ", max_size=25), min_size=4, max_size=4
    )
)
def test_a_row_of_any_text_is_either_refused_or_within_all_bounds(
    tmp_path_factory: pytest.TempPathFactory, fields: list[str]
) -> None:
    conn = connect(tmp_path_factory.mktemp("ids") / "movies.db", create=True)
    users, movies = Ids(conn, "user", digits_of("id")), Ids(conn, "movie", digits_of("id"))
    conn.close()
    try:
        user, movie, rating, rated_at = parse_rating(fields, users, movies, Stars())
    except BadRowError:
        return
    assert 0 < user < 2**63
    assert 0 < movie < 2**63
    assert 0.5 <= rating <= 5.0
    assert 0 <= rated_at < 2**32
