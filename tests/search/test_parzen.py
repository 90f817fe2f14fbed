import numpy as np
import pytest

from reeltune.domain.parameters import Parameter
from reeltune.domain.space import (
    BooleanParameter,
    CategoricalParameter,
    Configuration,
    FloatParameter,
    Space,
    when,
)
from reeltune.search.parzen import draw_candidates, log_density, log_kernels, log_shares

EYE = np.eye(3)


def test_a_choice_is_as_likely_as_it_was_seen_and_a_little_more_even() -> None:
    """Seen 2, 1 and 0 times in 3: (2 + 1/3) / 4 and so on, against an even chance of 1/3."""
    found = log_shares(EYE, EYE[[0, 0, 1]])
    assert np.exp(found) == pytest.approx([3 * (2 + 1 / 3) / 4, 3 * (1 + 1 / 3) / 4, 3 / 3 / 4])
    assert np.exp(found).mean() == pytest.approx(1.0)


def test_what_was_seen_nowhere_says_nothing() -> None:
    assert log_shares(EYE, EYE[:0]) == pytest.approx([0.0] * 3)
    assert log_kernels(np.array([[0.2], [0.9]]), np.zeros((0, 1))) == pytest.approx(0.0)


def test_a_number_is_judged_by_the_points_where_it_applies() -> None:
    """Two of three centres do not have it; where they would lie makes no difference."""
    points = np.hstack([np.array([[0.2], [0.7]]), EYE[:2]])
    elsewhere = np.array([0.1, 0.9])
    found = []
    for place in elsewhere:
        centres = np.hstack([np.array([[place], [0.25], [place]]), EYE[[0, 1, 0]]])
        of = np.array([[False, True, True, True], [True] * 4, [False, True, True, True]])
        at = np.ones(points.shape, dtype=np.bool_)
        found.append(log_density(points, centres, [slice(1, 4)], (at, of)))
    assert found[0] == pytest.approx(found[1])
    alone = log_kernels(points[:, [0]], np.array([[0.25]]))[:, 0]
    assert found[0] == pytest.approx(alone + log_shares(points[:, 1:], EYE[[0, 1, 0]]))


def test_a_number_that_does_not_apply_to_a_candidate_adds_nothing() -> None:
    points, centres = np.array([[0.3], [0.3]]), np.array([[0.3], [0.35]])
    at = np.array([[True], [False]])
    found = log_density(points, centres, [], (at, np.ones((2, 1), dtype=np.bool_)))
    assert found[0] > 0.1
    assert found[1] == 0.0


def test_candidates_are_near_the_points_where_the_axis_applies() -> None:
    space = Space.of(
        BooleanParameter(name="has", default=False, meaning="-"),
        FloatParameter(
            name="x", default=0.5, low=0.0, high=1.0, meaning="-", active_when=when(has=True)
        ),
    )
    good: list[Configuration] = [{"has": True, "x": 0.1}, *[{"has": False}] * 11]
    drawn = draw_candidates(space, good, 2_000, np.random.default_rng(0))
    assert drawn.shape == (2_000, 2)
    assert drawn.min() >= 0
    assert drawn.max() <= 1
    assert np.mean(drawn[:, 0] >= 0.5) == pytest.approx(1 / 13 / 2 + 12 / 13 / 12, abs=0.02)
    assert np.median(drawn[:, 1]) < 0.45  # one point: a kernel half as wide as the axis


def conditional(parameter: Parameter) -> Space:
    return Space.of(BooleanParameter(name="has", default=False, meaning="-"), parameter)


def test_a_number_that_applies_is_drawn_around_the_points_that_have_it_alone() -> None:
    space = conditional(
        FloatParameter(
            name="x", default=0.9, low=0.0, high=1.0, meaning="-", active_when=when(has=True)
        )
    )
    good: list[Configuration] = [
        *({"has": True, "x": x} for x in np.linspace(0.18, 0.22, 20)),
        *[{"has": False}] * 5,
    ]
    drawn = draw_candidates(space, good, 4_000, np.random.default_rng(0))[:, 1]
    assert drawn.mean() == pytest.approx(0.2, abs=0.005)
    assert drawn.std() == pytest.approx(1 / 21, rel=0.05)  # a kernel's least width at 20 points
    assert np.quantile(drawn, [0.1, 0.9]) == pytest.approx([0.2 - 0.061, 0.2 + 0.061], abs=0.01)


def test_a_number_that_no_good_point_has_is_drawn_anywhere() -> None:
    space = conditional(
        FloatParameter(
            name="x", default=0.9, low=0.0, high=1.0, meaning="-", active_when=when(has=True)
        )
    )
    drawn = draw_candidates(space, [{"has": False}] * 4, 4_000, np.random.default_rng(0))[:, 1]
    assert np.quantile(drawn, [0.25, 0.5, 0.75]) == pytest.approx([0.25, 0.5, 0.75], abs=0.03)


def test_a_category_that_applies_is_one_of_the_points_or_now_and_then_any() -> None:
    space = conditional(
        CategoricalParameter(
            name="c",
            default="a",
            choices=("a", "b", "c", "d"),
            meaning="-",
            active_when=when(has=True),
        )
    )
    good: list[Configuration] = [
        {"has": True, "c": "b"},
        {"has": True, "c": "b"},
        {"has": True, "c": "d"},
        {"has": False},
    ]
    drawn = draw_candidates(space, good, 8_000, np.random.default_rng(0))[:, 1]
    shares = np.bincount(np.minimum(3, (drawn * 4).astype(int)), minlength=4) / len(drawn)
    anew = 1 / 4 / 4  # one in the points that have it and one more, evenly over the choices
    assert shares == pytest.approx([anew, 1 / 2 + anew, anew, 1 / 4 + anew], abs=0.015)
