from hypothesis import given
from hypothesis import strategies as st

from reeltune.reports.sparkline import ASCII_BARS, BARS, sparkline

values = st.lists(st.floats(0, 1), min_size=1, max_size=200)


@given(values, st.integers(2, 50))
def test_a_sparkline_is_never_longer_than_asked_for(some: list[float], width: int) -> None:
    assert len(sparkline(some, width=width)) == min(width, len(some))


@given(values)
def test_a_rising_line_never_falls(some: list[float]) -> None:
    line = sparkline(sorted(some))
    assert list(line) == sorted(line, key=BARS.index)


def test_the_first_and_the_last_value_survive_thinning() -> None:
    line = sparkline([1.0] + [0.5] * 500 + [0.0], bars=ASCII_BARS)
    assert (line[0], line[-1]) == ("#", "_")


def test_nothing_has_an_empty_sparkline() -> None:
    assert sparkline([]) == ""


def test_values_next_to_each_other_are_told_apart() -> None:
    assert sparkline([0.0, 5e-324]) == BARS[0] + BARS[-1]
