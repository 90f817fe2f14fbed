"""What a column is, by its texts and its name."""

import pytest

from reeltune.tabular.inference import inferred
from reeltune.tabular.texts import date_format

WORDS = [f"a car with number {n} and a long text" for n in range(50)]


@pytest.mark.parametrize(
    ("name", "texts", "kind"),
    [
        ("x", ["1", "2.5", "-3e4", "", "n/a"], "number"),
        ("x", ["€ 12", "€ 1,300.50", "€ 7"], "number"),
        ("share", ["12 %", "7 %"], "number"),
        ("x", ["a", "b", "a"], "category"),
        ("flag", ["true", "false", "true"], "category"),
        ("zip", ["01234", "99999", "04109"], "category"),
        ("day", ["2024-01-05", "2024-01-06T10:00:00+02:00"], "date"),
        ("day", ["13/02/2024", "01/02/2024"], "date"),
        ("day", ["1955-02-13", "1931-12-01"], "date"),
        ("day", ["05-Jan-2024", "06-Feb-2024"], "date"),
        ("text", WORDS, "text"),
        ("id", [str(7 * n) for n in range(40)], "id"),
        ("customer_id", [str(n % 30) for n in range(90)], "id"),
        ("n", [str(n) for n in range(40)], "id"),
        ("n", [str(7 * n) for n in range(40)], "number"),
        ("code", [f"AX-{n}" for n in range(40)], "id"),
        ("music_key", [str(n % 30) for n in range(90)], "number"),
        ("x", ["", "n/a", "?"], "category"),
    ],
)
def test_a_kind_is_inferred(name: str, texts: list[str], kind: str) -> None:
    assert inferred(name, texts).kind == kind


def test_days_come_before_months_where_one_is_above_12() -> None:
    assert date_format(["03/04/2024 10:00", "25/04/2024 11:30"]) == "%d/%m/%Y %H:%M"
    assert date_format(["03/04/2024 10:00", "04/25/2024 11:30"]) == "%m/%d/%Y %H:%M"


def test_a_few_texts_among_numbers_change_nothing_and_many_do() -> None:
    numbers = [str(n / 8) for n in range(97)]
    assert inferred("x", [*numbers, "a", "b", "c"]).kind == "number"
    assert inferred("x", [*numbers, *"abcdefghij"]).kind != "number"
