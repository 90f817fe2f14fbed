from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reeltune.importers.values import (
    BadRowError,
    check_date,
    check_id,
    check_literal,
    check_number,
    year_of_title,
)


@pytest.mark.parametrize("text", ["1", " 7 ", "007", "862.0", str(2**63 - 1)])
def test_positive_whole_numbers_are_ids(text: str) -> None:
    assert check_id(text, "id") == int(float(text)) or len(text) > 15


@pytest.mark.parametrize(
    "text", ["", "0", "-1", "1.5", "1e3", "1_000", "٣", "²", "nan", "a", str(2**63), "9" * 5000]
)
def test_what_is_no_positive_whole_number_is_no_id(text: str) -> None:
    with pytest.raises(BadRowError, match="movieId is not a positive whole number"):
        check_id(text, "movieId")


@pytest.mark.parametrize("text", ["nan", "inf", "-inf", "-1", "11", "1_0", "٣", "x", "1e999", "''"])
def test_what_is_no_number_in_bounds_is_refused(text: str) -> None:
    with pytest.raises(BadRowError, match="share is not a number, 0 to 10"):
        check_number(text, "share", high=10)


def test_an_empty_cell_is_unknown() -> None:
    found = [check_number(" ", "n"), check_date("", "d"), check_literal(" ", "l")]
    assert found == [None, None, None]


@pytest.mark.parametrize("text", ["1", "1995", "1995-02-30", "95-1-1", "1066-10-14", "1995-10-30T"])
def test_what_is_no_day_of_cinema_is_refused(text: str) -> None:
    with pytest.raises(BadRowError):
        check_date(text, "release_date")


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('true')",
        "[" * 5000,
        "(" * 100_000,
        "-" * 100_000 + "1",
        "1+" * 50_000 + "1",
        "[" + "0," * 2**20 + "]",
        "{[]: 1}",
        "'\\ud8'",
        "open",
        "[1, 2",
    ],
)
def test_what_is_no_literal_is_refused_and_nothing_runs(text: str) -> None:
    with pytest.raises(BadRowError, match="cast is not a Python literal"):
        check_literal(text, "cast")


def test_an_odd_backslash_does_not_spoil_a_literal() -> None:
    assert check_literal(r"['\d']", "cast") == [r"\d"]


@pytest.mark.parametrize(
    ("title", "year"),
    [
        ("Toy Story (1995)", 1995),
        ("2001: A Space Odyssey (1968)", 1968),
        ("Death Note: Desu nôto (2006–2007)", 2006),
        ("Black Mirror (2011- )", 2011),
        ("Moonlight", None),
        ("1984", None),
        ("(1995) Heat", None),
        ("Odd (0000)", None),
        ("Odd (9999)", None),
    ],
)
def test_the_year_is_what_stands_in_brackets_at_the_end(title: str, year: int | None) -> None:
    assert year_of_title(title) == year


@given(text=st.text() | st.text("0123456789.-+eE_[]{}()'\",:naif ", max_size=40))
def test_no_text_makes_a_check_fail_in_another_way(text: str) -> None:
    for check in (check_id, check_number, check_date, check_literal):
        with suppress(BadRowError):
            check(text, "cell")
    year_of_title(text)
