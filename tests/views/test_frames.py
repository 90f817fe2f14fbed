import sys
from pathlib import Path

import pytest

from reeltune import to_dataframe
from reeltune.db.connection import Connection
from reeltune.domain.errors import InputError, NotFoundError
from reeltune.views.frames import run_columns, write_parquet
from tests.reports.reported import RUN, write_run

DB = "movies.db"  # of the working directory, which `conn` is open on


def test_a_data_frame_has_a_row_for_each_experiment(conn: Connection) -> None:
    pandas = pytest.importorskip("pandas")
    write_run(conn, 12)
    frame = to_dataframe(RUN, db=DB)
    assert isinstance(frame, pandas.DataFrame)
    assert frame.number.tolist() == list(range(13))
    assert frame.status.tolist() == ["completed"] * 12 + ["failed"]
    assert frame["hp.genre_weight"].between(0, 1).all()
    assert frame["metric.recall@20"].iloc[0] == 0.1
    assert frame.value.isna().tolist() == [False] * 12 + [True]


def test_columns_come_back_from_parquet_as_they_were(conn: Connection, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    write_run(conn, 6)
    columns = run_columns(conn, RUN)
    write_parquet(columns, tmp_path / "run.parquet")
    assert parquet.read_table(tmp_path / "run.parquet").to_pydict() == columns


def test_columns_of_mixed_kinds_are_numbers_or_text(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    write_parquet({"a": [1, 2.5, None], "b": [1, "x", True]}, tmp_path / "mixed.parquet")
    found = parquet.read_table(tmp_path / "mixed.parquet").to_pydict()
    assert found == {"a": [1.0, 2.5, None], "b": ["1", "x", "True"]}


def test_an_unknown_run_and_a_missing_package_end_in_one_line(
    conn: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_run(conn, 3)
    with pytest.raises(NotFoundError, match="there is no tuning run 'none'"):
        run_columns(conn, "none")
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(InputError, match="pip install pandas"):
        to_dataframe(RUN, db=DB)
