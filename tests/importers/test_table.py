import gzip
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pysqlite3 as sqlite
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reeltune.db.connection import connect
from reeltune.db.data_version import ensure_data_version, load_data_version
from reeltune.db.imports import load_batches, load_rejected_rows
from reeltune.domain.errors import InputError, NotFoundError, ReelTuneError, RejectedRowsError
from reeltune.importers.counts import DUPLICATE
from reeltune.importers.rating_columns import UNKNOWN_MOVIE
from reeltune.importers.table import import_table
from tests.importers.imports import dump, select
from tests.importers.tables import (
    COLUMNS,
    FILES,
    FILMS,
    MOVIES_MAP,
    RATINGS_MAP,
    ROWS,
    STORED,
    csv_text,
    database,
    import_text,
    json_lines,
    parquet,
    stored,
    with_films,
    zipped,
)


@pytest.mark.parametrize("form", FILES)
def test_every_form_of_a_file_gives_the_same_ratings(tmp_path: Path, form: str) -> None:
    conn = with_films(tmp_path)
    report = import_text(conn, tmp_path / "votes", FILES[form]())
    assert stored(conn) == STORED
    assert (report.read, report.kept) == (4, 4)


@pytest.mark.parametrize(
    "said",
    [
        {"table": "my votes"},
        {"select": 'SELECT * FROM "my votes" WHERE vote > 0;'},
        {"select": "WITH v AS (SELECT * FROM [my votes]) SELECT * FROM v"},
    ],
)
def test_another_programs_database_is_read_and_not_changed(
    tmp_path: Path, said: dict[str, str]
) -> None:
    path = database(tmp_path / "app.db")
    before = path.read_bytes()
    conn = connect(tmp_path / "movies.db", create=True)
    mapping = {"movies": MOVIES_MAP | {"table": "films"}, "ratings": RATINGS_MAP | said}
    import_table(conn, path, mapping)
    assert stored(conn) == STORED
    assert path.read_bytes() == before
    assert sorted(p.name for p in tmp_path.glob("app.db*")) == ["app.db"]


@pytest.mark.parametrize(
    "query", ["DELETE FROM films", "PRAGMA user_version = 9", "ATTACH 'x' AS y"]
)
def test_a_query_that_does_not_read_is_refused(tmp_path: Path, query: str) -> None:
    path = database(tmp_path / "app.db")
    with pytest.raises(InputError, match="must begin with SELECT"):
        import_table(
            connect(tmp_path / "movies.db", create=True),
            path,
            {"ratings": RATINGS_MAP | {"select": query}},
        )


def test_a_database_is_read_as_of_one_moment_while_its_program_writes(tmp_path: Path) -> None:
    path = database(tmp_path / "app.db")
    writer = sqlite.connect(str(path), isolation_level=None)
    writer.execute("PRAGMA journal_mode = WAL")
    writer.execute("BEGIN IMMEDIATE")
    writer.execute("INSERT INTO [my votes] VALUES ('late', 'a-1', 3, '2024-01-01T00:00:00Z')")
    conn = with_films(tmp_path)
    import_table(conn, path, {"ratings": RATINGS_MAP | {"table": "my votes"}})
    assert stored(conn) == STORED
    writer.execute("COMMIT")
    writer.close()


def test_a_directory_and_an_archive_have_tables_by_their_files_names(tmp_path: Path) -> None:
    conn = with_films(tmp_path)
    export = tmp_path / "export"
    export.mkdir()
    (export / "votes-1.csv").write_text(csv_text(), encoding="utf-8")
    (export / "votes-2.csv.gz").write_bytes(gzip.compress(csv_text().encode()))
    (export / "readme.txt").write_text("no table")
    (tmp_path / "export.zip").write_bytes(zipped(csv_text().encode()))
    wanted = (
        (export, "votes-1.csv", 4),
        (export, "votes-*", 8),
        (tmp_path / "export.zip", "export/votes.csv", 4),
    )
    for source, name, n in wanted:
        said = {"ratings": RATINGS_MAP | {"table": name}}
        assert import_table(conn, source, said)[0].read == n
    with pytest.raises(InputError, match=r"has 3 tables, say which: readme\.txt, votes-1\.csv"):
        import_table(conn, export, {"ratings": RATINGS_MAP})


def test_a_data_frame_gives_the_same_ratings(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    conn = connect(tmp_path / "movies.db", create=True)
    votes = pandas.DataFrame(ROWS, columns=list(COLUMNS))
    votes["when"] = pandas.to_datetime(votes["when"], format="ISO8601", utc=True)
    frames = {"films": pandas.DataFrame(FILMS, columns=["id", "name", "kinds"]), "votes": votes}
    mapping = {
        "movies": MOVIES_MAP | {"table": "films"},
        "ratings": RATINGS_MAP | {"table": "votes"},
    }
    import_table(conn, frames, mapping)
    assert stored(conn) == STORED


def test_numbers_in_frames_are_ids_as_they_are_in_text(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    conn = with_films(tmp_path)
    films = pandas.DataFrame({"id": [0, 1, 2**62], "name": ["A", "B", "C"], "kinds": ["", "", ""]})
    votes = pandas.DataFrame(
        {"who": [0.0, 5.0, 5.0], "film": [0, 1, 2**62], "vote": [1, 5, 10], "when": [1, 2, 3]}
    )
    import_table(conn, {"films": films}, {"movies": MOVIES_MAP})
    import_table(conn, {"votes": votes}, {"ratings": RATINGS_MAP})
    assert [(user, movie) for user, movie, _, _ in stored(conn)] == [
        ("0", "0"),
        ("5", "1"),
        ("5", str(2**62)),
    ]


def test_half_characters_in_frames_are_replaced(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    conn = with_films(tmp_path)
    votes = pandas.DataFrame(
        {"who": ["\ud800", ["\ud800"]], "film": ["a-1"] * 2, "vote": [1, 2], "when": [1, 2]},
        dtype=object,
    )
    import_table(conn, {"votes": votes}, {"ratings": RATINGS_MAP})
    assert [user for user, *_ in stored(conn)] == ['["�"]', "�"]


@pytest.mark.parametrize(
    ("module", "form"), [("zstandard", "zstd"), ("pyarrow.parquet", "Parquet")]
)
def test_a_library_that_is_missing_is_one_line_that_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str, form: str
) -> None:
    conn = with_films(tmp_path)
    starts = {"zstd": b"\x28\xb5\x2f\xfd" + bytes(9), "Parquet": b"PAR1" + bytes(9)}
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(InputError, match=r"pip install -r requirements-import\.txt"):
        import_text(conn, tmp_path / "votes", starts[form])


def test_importing_again_changes_nothing_and_leaves_the_seal(tmp_path: Path) -> None:
    path = database(tmp_path / "app.db")
    conn = connect(tmp_path / "movies.db", create=True)
    said = {
        "movies": MOVIES_MAP | {"table": "films", "cast": "kinds", "collection": "kinds"},
        "ratings": RATINGS_MAP | {"table": "my votes"},
    }
    import_table(conn, path, said)
    ensure_data_version(conn)
    before, sealed = dump(conn), load_data_version(conn)
    import_table(conn, path, said)
    assert dump(conn) == before
    assert load_data_version(conn) == sealed is not None


def test_all_parts_are_one_transaction(tmp_path: Path) -> None:
    path = database(tmp_path / "app.db")
    conn = connect(tmp_path / "movies.db", create=True)
    said = {
        "movies": MOVIES_MAP | {"table": "films"},
        "ratings": RATINGS_MAP | {"table": "my votes", "time_format": "seconds"},
    }
    with pytest.raises(RejectedRowsError, match="none could be kept"):
        import_table(conn, path, said)
    assert load_batches(conn) == []
    assert select(conn, "SELECT count(*) FROM movies") == [(0,)]


def test_bad_rows_are_recorded_and_cost_no_neighbour(tmp_path: Path) -> None:
    conn = with_films(tmp_path)
    bad = {
        "zoë,a-1,nan,2024-01-01": "rating is not a number",
        "zoë,a-1,,2024-01-01": "no rating is given",
        "zoë,a-1,7,yesterday": "time is not written as iso",
        "zoë,a-1,7,1950-01-01": "time lies before 1970 or after 2099",
        ",a-1,7,2024-01-01": "id is empty",
        "zoë,c,7,2024-01-01": UNKNOWN_MOVIE,
        "zoë,a-1,11,2024-01-01": "rating lies outside 1 to 10",
        "zoë,a-1": "wrong number of fields",
        "7,a-1,2,2020-01-01": DUPLICATE,
    }
    report = import_text(conn, tmp_path / "votes.csv", csv_text() + "\n".join([*bad, ""]))
    assert stored(conn) == STORED
    assert report.rejected | report.skipped == dict.fromkeys(bad.values(), 1)
    rows = load_rejected_rows(conn, "votes.csv")
    assert len(rows) == len(bad) - 1  # what is skipped is not recorded
    assert any("user 7, movie a-1" in row.detail for row in rows)


def test_more_than_ten_thousand_rejected_rows_are_all_recorded(tmp_path: Path) -> None:
    conn = with_films(tmp_path)
    import_text(conn, tmp_path / "v.csv", csv_text() + "7,a-1,x,2024-01-01\n" * 10_500)
    assert len(load_rejected_rows(conn, "v.csv")) == 10_500


def test_columns_that_are_missing_are_named_with_those_there_are(tmp_path: Path) -> None:
    conn = with_films(tmp_path)
    with pytest.raises(InputError, match=r"no column 'x', 'y': its columns are who, film, vote"):
        import_text(conn, tmp_path / "v.csv", csv_text(), user="x", time="y")


def test_a_file_without_header_has_numbered_columns(tmp_path: Path) -> None:
    conn = with_films(tmp_path)
    text = csv_text(header=False)
    said = {"user": "1", "movie": "2", "rating": "3", "time": "4", "header": False}
    import_text(conn, tmp_path / "v.csv", text, **said)
    assert stored(conn) == STORED


def test_two_columns_of_one_name_and_an_empty_file_are_refused(tmp_path: Path) -> None:
    conn = with_films(tmp_path)
    for text, said in (("a,a\nx,2\n", "two columns of one name"), ("", "is empty")):
        with pytest.raises(InputError, match=said):
            import_text(conn, tmp_path / "v.csv", text, header=True)


def test_decimal_commas_are_read(tmp_path: Path) -> None:
    conn = with_films(tmp_path)
    text = "who;film;vote;when\n7;a-1;3,5;2024-01-05\n"
    import_text(conn, tmp_path / "v.csv", text, scale="stars")
    assert stored(conn)[0][2] == 3.5


@pytest.mark.parametrize(
    ("votes", "stars"),
    [
        (["up", "down", "up"], [5.0, 1.0, 5.0]),
        (["1", "0", "1"], [5.0, 1.0, 5.0]),
        (["1", "-1", "0"], [5.0, 1.0, 3.0]),
        (["true", "False", "👍"], [5.0, 1.0, 5.0]),
        (["80%", "0%", "100%"], [4.0, 0.5, 5.0]),
    ],
)
def test_thumbs_and_percent_are_recognised(
    tmp_path: Path, votes: list[str], stars: list[float]
) -> None:
    conn = with_films(tmp_path)
    rows = "".join(f"u{n},a-1,{vote},2024-01-05\n" for n, vote in enumerate(votes))
    import_text(conn, tmp_path / "v.csv", "who,film,vote,when\n" + rows, scale=None)
    assert [row[2] for row in stored(conn)] == stars


@pytest.mark.parametrize("votes", [["1", "1"], ["1", "1000"], ["-3", "3"]])
def test_a_scale_that_cannot_be_told_must_be_declared(tmp_path: Path, votes: list[str]) -> None:
    conn = with_films(tmp_path)
    rows = "".join(f"u{n},a-1,{vote},2024-01-05\n" for n, vote in enumerate(votes))
    with pytest.raises(InputError, match="cannot be told"):
        import_text(conn, tmp_path / "v.csv", "who,film,vote,when\n" + rows, scale=None)
    assert stored(conn) == []


def test_a_declared_scale_that_does_not_fit_is_refused_and_nothing_is_cut(tmp_path: Path) -> None:
    conn = with_films(tmp_path)
    rows = "".join(f"u{n},a-1,{n % 10 + 1},2024-01-05\n" for n in range(50))
    with pytest.raises(InputError, match="they look like 1-10"):
        import_text(conn, tmp_path / "v.csv", "who,film,vote,when\n" + rows, scale="stars")
    assert stored(conn) == []


def test_without_times_every_rating_has_the_first_and_it_is_said(tmp_path: Path) -> None:
    conn = connect(tmp_path / "movies.db", create=True)
    films = "id,name,kinds\n" + "".join(f"{n},F{n},War\n" for n in range(20))
    (tmp_path / "f.csv").write_text(films)
    import_table(conn, tmp_path / "f.csv", {"movies": MOVIES_MAP})
    rows = "who,film,vote\n" + "".join(f"{u},{m},7\n" for u in range(3) for m in range(20))
    report = import_text(conn, tmp_path / "v.csv", rows, time=None)
    assert {row[3] for row in stored(conn)} == {0}
    assert any("time does not order" in note for note in report.notes)


def test_rows_of_another_kind_are_skipped(tmp_path: Path) -> None:
    conn = with_films(tmp_path)
    text = csv_text().replace("\r\n", ",film\r\n").replace("when,film", "when,type")
    text += "zoë,b-9,3,2024-01-01,series\r\n"
    report = import_text(conn, tmp_path / "v.csv", text, only={"type": "film"})
    assert stored(conn) == STORED
    assert sum(report.skipped.values()) == 1


def test_movies_have_all_that_their_columns_say(tmp_path: Path) -> None:
    conn = connect(tmp_path / "movies.db", create=True)
    text = (
        "id,name,year,kinds,who,saga,out,imdb\n"
        'x,Heat,1995,"Crime, Neo-Noir","Al Pacino, Val Kilmer","{""id"": 5, ""name"": ""H""}",'
        "1995-12-15,tt0113277\n"
        "y,Ronin,MCMXCVIII,[oops,Al Pacino,,soon,\n"
    )
    (tmp_path / "f.csv").write_text(text)
    said = MOVIES_MAP | {
        "year": "year",
        "cast": "who",
        "collection": "saga",
        "released": "out",
        "imdb": "imdb",
    }
    (report,) = import_table(conn, tmp_path / "f.csv", {"movies": said})
    assert (report.kept, sum(report.left_out.values())) == (2, 3)
    movies = "SELECT title, year, imdb_id, release_date, name FROM movies LEFT JOIN collections"
    assert select(conn, f"{movies} USING (collection_id) ORDER BY title") == [
        ("Heat", 1995, "tt0113277", "1995-12-15", "H"),
        ("Ronin", None, None, None, None),
    ]
    cast = "SELECT title, name, billing FROM cast_members JOIN people USING (person_id)"
    assert select(conn, f"{cast} JOIN movies USING (movie_id) ORDER BY 1, 3") == [
        ("Heat", "Al Pacino", 0),
        ("Heat", "Val Kilmer", 1),
        ("Ronin", "Al Pacino", 0),
    ]
    assert {n for (n,) in select(conn, "SELECT name FROM genres")} == {"Crime", "Neo-Noir"}


def test_a_part_without_titles_leaves_those_there_are(tmp_path: Path) -> None:
    conn = with_films(tmp_path)
    (tmp_path / "cast.csv").write_text(
        'id,cast\na-1,"[{""id"": 3, ""name"": ""Al"", ""order"": 9}]"\n'
    )
    import_table(conn, tmp_path / "cast.csv", {"movies": {"movie": "id", "cast": "cast"}})
    assert select(conn, "SELECT title FROM movies ORDER BY 1") == [("Heat",), ("Ronin",)]
    assert select(conn, "SELECT person_id, billing FROM cast_members") == [(3, 9)]


def test_what_is_not_there_is_one_line(tmp_path: Path) -> None:
    conn = with_films(tmp_path)
    with pytest.raises(NotFoundError, match="is not there"):
        import_table(conn, tmp_path / "nowhere", {"ratings": RATINGS_MAP})


@pytest.mark.parametrize("start", [json_lines, lambda: csv_text().encode(), parquet])
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_no_bytes_make_a_reader_fail_in_another_way(
    tmp_path_factory: pytest.TempPathFactory, start: Any, data: st.DataObject
) -> None:
    directory = tmp_path_factory.mktemp("bytes")
    content = bytearray(start())
    for _ in range(data.draw(st.integers(1, 6))):
        place = data.draw(st.integers(0, len(content) - 1))
        content[place : place + data.draw(st.integers(0, 9))] = data.draw(st.binary(max_size=9))
    conn = with_films(directory)
    with suppress(ReelTuneError):
        import_text(conn, directory / "votes", bytes(content))
    conn.close()
