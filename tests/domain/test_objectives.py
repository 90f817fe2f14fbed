import pytest
from hypothesis import given
from hypothesis import strategies as st

from reeltune.domain.direction import Direction
from reeltune.domain.errors import InputError
from reeltune.domain.objectives import (
    MAX_OBJECTIVES,
    check_objectives,
    read_objectives,
    upwards,
    value_of,
)

FIRST, FURTHER = ("mrr", "accuracy"), ("mrr", "accuracy", "diversity", "novelty", "seconds")


def test_names_are_read_in_order_with_or_without_spaces() -> None:
    found = read_objectives(" accuracy,seconds , mrr", FIRST, FURTHER)
    assert found == ("accuracy", "seconds", "mrr")
    assert read_objectives("mrr", FIRST, FURTHER) == ("mrr",)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("luck", "objective must be one of mrr, accuracy, got 'luck'"),
        ("", "got ''"),
        ("seconds,mrr", "the first objective must be one of mrr, accuracy, got 'seconds'"),
        ("mrr,luck", "further objectives must be of mrr, accuracy, .*, got 'luck'"),
        ("mrr,", "got ''"),
        ("mrr,diversity,novelty,seconds", f"{MAX_OBJECTIVES} objectives at most, got 4"),
        ("mrr,mrr", "must differ, got mrr, mrr"),
    ],
)
def test_what_is_wrong_is_named(text: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        read_objectives(text, FIRST, FURTHER)


def test_as_many_as_may_be_pass() -> None:
    check_objectives(("mrr", "diversity", "seconds"), FIRST, FURTHER)


def test_seconds_are_no_metric() -> None:
    metrics = {"mrr": 0.4, "seconds": 9.0, "novelty": None}
    assert value_of("seconds", metrics, 2.0) == 2.0
    assert value_of("seconds", metrics, None) is None
    assert value_of("mrr", metrics, 2.0) == 0.4
    assert value_of("novelty", metrics, 2.0) is None
    assert value_of("diversity", metrics, 2.0) is None


@given(st.lists(st.tuples(st.sampled_from(Direction), st.floats(-9, 9)), min_size=1, max_size=3))
def test_more_is_better_whatever_the_direction(pairs: list[tuple[Direction, float]]) -> None:
    directions, values = zip(*pairs, strict=True)
    found = upwards(directions, values)
    assert found == tuple(-v if d is Direction.MINIMIZE else v for d, v in pairs)
    assert upwards(directions, [*values[:-1], None]) == ()
