from collections.abc import Callable

import numpy as np
import pytest

from reeltune.components.hyperparameters import SPACE
from reeltune.domain.arrays import Floats
from reeltune.domain.limits import Limit, Limits, restricted
from reeltune.domain.space import (
    CategoricalParameter,
    FloatParameter,
    IntParameter,
    Space,
    when,
)
from reeltune.search.feature_map import Features
from reeltune.search.importance import Effect, Importance, importance, latin_hypercube
from reeltune.stats.variance_shares import bins_of, explained_shares

Function = Callable[[dict[str, Floats]], Floats]


def number(name: str, **more: object) -> FloatParameter:
    return FloatParameter(name=name, default=0.5, low=0.0, high=1.0, meaning="", **more)  # type: ignore[arg-type]


def columns(space: Space, cube: Floats) -> dict[str, Floats]:
    return dict(zip(space.hyperparameters, Features(space).values_at(cube)[0].T, strict=True))


def found(space: Space, function: Function, n: int, noise: float = 0.0) -> Importance:
    """The importance by `n` random results, with noise as a share of the deviation."""
    rng = np.random.default_rng(7)
    cube = rng.random((n, len(space.dimensions)))
    values = function(columns(space, cube))
    values = values + noise * values.std() * rng.standard_normal(n)
    result = importance(space, [space.decode(point) for point in cube], values)
    assert result is not None
    return result


def brute_force(space: Space, function: Function) -> dict[str, float]:
    """The shares by the function itself at 200,000 draws."""
    cube = np.random.default_rng(8).random((200_000, len(space.dimensions)))
    drawn = columns(space, cube)
    values = function(drawn)[:, None]
    return {
        name: float(explained_shares(bins_of(column, 64), values)[0])
        for name, column in drawn.items()
    }


def shares(of: Importance) -> dict[str, float]:
    return {effect.name: effect.share for effect in of.effects}


def effect(of: Importance, name: str) -> Effect:
    return next(each for each in of.effects if each.name == name)


TEN = Space.of(*(number(f"p{k}") for k in range(10)))


def ishigami(p: dict[str, Floats]) -> Floats:
    a, b, c = (np.pi * (2 * p[name] - 1) for name in ("p0", "p1", "p2"))
    found: Floats = np.sin(a) + 7 * np.sin(b) ** 2 + 0.1 * c**4 * np.sin(a)
    return found


def of_ratings(p: dict[str, Floats]) -> Floats:
    found: Floats = (
        1.5 * np.sqrt(p["genre_weight"])
        - 2 * (p["rating_weight"] - 0.3) ** 2
        + 0.3 * np.sin(12 * p["genre_boost_high"])
        + 0.5 * p["cast_lead_weight"] * p["cast_supporting_weight"]
        + 0.2 * (p["genre_threshold_medium"] > 0.45)
    )
    return found


def test_the_shares_of_ishigamis_function_are_those_in_closed_form() -> None:
    result = found(TEN, ishigami, 1000)
    known = shares(result)
    # Ishigami and Homma 1990: 0.3139, 0.4424 and 0, the rest is p0 with p2
    assert [known[f"p{k}"] for k in range(3)] == pytest.approx([0.3139, 0.4424, 0], abs=0.02)
    assert {pair.names for pair in result.pairs[:2]} == {("p0", "p1"), ("p0", "p2")}
    assert max(known[f"p{k}"] for k in range(3, 10)) <= 0.01


@pytest.mark.parametrize("noise", [0.0, 0.3])
def test_shares_of_1_and_orderings_agree_with_brute_force_over_the_valid_space(
    noise: float,
) -> None:
    result = found(SPACE, of_ratings, 1000, noise)
    expected, known = brute_force(SPACE, of_ratings), shares(result)
    assert {n: known[n] for n in known} == pytest.approx({n: expected[n] for n in known}, abs=0.02)
    without_effect = [n for n in known if expected[n] < 0.003]
    assert len(without_effect) >= 6
    assert max(known[n] for n in without_effect) <= 0.01
    assert "accuracy_threshold" not in known


def test_the_interval_is_wide_where_little_is_known_and_holds_the_share() -> None:
    little, much = found(TEN, ishigami, 40), found(TEN, ishigami, 1000)
    widths = [effect(each, "p1").high - effect(each, "p1").low for each in (little, much)]
    assert widths[0] > 5 * widths[1]
    for each in (*little.effects, *much.effects):
        assert 0 <= each.low <= each.share <= each.high <= 1
    assert little.fit < 0.7 < 0.99 < much.fit


def test_a_conditional_hyperparameter_explains_what_it_does_where_it_applies() -> None:
    optimizer = CategoricalParameter(
        name="optimizer", default="adam", choices=("adam", "sgd"), meaning=""
    )
    space = Space.of(
        optimizer,
        number("rate"),
        number("momentum", active_when=when(optimizer="sgd")),
        IntParameter(name="layers", default=2, low=1, high=4, meaning=""),
    )

    def function(p: dict[str, Floats]) -> Floats:
        is_sgd: Floats = p["optimizer"] == 1
        return is_sgd * (3 * p["momentum"]) + p["rate"] + 0.1 * p["layers"]

    result = found(space, function, 300)
    variances = {
        "optimizer": 1.5**2 / 4,
        "momentum": 9 / 12 / 2,  # where it applies, which is half of the space
        "rate": 1 / 12,
        "layers": 0.01 * 15 / 12,
    }
    total = sum(variances.values())
    expected = {name: each / total for name, each in variances.items()}
    assert shares(result) == pytest.approx(expected, abs=0.02)
    assert effect(result, "layers").values == (1, 2, 3, 4)
    assert len(effect(result, "optimizer").means) == 2


def test_limits_of_the_space_are_kept() -> None:
    limits = (Limit(name="genre_weight", choices=(0.3, 0.6)), Limit(name="cast_weight", high=0.2))
    space = restricted(SPACE, Limits(limits=limits), SPACE.defaults())
    result = found(space, of_ratings, 200)
    assert effect(result, "genre_weight").values == pytest.approx((0.3, 0.6))
    assert 0 < max(effect(result, "cast_weight").values) < 0.2


def test_slices_are_in_units_of_the_objective() -> None:
    space = Space.of(number("a"), number("b"))
    result = found(space, lambda p: 100 + 10 * p["a"], 60)
    slope = effect(result, "a")
    assert slope.means == pytest.approx([100 + 10 * v for v in slope.values], abs=0.2)


def test_a_pair_is_a_grid_of_means_and_empty_where_nothing_is_valid() -> None:
    result = found(SPACE, lambda p: p["genre_weight"] * p["rating_weight"] * 20, 120)
    pair = next(p for p in result.pairs if p.names == ("genre_weight", "rating_weight"))
    assert len(pair.means) == len(pair.y)
    assert {len(row) for row in pair.means} == {len(pair.x)}
    assert pair.means[-1][-1] is None  # both cannot be large
    assert pair.means[0][0] == pytest.approx(20 * pair.x[0] * pair.y[0], abs=0.1)


def test_the_same_results_have_the_same_importance() -> None:
    assert found(TEN, ishigami, 50) == found(TEN, ishigami, 50)


def test_too_few_results_or_equal_ones_have_none() -> None:
    points = latin_hypercube(20, 10, np.random.default_rng(1))
    configurations = [TEN.decode(point) for point in points]
    assert importance(TEN, configurations[:9], np.arange(9.0)) is None
    assert importance(TEN, configurations, np.ones(20)) is None
    assert importance(Space(()), [{}] * 20, np.arange(20.0)) is None


def test_results_without_a_value_are_left_out() -> None:
    points = latin_hypercube(40, 10, np.random.default_rng(1))
    configurations = [TEN.decode(point) for point in points]
    values = np.array([c["p1"] for c in configurations])
    with_nan = importance(TEN, [*configurations, TEN.defaults()], np.append(values, np.nan))
    assert with_nan == importance(TEN, configurations, values)
