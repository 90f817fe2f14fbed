import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reeltune.domain.errors import InputError
from reeltune.importers.scales import STARS, THUMBS, check_fits, read_scale, recognise_scale

scales = st.sampled_from(["stars", "0-5", "1-10", "0-10", "0-100", "percent", "1-7", "-2..2"])


@given(name=scales, shares=st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_stars_keep_the_order_and_what_is_relevant(name: str, shares: list[float]) -> None:
    scale = read_scale(name)
    values = np.sort(scale.low + np.array([0.0, *shares, 1.0]) * (scale.high - scale.low))
    stars = scale.stars(values).astype(np.float32)
    assert np.all(np.diff(stars) >= 0)
    assert np.array_equal(stars >= 4.0, values >= scale.relevant_from)
    assert (stars[0], stars[-1]) == (0.5, 5.0)


def test_what_is_in_stars_stays_as_it_is() -> None:
    values = np.arange(1, 11) / 2
    assert np.array_equal(STARS.stars(values), values)


def test_a_scale_of_ten_is_halved() -> None:
    assert np.array_equal(read_scale("1-10").stars(np.arange(1.0, 11)), np.arange(1.0, 11) / 2)


def test_relevant_from_goes_with_the_scale() -> None:
    scale = read_scale("0-100", 60.0)
    assert scale.stars(np.array([0.0, 30.0, 60.0, 100.0])).tolist() == [0.5, 2.25, 4.0, 5.0]
    assert read_scale("1-5", 5.0).stars(np.array([4.9, 5.0])).tolist() == [3.922222, 5.0]


@pytest.mark.parametrize(
    ("name", "relevant"),
    [
        ("5-1", None),
        ("ten", None),
        ("", None),
        ("1-10", 11),
        ("1-10", 1),
        ("thumbs", 1),
        ("nan-1", None),
    ],
)
def test_what_is_no_scale_is_refused(name: str, relevant: float | None) -> None:
    with pytest.raises(InputError):
        read_scale(name, relevant)


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ([0.5, 3.5, 5.0], "stars"),
        ([1, 2, 5], "stars"),
        ([0, 2, 5], "0-5"),
        ([1, 7, 10], "1-10"),
        ([0, 7, 10], "0-10"),
        ([0, 55, 90], "0-100"),
        ([0, 1, 1], "thumbs"),
        ([-1, 1], "thumbs"),
        ([1, 1, 1], None),  # an event, or the worst of ten
        ([-3, 4], None),
        ([1, 1000], None),
        ([3.0] * 99 + [55.0], None),  # a misprint among stars, no scale of 100
        ([], None),
        ([float("nan")], None),
    ],
)
def test_scales_are_recognised_or_not_guessed(values: list[float], name: str | None) -> None:
    found = recognise_scale(np.array(values, dtype=np.float64))
    assert (found and found.name) == name


def test_a_misprint_is_a_row_and_a_hundred_are_another_scale() -> None:
    stars = np.full(10_000, 3.0)
    check_fits("x", np.append(stars, [55.0] * 10), STARS, "mend it")
    with pytest.raises(InputError, match="11 of 10,011 lie outside, from 3 to 55"):
        check_fits("x", np.append(stars, [55.0] * 11), STARS, "mend it")


def test_thumbs_are_the_ends() -> None:
    assert THUMBS.is_thumbs
    assert not STARS.is_thumbs
