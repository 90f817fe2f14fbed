"""Tables are read from whatever holds them, and say what was recognised."""

import gzip
from pathlib import Path

import numpy as np
import pysqlite3 as sqlite
import pytest

from reeltune.domain.errors import InputError, NotFoundError, RejectedRowsError
from reeltune.tabular import reading
from reeltune.tabular.columns import ColumnKind, ColumnSpec
from reeltune.tabular.reading import ReadOptions, distinct_names, is_header, read_table
from tests.tabular.tables import kinds, read, written

PLAIN = "size,name,day\n1.5,ä,2024-01-05\n2.5,b,2024-02-06\n,ä,\n"


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "cp1252"])
def test_any_separator_and_encoding_gives_the_same(
    tmp_path: Path, separator: str, encoding: str
) -> None:
    path = written(tmp_path, PLAIN.replace(",", separator), encoding=encoding)
    table = read_table(path)
    assert kinds(table) == {"size": "number", "name": "category", "day": "date"}
    assert table.column("size").values.tolist()[:2] == [1.5, 2.5]
    assert table.column("name").texts() == ["ä", "b", "ä"]
    assert table.column("day").values[0] == 1_704_412_800
    assert [column.is_missing.tolist()[2] for column in table.columns.values()] == [
        True,
        False,
        True,
    ]


def test_a_packed_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "table.csv.gz"
    path.write_bytes(gzip.compress(PLAIN.encode()))
    assert read_table(path).n_rows == 3


def test_a_decimal_comma_is_recognised(tmp_path: Path) -> None:
    table = read(tmp_path, "a;b;c\n1,5;1.234;x\n-2,25;12.000;y\n3;7;x\n")
    assert table.column("a").values.tolist() == [1.5, -2.25, 3.0]
    assert table.column("b").values.tolist() == [1234.0, 12000.0, 7.0]


def test_a_point_stays_a_point_beside_thousands(tmp_path: Path) -> None:
    table = read(tmp_path, 'a,b\n"1,234",0.125\n"12,345",3.5\n')
    assert table.column("a").values.tolist() == [1234.0, 12345.0]
    assert table.column("b").values.tolist() == [0.125, 3.5]


def test_a_decimal_sign_that_is_given_is_believed(tmp_path: Path) -> None:
    table = read(tmp_path, "a;b\n1.234;x\n5.678;y\n", decimal=",")
    assert table.column("a").values.tolist() == [1234.0, 5678.0]


def test_a_text_among_numbers_is_a_missing_value_and_said(tmp_path: Path) -> None:
    table = read(tmp_path, "a,b\n" + "1,2\n" * 30 + "n/a,2\nbroken,3\n")
    assert table.column("a").is_missing.sum() == 2
    assert "a: 1 values among numbers are none: 'broken'" in table.notes


def test_a_table_of_a_database_is_read(tmp_path: Path) -> None:
    path = tmp_path / "app.db"
    conn = sqlite.connect(str(path))
    conn.execute("CREATE TABLE cars (price REAL, make TEXT)")
    conn.executemany("INSERT INTO cars VALUES (?, ?)", [(1.5, "a"), (None, "b")])
    conn.commit()
    conn.close()
    table = read_table(path, ReadOptions(table="cars"))
    assert table.column("price").values.tolist()[0] == 1.5
    assert table.column("make").texts() == ["a", "b"]


def test_parquet_is_read(tmp_path: Path) -> None:
    arrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    columns = {"x": [1, 2, 3], "y": ["a", None, "b"], "z": [0.5, None, 2.0]}
    parquet.write_table(arrow.table(columns), tmp_path / "t.parquet")
    table = read_table(tmp_path / "t.parquet")
    assert kinds(table) == {"x": "number", "y": "category", "z": "number"}
    assert table.column("y").texts() == ["a", None, "b"]
    assert np.isnan(table.column("z").values[1])


def test_names_are_told_apart() -> None:
    assert distinct_names(["x", "x", "x.2", ""])[0] == ["x", "x.3", "x.2", "column 4"]


def test_columns_of_one_name_are_both_there(tmp_path: Path) -> None:
    table = read(tmp_path, "x,x,\n1,2,3\n4,5,6\n")
    assert list(table.columns) == ["x", "x.2", "column 3"]
    assert table.column("x.2").values.tolist() == [2.0, 5.0]
    assert any("x.2, column 3" in note for note in table.notes)


@pytest.mark.parametrize(
    ("first", "target", "expected"),
    [("a,b", None, True), ("1,2", None, False), ("1,2", "2", True), ("a,7", None, False)],
)
def test_a_header_has_no_number_unless_it_is_the_target(
    first: str, target: str | None, expected: bool
) -> None:
    known = [target] if target else []
    assert is_header([first.split(","), ["3", "4"]], known) == expected


def test_without_a_header_columns_have_numbers(tmp_path: Path) -> None:
    table = read(tmp_path, "1,a\n2,b\n")
    assert list(table.columns) == ["1", "2"]
    assert table.n_rows == 2
    named = read(tmp_path, "1,a\n2,b\n", header=True)
    assert list(named.columns) == ["1", "a"]
    assert named.n_rows == 1


def test_what_a_column_is_can_be_said(tmp_path: Path) -> None:
    table = read(
        tmp_path, "a,b\n1,1700000000\n2,1700003600\n", kinds={"a": "category", "b": "date"}
    )
    assert kinds(table) == {"a": "category", "b": "date"}
    assert table.column("b").values.tolist() == [1.7e9, 1.7e9 + 3600]
    with pytest.raises(InputError, match="kind of 'a' must be one of number, category"):
        read(tmp_path, "a,b\n1,2\n", kinds={"a": "word"})
    with pytest.raises(InputError, match="no column 'c': its columns are a, b"):
        read(tmp_path, "a,b\n1,2\n", kinds={"c": "text"})


def test_later_rows_of_another_kind_are_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "SAMPLE_ROWS", 1)
    monkeypatch.setattr("reeltune.importers.lines._BLOCK_BYTES", 64)
    rows = [f"{n},," for n in range(40)] + [f"word {n % 3},{n}.5," for n in range(60)]
    table = read(tmp_path, "a,b,c\n" + "\n".join(rows) + "\n")
    assert kinds(table)["a"] == "category"
    assert table.column("a").texts()[0] == "0"
    assert kinds(table)["b"] == "number"
    assert table.column("b").values[40] == 0.5


def test_a_few_lines_that_cannot_be_cut_are_left_out_and_said(tmp_path: Path) -> None:
    table = read(tmp_path, "a,b\n" + "1,2\n" * 40 + "1,2,3\n")
    assert table.n_rows == 40
    assert any("1 lines left out" in note and "line 42" in note for note in table.notes)


def test_many_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(RejectedRowsError, match=r"2 of 6 lines .* first is line 6"):
        read(tmp_path, "a,b\n" + "1,2\n" * 4 + "1,2,3\n1\n")


def test_known_columns_are_read_as_they_were(tmp_path: Path) -> None:
    specs = (
        ColumnSpec(name="b", kind=ColumnKind.CATEGORY),
        ColumnSpec(name="gone", kind=ColumnKind.NUMBER),
        ColumnSpec(name="a", kind=ColumnKind.NUMBER),
    )
    table = read(tmp_path, "a,more,b\n1,2,3\nx,5,6\n", specs=specs)
    assert list(table.columns) == ["b", "a"]
    assert table.column("b").texts() == ["3", "6"]
    assert np.isnan(table.column("a").values[1])


@pytest.mark.parametrize(
    ("text", "match"), [("", "is empty"), ("a,b\n", "has no rows"), ("\n\n", "is empty")]
)
def test_what_is_no_table_is_refused(tmp_path: Path, text: str, match: str) -> None:
    with pytest.raises(InputError, match=match):
        read(tmp_path, text)


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="is not there"):
        read_table(tmp_path / "no.csv")
