"""Metadata for Datasette: what they name is there."""

import json

from reeltune.db.connection import Connection
from reeltune.db.schema import load_columns
from tests.running import ROOT

METADATA = json.loads((ROOT / "examples/datasette/metadata.json").read_text(encoding="utf-8"))
DATABASE = METADATA["databases"]["movies"]


def test_every_table_and_column_that_is_named_is_there(conn: Connection) -> None:
    columns = load_columns(conn)
    assert len(DATABASE["tables"]) >= 6
    for name, table in DATABASE["tables"].items():
        named = {*table.get("facets", []), *table.get("columns", {})}
        named |= {table[key] for key in ("sort_desc", "label_column") if key in table}
        assert named <= set(columns[name]), name


def test_what_is_secret_is_hidden() -> None:
    assert DATABASE["tables"]["erasure_key"]["hidden"]


def test_every_query_runs(conn: Connection) -> None:
    for query in DATABASE["queries"].values():
        conn.execute(query["sql"]).fetchall()
