import csv
import gzip
import io
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reeltune.domain.errors import InputError
from reeltune.importers import lines
from reeltune.importers.rows import (
    EMPTY,
    FIELD_COUNT,
    NOT_UTF8,
    NUL,
    TOO_LONG,
    UNCLOSED,
    Format,
    Record,
    excerpt,
    read_records,
)

FORM = Format(columns=("id", "text"), key="id")
quick = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def read(tmp_path: Path, content: str | bytes, form: Format = FORM) -> list[Record]:
    path = tmp_path / "some.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return list(read_records(path, form))


def fields(records: list[Record]) -> list[list[str]]:
    return [record.fields for record in records if not record.problem]


def problems(records: list[Record]) -> list[tuple[int, str]]:
    return [(record.line, record.problem) for record in records if record.problem]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("bom", ["", "\ufeff"])
@pytest.mark.parametrize("pack", [lambda data: data, gzip.compress])
def test_line_ends_a_byte_order_mark_and_packing_do_not_matter(
    tmp_path: Path, end: str, bom: str, pack: Callable[[bytes], bytes]
) -> None:
    content = f"{bom}id,text{end}1,a{end}2,b".encode()
    assert fields(read(tmp_path, pack(content))) == [["1", "a"], ["2", "b"]]


def test_columns_are_found_by_name_whatever_their_order(tmp_path: Path) -> None:
    assert fields(read(tmp_path, "more,text,id\nx,a,1\n")) == [["1", "a"]]


def test_a_header_without_a_wanted_column_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"id, text; text not found in 'id,words'"):
        read(tmp_path, "id,words\n1,a\n")


def test_an_empty_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="must name the columns"):
        read(tmp_path, "")


def test_a_quoted_line_break_belongs_to_its_record_and_is_counted_as_a_line(tmp_path: Path) -> None:
    records = read(tmp_path, 'id,text\n1,"a\n\n""b"" c"\n2,d\n')
    assert [(r.line, r.fields) for r in records] == [(2, ["1", 'a\n\n"b" c']), (5, ["2", "d"])]


@pytest.mark.parametrize(
    ("bad", "problem"),
    [
        (b"1", FIELD_COUNT),
        (b"1,2,3", FIELD_COUNT),
        (b"", EMPTY),
        (b"   ", EMPTY),
        (b'1,"never closed', UNCLOSED),
        (b'1,"closed" too early', UNCLOSED),
        (b"1,\xff", NOT_UTF8),
        (b"1,a\0b", NUL),
    ],
)
def test_a_bad_line_never_costs_its_neighbours(tmp_path: Path, bad: bytes, problem: str) -> None:
    records = read(tmp_path, b"id,text\n1,a\n" + bad + b'\n2,b\n3,"c\nd"\n')
    assert fields(records) == [["1", "a"], ["2", "b"], ["3", "c\nd"]]
    assert problems(records) == [(3, problem)]


def test_two_stray_quotation_marks_do_not_swallow_what_stands_between(tmp_path: Path) -> None:
    records = read(tmp_path, 'id,text\n1,"a\n2,b\n3,c\n4",d\n5,e\n')
    assert fields(records) == [["2", "b"], ["3", "c"], ['4"', "d"], ["5", "e"]]
    assert problems(records) == [(2, UNCLOSED)]


def test_two_stray_marks_that_make_a_sound_record_do_not_swallow_a_good_row(
    tmp_path: Path,
) -> None:
    records = read(tmp_path, 'id,text\n1,"a\n2,b\n3,c"\n4,d\n')
    assert fields(records) == [["2", "b"], ["3", 'c"'], ["4", "d"]]
    assert problems(records) == [(2, UNCLOSED)]


def test_a_line_too_long_is_passed_over_within_bounds_of_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines, "MAX_LINE_BYTES", 1000)
    records = read(tmp_path, "id,text\n1," + "x" * 5000 + "\n2,b\n")
    assert fields(records) == [["2", "b"]]
    assert problems(records) == [(2, TOO_LONG)]
    assert len(records[0].text) <= 1001


def test_a_field_beyond_the_limit_of_the_csv_module_is_read(tmp_path: Path) -> None:
    long = "x" * 200_000
    assert fields(read(tmp_path, f'id,text\n1,"{long}"\n')) == [["1", long]]


@pytest.mark.parametrize("cut", [-1, -9, 30])
def test_a_damaged_archive_is_an_error_in_one_line(tmp_path: Path, cut: int) -> None:
    packed = gzip.compress(b"id,text\n" + b"".join(b"%d,a\n" % n for n in range(1000)))
    with pytest.raises(InputError, match="is damaged after line") as error:
        read(tmp_path, packed[:cut])
    assert "\n" not in str(error.value)


def test_a_file_that_unpacks_to_thousandfold_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines, "BOMB_BYTES", 100_000)
    with pytest.raises(InputError, match="unpacks to more than"):
        read(tmp_path, gzip.compress(b"id,text\n" + b"\n" * 3_000_000))


def test_latin1_is_read_only_where_a_file_may_be_so(tmp_path: Path) -> None:
    form = Format(
        columns=("id", "text"),
        key="id",
        separator="::",
        has_header=False,
        n_fields=2,
        may_be_latin1=True,
    )
    assert fields(read(tmp_path, b"1::\xe9\n2::\xc3\xa9\n", form)) == [["1", "é"], ["2", "é"]]


def may_be_records(text: str) -> bool:
    """Whether a further line of `text` could be taken for a record: see the module's rule."""
    return any("," in line or '"' in line for line in text.split("\n")[1:])


cells = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0\r"), max_size=8
).filter(lambda text: not may_be_records(text))


@quick
@given(rows=st.lists(st.tuples(st.integers(1, 99).map(str), cells), max_size=8))
def test_what_the_csv_module_writes_is_read_back(
    tmp_path: Path, rows: list[tuple[str, str]]
) -> None:
    content = io.StringIO()
    csv.writer(content, quoting=csv.QUOTE_ALL).writerows([("id", "text"), *rows])
    assert fields(read(tmp_path, content.getvalue())) == [list(row) for row in rows]


@quick
@given(content=st.binary(max_size=200) | st.text('",\n\r12a', max_size=60).map(str.encode))
def test_no_bytes_make_the_reader_fail_and_no_line_is_lost(tmp_path: Path, content: bytes) -> None:
    records = read(tmp_path, b"id,text\n" + content)
    covered = sum(max(1, record.text.count("\n") + 1) for record in records)
    body = content.removesuffix(b"\n")
    assert covered == (body.count(b"\n") + 1 if content else 0)


@quick
@given(noise=st.lists(st.text('",12a', max_size=12), max_size=6), at=st.integers(0, 6))
def test_a_good_line_is_read_whatever_stands_around_it(
    tmp_path: Path, noise: list[str], at: int
) -> None:
    around = [*noise[:at], "77,good", *noise[at:]]
    records = read(tmp_path, "id,text\n" + "\n".join(around) + "\n")
    assert ["77", "good"] in fields(records)


@given(text=st.text())
def test_an_excerpt_is_short_and_on_one_line(text: str) -> None:
    short = excerpt(text)
    assert len(short) <= 80
    assert short.isprintable()
