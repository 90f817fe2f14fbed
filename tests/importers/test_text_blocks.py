"""Records cut in blocks are those cut line by line; values converted at once, those one by one."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from reeltune.db.imports import RejectedRow
from reeltune.domain.errors import ReelTuneError
from reeltune.importers import lines
from reeltune.importers.counts import RowCounts
from reeltune.importers.mapping import RatingsMap, TableLocation
from reeltune.importers.rows import Format, read_records
from reeltune.importers.table_ratings import read_ratings
from reeltune.importers.tables import Chunk
from reeltune.importers.text_blocks import TextColumn, cut_block
from reeltune.importers.text_tables import SeparatedTable, TextFile

COLUMNS = ("who", "film", "vote", "when")
CELLS = st.sampled_from(
    [
        *(
            "1",
            "2",
            "07",
            "7",
            " 7",
            "3.5",
            "4,5",
            "80%",
            "",
            " ",
            "x",
            "-1",
            "1e400",
            "nan",
            "zoë",
        ),
        *("1700000000", "1700000001", "99999999999", "123456789012345678", "1234567890123456789"),
        *("12.5", "1.", "\x1c", "a\rb", "\r", "longer than eight", "²", "\x1b[1m", "0"),
    ]
)
GOOD_ROWS = st.tuples(
    st.sampled_from(["1", "2", "u1"]),
    st.sampled_from(["10", "011", "tt0114709"]),
    st.sampled_from(["0.5", "4", "5", "3.5"]),
    st.integers(1_000_000_000, 1_700_000_000).map(str),
).map(",".join)
BAD_ROWS = st.lists(CELLS, min_size=0, max_size=6).map(",".join)
QUOTED_ROWS = st.text(st.sampled_from('1,"\r\nx'), max_size=12)
ROWS = st.lists(
    st.one_of(GOOD_ROWS, GOOD_ROWS, GOOD_ROWS, BAD_ROWS, QUOTED_ROWS).map(str.encode)
    | st.sampled_from([b"\xff\xfe,1", b"1,2\0,3,4", b"1,2,3,4" + b"5" * 90, b"\xc3"]),
    max_size=30,
)
ENDS = st.sampled_from([b"\n", b"\r\n", b"\r\r\n"])
TEXTS = st.tuples(ROWS, ENDS, st.booleans()).map(
    lambda t: t[1].join([",".join(COLUMNS).encode(), *t[0]]) + t[1] * t[2]
)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let blocks and lines be short, so that small files have many and too long ones."""
    monkeypatch.setattr(lines, "_BLOCK_BYTES", 64)
    monkeypatch.setattr(lines, "MAX_LINE_BYTES", 80)
    monkeypatch.setattr(lines, "_SHOWN_BYTES", 81)


def table_of(path: Path, content: bytes) -> SeparatedTable:
    path.write_bytes(content)
    place = TableLocation(separator=",", header=True)
    return SeparatedTable(TextFile(path, encoding="utf-8"), path.name, place, lambda _: None)


def by_lines(table: SeparatedTable) -> Iterator[tuple[int, list[str], str, str]]:
    """Yield the records of the reader that looks at one line after the other."""
    form = Format(
        columns=COLUMNS,
        key=None,
        separator=",",
        quoted=True,
        has_header=table.has_header,
        n_fields=len(COLUMNS),
    )
    for record in read_records(table.file.path, form, unpack=table.file.open):
        yield record.line, record.fields, record.problem, record.problem and record.text


def by_blocks(table: SeparatedTable) -> list[tuple[int, list[str], str, str]]:
    found = []
    for chunk in table.chunks(COLUMNS):
        rows = zip(*(chunk.texts(name) for name in COLUMNS), strict=True)
        found += [(int(n), list(row), "", "") for n, row in zip(chunk.lines, rows, strict=True)]
        found += [(line, [], reason, text) for line, reason, text in chunk.bad]
    return sorted(found)


MANY = settings(
    max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


IN_THREE_BLOCKS = (
    b'who,film,vote,when\n1,2,4,1000000000\n1,"2' + b"\nx" * 60 + b'\ny",4,1000000000\n'
)


@MANY
@example(content=IN_THREE_BLOCKS)
@given(content=TEXTS)
@pytest.mark.usefixtures("small")
def test_blocks_give_the_records_that_lines_give(tmp_path: Path, content: bytes) -> None:
    table = table_of(tmp_path / "votes.csv", content)
    assert by_blocks(table) == list(by_lines(table))


class OneByOne:
    """The same table, with one row in each chunk and its fields as plain texts."""

    def __init__(self, table: SeparatedTable) -> None:
        self.table, self.name, self.notes = table, table.name, table.notes

    def columns(self) -> list[str]:
        return self.table.columns()

    def chunks(self, wanted: list[str]) -> Iterator[Chunk]:
        for line, fields, problem, text in by_lines(self.table):
            row = dict(zip(COLUMNS, ([field] for field in fields), strict=False))
            bad = [(line, problem, text)] if problem else []
            kept = {name: row.get(name, []) for name in wanted}
            yield Chunk([] if bad else [line], kept, bad)


def outcome(table: Any, said: RatingsMap) -> object:
    """Return all that comes of reading: ratings, counts, rejected rows, or the error."""
    rejected: list[RejectedRow] = []
    counts = RowCounts("table", "votes", rejected.extend)
    try:
        columns = read_ratings(None, table, said, counts).columns
    except ReelTuneError as error:
        return type(error), str(error)
    counts.flush()
    arrays = (columns.lines, columns.users, columns.movies, columns.ratings, columns.rated_at)
    return [a.tolist() for a in arrays], counts.report(), sorted(rejected, key=lambda r: r.line)


SAID: dict[str, dict[str, Any]] = {
    "stars": {"rating": "vote", "time": "when", "scale": "stars"},
    "recognised": {"rating": "vote", "time": "when"},
    "milliseconds": {"rating": "vote", "time": "when", "time_format": "milliseconds"},
    "events": {"weight": "vote", "time": "when"},
    "kinds": {"event": "vote", "weights": {"4": 2.0, "5": 0.5}},
    "only": {"rating": "vote", "only": {"film": "10"}, "scale": "stars"},
}


@MANY
@given(content=TEXTS, name=st.sampled_from(sorted(SAID)))
@pytest.mark.usefixtures("small")
def test_columns_at_once_are_rows_one_by_one(tmp_path: Path, content: bytes, name: str) -> None:
    table = table_of(tmp_path / "votes.csv", content)
    said = RatingsMap(user="who", movie="film", **SAID[name])
    assert outcome(table, said) == outcome(OneByOne(table), said)


def test_a_clean_block_is_cut_without_quotation_marks_only() -> None:
    def cut(content: bytes, *, quoted: bool = True, after_open: bool = False) -> object:
        return cut_block(content, ",", 2, quoted=quoted, after_open=after_open)

    assert cut(b"1,2\n") is not None
    assert cut(b'1,"2"\n') is None
    assert cut(b'1,"2"\n', quoted=False) is not None
    assert cut(b"1\n1,2\n") is not None
    assert cut(b"1\n1,2\n", after_open=True) is None
    assert cut(b"1,2\n1\n", after_open=True) is not None


@given(
    st.lists(
        st.text(st.characters(codec="utf-8", exclude_characters="\0\n,"), max_size=9), min_size=1
    )
)
def test_a_column_of_text_is_its_fields(cells: list[str]) -> None:
    content = [cell.encode() for cell in cells]
    ends = np.cumsum([len(cell) for cell in content])
    starts = ends - [len(cell) for cell in content]
    column = TextColumn(b"".join(content), starts, ends)
    assert list(column) == column[:] == cells
    if (found := column.distinct()) is not None:
        assert found[0] == list(dict.fromkeys(cells))
        assert [found[0][code] for code in found[1]] == cells
    else:
        assert max(map(len, content)) > 8
    numbers, good, zeros = column.whole_numbers()
    digits = [cell.isascii() and cell.isdigit() for cell in cells]
    assert good.tolist() == digits
    assert zeros.tolist() == [d and c[0] == "0" for d, c in zip(digits, cells, strict=True)]
    assert [n for n, ok in zip(numbers.tolist(), digits, strict=True) if ok] == [
        int(cell) for cell, ok in zip(cells, digits, strict=True) if ok
    ]
