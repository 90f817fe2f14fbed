from pathlib import Path

from reeltune.db.connection import connect
from reeltune.importers.table import import_table
from tests.importers.imports import select

LONG = "x" * 201


def test_a_name_that_is_too_long_costs_its_cell_and_not_the_row(tmp_path: Path) -> None:
    conn = connect(tmp_path / "movies.db", create=True)
    path = tmp_path / "films.csv"
    path.write_text(f"id,name,saga,who\n1,Heat,{LONG},Al\n2,Ronin,A,{LONG}\n", encoding="utf-8")
    said = {"movie": "id", "title": "name", "collection": "saga", "cast": "who"}
    (report,) = import_table(conn, path, {"movies": said})
    assert (report.kept, report.read) == (2, 2)
    assert report.left_out == {"a name is longer than 200 characters": 2}
    assert select(conn, "SELECT name FROM people") == [("Al",)]
    assert select(conn, "SELECT name FROM collections") == [("A",)]
