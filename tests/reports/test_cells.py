import pytest

from reeltune.reports.cells import gain_cell, seconds_cell


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (None, "-"),
        (0.2, "<1 s"),
        (59.6, "60 s"),
        (150.0, "2.5 min"),
        (7200.0, "2.0 h"),
    ],
)
def test_a_duration_is_in_the_unit_that_is_easiest_to_read(
    seconds: float | None, shown: str
) -> None:
    assert seconds_cell(seconds) == shown


def test_a_gain_too_small_to_show_has_neither_sign_nor_colour() -> None:
    assert gain_cell(-0.00001) == "0.0000"
    assert gain_cell(-0.001) == "[red]-0.0010[/]"
