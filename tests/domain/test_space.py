import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reeltune.components.hyperparameters import SPACE, WEIGHTS
from reeltune.domain.errors import InputError
from reeltune.domain.space import Simplex

points = st.lists(
    st.floats(0, 1), min_size=len(SPACE.dimensions), max_size=len(SPACE.dimensions)
).map(np.array)


@given(points)
def test_every_point_of_the_cube_is_a_valid_configuration(point: np.ndarray) -> None:
    assert SPACE.faults(SPACE.decode(point)) == []


@given(points)
def test_decode_undoes_encode_to_the_last_bit(point: np.ndarray) -> None:
    configuration = SPACE.decode(point)
    assert SPACE.decode(SPACE.encode(configuration)) == configuration


@given(points)
def test_encoding_stays_inside_the_cube(point: np.ndarray) -> None:
    coded = SPACE.encode(SPACE.decode(point))
    assert coded.shape == (len(SPACE.dimensions),)
    assert np.all((coded >= 0) & (coded <= 1))


@given(points)
def test_a_checked_configuration_is_left_alone_by_a_second_check(point: np.ndarray) -> None:
    configuration = SPACE.checked(SPACE.decode(point))
    assert configuration == SPACE.decode(point)
    assert list(configuration) == list(SPACE.hyperparameters)


@given(points)
def test_shares_sum_to_one_without_rounding_error(point: np.ndarray) -> None:
    configuration = SPACE.decode(point)
    shares = [configuration[member.name] for member in WEIGHTS.members]
    assert sum(round(share * 10**6) for share in shares) == 10**6


def test_defaults_are_valid_and_survive_the_cube() -> None:
    defaults = SPACE.defaults()
    assert SPACE.checked(defaults) == defaults
    assert SPACE.decode(SPACE.encode(defaults)) == defaults


def test_uniform_points_are_uniform_on_the_simplex() -> None:
    """Each of K shares of a uniform simplex has mean 1/K and variance (K-1)/(K^2 (K+1))."""
    cube = np.random.default_rng(1).random((20_000, len(WEIGHTS.members) - 1))
    shares = np.array([list(WEIGHTS.decode(point).values()) for point in cube])
    k = len(WEIGHTS.members)
    assert shares.mean(axis=0) == pytest.approx([1 / k] * k, abs=0.005)
    assert shares.var(axis=0) == pytest.approx([(k - 1) / (k**2 * (k + 1))] * k, rel=0.05)


def test_every_fault_is_named_at_once() -> None:
    bad: dict[str, object] = {
        **SPACE.defaults(),
        "genre_weight": 1.4,
        "cast_weight": "much",
        "genre_threshold_low": 0.55,
        "cast_lead_threshold": 4.5,
        "colour": 1,
    }
    del bad["genre_boost_low"]
    with pytest.raises(InputError) as caught:
        SPACE.checked(bad)
    for part in (
        "unknown hyperparameter 'colour'",
        "genre_boost_low is missing",
        "genre_weight must be in [0.0, 1.0], got 1.4",
        "cast_weight must be a number, got 'much'",
        "genre_threshold_low < genre_threshold_medium must hold",
        "cast_lead_threshold must be a whole number, got 4.5",
    ):
        assert part in str(caught.value)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, True, None, [1], "0.4"])
def test_what_is_no_finite_number_is_refused(value: object) -> None:
    assert SPACE.faults({**SPACE.defaults(), "genre_weight": value})
    assert SPACE.faults({**SPACE.defaults(), "cast_lead_threshold": value})


def test_merging_rescales_the_weights_it_does_not_name() -> None:
    merged = SPACE.merged(SPACE.defaults(), {"genre_weight": 0.1})
    assert merged["genre_weight"] == 0.1
    assert merged["rating_weight"] == pytest.approx(0.3 * 0.9 / 0.6)
    assert merged["popularity_rating_weight"] == 0.7
    assert SPACE.faults(merged) == []


@given(points, st.floats(0, 1))
def test_merging_one_weight_into_anything_valid_is_valid_or_explained(
    point: np.ndarray, weight: float
) -> None:
    base = SPACE.decode(point)
    try:
        merged = SPACE.merged(base, {"genre_weight": weight})
    except InputError as error:
        assert "must sum to 1" in str(error)  # noqa: PT017 - nothing was left to rescale
    else:
        assert merged["genre_weight"] == pytest.approx(weight, abs=2e-6)


def test_merging_more_than_the_whole_is_refused() -> None:
    with pytest.raises(InputError, match="must sum to 1"):
        SPACE.merged(SPACE.defaults(), {"genre_weight": 0.7, "cast_weight": 0.7})


def test_naming_all_weights_scales_none() -> None:
    share = 0.5 / len(WEIGHTS.members)
    with pytest.raises(InputError, match=r"must sum to 1, got 0\.5"):
        SPACE.merged(SPACE.defaults(), {m.name: share for m in WEIGHTS.members})


def test_the_space_has_one_axis_fewer_per_sum() -> None:
    simplexes = [group for group in SPACE.groups if isinstance(group, Simplex)]
    searched = [h for h in SPACE.hyperparameters.values() if h.searched]
    assert len(SPACE.dimensions) == len(searched) - len(simplexes)
