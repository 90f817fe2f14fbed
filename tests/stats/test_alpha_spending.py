from hypothesis import given
from hypothesis import strategies as st

from reeltune.stats.alpha_spending import BUDGET, SpentLevel


def levels(days: list[float]) -> list[float]:
    spent: list[SpentLevel] = []
    for day in days:
        spent.append(SpentLevel(day, BUDGET.level(spent, day)))
    return [each.level for each in spent]


@given(st.lists(st.floats(0, 1_000), min_size=1, max_size=60).map(sorted))
def test_no_year_of_looks_spends_more_than_the_budget(days: list[float]) -> None:
    spent = levels(days)
    for start in days:
        within = [level for day, level in zip(days, spent, strict=True) if 0 <= day - start <= 365]
        assert sum(within) <= BUDGET.max_per_year + 1e-9


def test_a_year_of_nights_spends_nearly_the_whole_budget() -> None:
    spent = sum(levels([float(day) for day in range(365)]))
    assert 0.95 * BUDGET.max_per_year < spent <= BUDGET.max_per_year


def test_every_night_spends_what_a_day_brings_in_the_end() -> None:
    nights = levels([float(day) for day in range(100)])
    assert nights[0] == 0.05
    assert abs(nights[-1] - BUDGET.per_year / 365) < 1e-6


def test_who_looks_once_a_quarter_looks_at_five_percent_each_time() -> None:
    assert levels([0.0, 92.0, 184.0, 276.0]) == [0.05] * 4


def test_many_looks_in_one_night_get_less_and_less() -> None:
    one_night = levels([3.0] * 10)
    assert one_night == [0.05 / 2**k for k in range(10)]


@given(back=st.floats(0, 400))
def test_a_clock_set_back_brings_nothing(back: float) -> None:
    past = [SpentLevel(400.0, 0.05)]
    assert BUDGET.level(past, 400.0 - back) == BUDGET.level(past, 400.0)


def test_a_clock_that_was_set_back_for_one_look_brings_nothing_at_the_next() -> None:
    back = [SpentLevel(400.0, 0.05), SpentLevel(0.0, 0.01)]
    same = [SpentLevel(400.0, 0.05), SpentLevel(400.0, 0.01)]
    assert BUDGET.level(back, 400.0) == BUDGET.level(same, 400.0)
