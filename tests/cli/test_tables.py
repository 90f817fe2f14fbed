"""Tables at any width: no word, number or id is broken, nothing is lost without a word."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from reeltune.cli.console import TABLE_FORMATS, ResultConsole
from reeltune.cli.tables import Table, fitted_text, plain_table, print_table

RUN = "bayesian_20260102_030405"
ERROR = "the hyperparameters add up to more than one, and none of them may be below zero"


def runs() -> Table:
    table = plain_table("!run", ">tried", ">best", "error", ">seed", drop=("seed", "tried"))
    table.add_row(RUN, "1,000", "[green]+0.7209[/]", ERROR, "7")
    table.add_row("random_20260102_030405", "3", "-", "", "0")
    return table


def shown(table: Table, width: int) -> tuple[str, list[str]]:
    text, dropped = fitted_text(table, width)
    return text.plain, dropped


def test_numbers_stand_to_the_right_under_their_headings() -> None:
    heading, rule, first, second = shown(runs(), 200)[0].splitlines()
    end = heading.index("tried") + len("tried")
    assert (first[:end][-5:], second[:end][-5:]) == ("1,000", "    3")
    assert rule.startswith("-" * len(RUN) + "  -----  -------  ")


def test_texts_are_broken_between_words_before_columns_are_left_out() -> None:
    text, dropped = shown(runs(), 80)
    assert dropped == []
    assert max(map(len, text.splitlines())) <= 80
    assert set(ERROR.split()) <= set(text.split())


@pytest.mark.parametrize(
    ("width", "dropped"), [(72, []), (71, ["seed"]), (65, ["tried"]), (64, ["seed", "tried"])]
)
def test_columns_are_left_out_in_the_order_stated(width: int, dropped: list[str]) -> None:
    text, found = shown(runs(), width)
    assert found == dropped
    assert not set(dropped) & set(text.split())


def test_where_nothing_fits_each_row_is_a_record_with_all_columns() -> None:
    text, dropped = shown(runs(), 40)
    assert dropped == []
    assert [line.split()[0] for line in text.splitlines() if line[:1].strip()] == [
        *("run", "tried", "best", "error", "seed"),
        *("run", "tried", "best", "error", "seed"),
    ]
    assert max(map(len, text.splitlines())) <= 40


word = st.text("abcdefghij語", min_size=1, max_size=12)
words = st.lists(word, min_size=1, max_size=6).map(" ".join)


@given(rows=st.lists(st.tuples(word, word, words), min_size=1), width=st.integers(1, 120))
def test_every_word_is_shown_whole_and_lines_fit_at_any_width(
    rows: list[tuple[str, str, str]], width: int
) -> None:
    table = plain_table("!ID", ">NUMBER", "TEXT", drop=("NUMBER",))
    for row in rows:
        table.add_row(*row)
    text, dropped = shown(table, width)
    cells = [cell for row in rows for n, cell in enumerate(row) if not (n == 1 and dropped)]
    found = [word for word in text.split() if word.islower() or "語" in word]
    assert sorted(found) == sorted(word for cell in cells for word in cell.split())
    longest = max(cell_len(word) for word in text.split())
    is_table = "---" in text
    assert all(
        cell_len(line) <= (width if is_table else max(width, len("NUMBER  ") + longest))
        for line in text.splitlines()
    )


def printed(console: Console) -> str:
    with console.capture() as captured:
        print_table(console, "Runs", runs())
    return captured.get()


def test_what_is_left_out_is_said() -> None:
    console = Console(width=71)
    assert "columns left out: seed (--format csv has all)" in printed(console)
    assert "left out" not in printed(Console(width=72))


def test_colours_are_on_a_terminal_only() -> None:
    terminal = Console(width=80, force_terminal=True, color_system="standard")
    assert "\x1b[32m+0.7209\x1b[0m" in printed(terminal)
    assert "\x1b" not in printed(Console(width=80))


@pytest.mark.parametrize("name", [name for name in TABLE_FORMATS if name != "simple"])
def test_another_format_has_every_column_on_standard_output_and_remarks_elsewhere(
    name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "30")
    console = ResultConsole(name)
    console.print("a remark")
    print_table(console, "Runs", runs())
    out, err = capsys.readouterr()
    assert "remark" in err
    assert "remark" not in out
    assert ERROR in out
    assert "seed" in out


def test_csv_has_numbers_as_programs_read_them(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(ResultConsole("csv"), "Runs", runs())
    heading, first, second = csv.reader(io.StringIO(capsys.readouterr().out))
    assert heading == ["run", "tried", "best", "error", "seed"]
    assert first == [RUN, "1000", "+0.7209", ERROR, "7"]
    assert second == ["random_20260102_030405", "3", "", "", "0"]


@pytest.mark.parametrize(
    ("name", "escaped"), [("github", r"a \| b & <c>"), ("html", "a | b &amp; &lt;c&gt;")]
)
def test_signs_with_a_meaning_in_the_format_are_escaped(
    name: str, escaped: str, capsys: pytest.CaptureFixture[str]
) -> None:
    table = plain_table("title", ">n")
    table.add_row("a | b & <c>", "1")
    print_table(ResultConsole(name), "Titles & more", table)
    assert escaped in capsys.readouterr().out


def test_several_tables_are_parted_by_an_empty_line(capsys: pytest.CaptureFixture[str]) -> None:
    console = ResultConsole("csv")
    for _ in range(2):
        print_table(console, "Runs", runs())
    assert capsys.readouterr().out.count("\n\n") == 1


@pytest.mark.parametrize("name", TABLE_FORMATS)
def test_a_table_without_rows_has_its_headings(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    print_table(ResultConsole(name), "Runs", plain_table("!run", ">best"))
    assert "best" in capsys.readouterr().out


def test_texts_in_narrow_columns_are_preferred_to_records_only_while_they_need_fewer_lines() -> (
    None
):
    def table(*texts: str) -> Table:
        found = plain_table("!id", "text", "reason")
        for text in texts:
            found.add_row("x" * 20, text, text)
        return found

    short = table(*["a short text of many words", "another"] * 4)
    assert shown(short, 50)[0].splitlines()[1].startswith("----")
    assert not shown(table("some long text " * 20), 50)[0].splitlines()[1].startswith("----")


def test_an_environment_without_columns_still_gets_a_table(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "0")
    print_table(ResultConsole(), "Runs", runs())
    assert RUN in capsys.readouterr().out
