"""What must hold of spaces with logarithmic axes, categories, booleans and conditions."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from reeltune.components.hyperparameters import SPACE
from reeltune.domain.errors import InputError
from reeltune.domain.limits import Limit, Limits, combinations, contains, projected, restricted
from reeltune.domain.space import (
    Ascending,
    BooleanParameter,
    CategoricalParameter,
    Condition,
    FloatParameter,
    Hyperparameter,
    IntParameter,
    Parameter,
    Simplex,
    Space,
    when,
)
from tests.domain.spaces import declared_spaces, possible_values, share

BOOSTER = CategoricalParameter(
    name="booster", default="gbtree", choices=("gbtree", "dart", "gblinear"), meaning="kind of part"
)
RATE = FloatParameter(
    name="learning_rate", default=0.1, low=1e-8, high=1.0, log=True, meaning="length of a step"
)
LEAVES = IntParameter(
    name="leaves",
    default=31,
    low=2,
    high=4096,
    log=True,
    meaning="most leaves of a tree",
    active_when=when(booster=("gbtree", "dart")),
)
DROP = FloatParameter(
    name="rate_drop",
    default=0.1,
    low=0.0,
    high=0.5,
    meaning="share of trees left out",
    active_when=when(booster="dart"),
)
SKIP = BooleanParameter(
    name="skips",
    default=False,
    meaning="leaves nothing out at times",
    active_when=when(booster="dart"),
)
SKIPPED = FloatParameter(
    name="skip_share",
    default=0.5,
    low=0.0,
    high=1.0,
    meaning="how often",
    active_when=when(skips=True),
)
TREES = Space.of(BOOSTER, RATE, LEAVES, DROP, SKIP, SKIPPED)
DART = {"booster": "dart", "learning_rate": 0.1, "leaves": 31, "rate_drop": 0.1, "skips": False}


def points_of(space: Space, seed: int) -> list[np.ndarray]:
    rng, n = np.random.default_rng(seed), len(space.dimensions)
    inner = [rng.random(n) for _ in range(3)]
    return [*inner, np.zeros(n), np.ones(n), np.full(n, 0.5), rng.integers(0, 2, n).astype(float)]


def same(a: object, b: object) -> bool:
    """Equal to the last bit and of the same types: True is not 1."""
    return repr(a) == repr(b)


@given(declared_spaces(), st.integers(0, 2**32))
def test_every_point_is_valid_and_survives_the_cube_and_json(space: Space, seed: int) -> None:
    for point in points_of(space, seed):
        configuration = space.decode(point)
        assert space.faults(configuration) == []
        coded = space.encode(configuration)
        assert coded.shape == (len(space.dimensions),)
        assert np.all((coded >= 0) & (coded <= 1))
        assert same(space.decode(coded), configuration)
        assert same(space.checked(configuration), configuration)
        assert same(json.loads(json.dumps(configuration)), configuration)
        assert len(space.cells(configuration)) == len(space.dimensions)


@given(declared_spaces(), st.integers(0, 2**32))
def test_defaults_are_valid_and_survive_the_cube(space: Space, seed: int) -> None:
    defaults = space.defaults()
    assert space.faults(defaults) == []
    assert space.decode(space.encode(defaults)) == space.checked(defaults)


@given(declared_spaces(), st.integers(0, 2**32))
def test_what_applies_is_there_and_nothing_else(space: Space, seed: int) -> None:
    for point in points_of(space, seed):
        configuration = space.decode(point)
        for name, member in space.hyperparameters.items():
            applies = all(
                condition.parent in configuration
                and configuration[condition.parent] in condition.values
                for condition in member.active_when
            )
            assert (name in configuration) == applies


@given(declared_spaces(), st.integers(0, 2**32))
def test_axes_of_what_does_not_apply_change_nothing(space: Space, seed: int) -> None:
    rng = np.random.default_rng(seed)
    point = rng.random(len(space.dimensions))
    configuration = space.decode(point)
    inactive = ~space.active_axes(configuration)
    other = np.where(inactive, rng.random(len(point)), point)
    assert space.decode(other) == configuration
    assert np.array_equal(space.encode(space.decode(other)), space.encode(configuration))


@given(declared_spaces(), st.integers(0, 2**32), st.data())
def test_merging_a_value_gives_something_valid(
    space: Space, seed: int, data: st.DataObject
) -> None:
    base = space.decode(np.random.default_rng(seed).random(len(space.dimensions)))
    member = data.draw(st.sampled_from(list(space.hyperparameters.values())))
    assume(not isinstance(member, Hyperparameter) or member.integer)
    value = data.draw(possible_values(member))
    if member.name in base:
        merged = space.merged(base, {member.name: value})
        assert space.faults(merged) == []
        assert merged[member.name] == value
    else:
        with pytest.raises(InputError, match=f"{member.name} applies only while"):
            space.merged(base, {member.name: value})


@given(declared_spaces(), st.integers(0, 2**32), st.booleans(), st.data())
@settings(max_examples=60)
def test_limits_hold_in_any_space(
    space: Space, seed: int, others_fixed: bool, data: st.DataObject
) -> None:
    members = [m for m in space.hyperparameters.values() if not m.name[-1].isalpha()]
    assume(members)
    member = data.draw(st.sampled_from(members))
    limit = data.draw(limits_on(member))
    current = space.defaults()
    try:
        part = restricted(space, Limits(limits=(limit,), others_fixed=others_fixed), current)
    except InputError as error:
        assert "which the limits leave out" in str(error)  # noqa: PT017 - it can never apply
        assume(False)
    stored = json.loads(json.dumps({"name": limit.name, "choices": limit.choices}))
    assert Limits.of({"limits": [stored]}).limits[0].choices == limit.choices
    for point in points_of(part, seed):
        configuration = part.decode(point)
        assert space.faults(configuration) == []
        assert same(part.decode(part.encode(configuration)), configuration)
        assert contains(part, configuration)
        if member.name in configuration and limit.choices:
            assert configuration[member.name] in limit.choices
    elsewhere = space.decode(np.random.default_rng(seed).random(len(space.dimensions)))
    assert contains(part, projected(part, elsewhere))


@st.composite
def limits_on(draw: st.DrawFn, member: Parameter) -> Limit:
    if isinstance(member, FloatParameter):
        low, high = sorted(member.from_unit(draw(st.floats(0, 1))) for _ in range(2))
        return Limit(name=member.name, low=low, high=high)
    values = draw(st.lists(possible_values(member), min_size=1, max_size=3, unique=True))
    return Limit(name=member.name, choices=tuple(values))


def test_the_fingerprint_of_what_could_be_declared_before_is_as_it_was() -> None:
    known = "dfcae937f5d19b1cf5dd3143af6ee0820785ec902968d2371b58ea2eae81d2b6"
    assert SPACE.fingerprint == known


def test_fingerprints_tell_meanings_apart() -> None:
    spaces = [
        Space.of(BOOSTER, DROP),
        Space.of(BOOSTER, replace(DROP, active_when=when(booster="gblinear"))),
        Space.of(BOOSTER, replace(DROP, active_when=())),
        Space.of(BOOSTER, RATE),
        Space.of(BOOSTER, replace(RATE, log=False)),
        Space.of(CategoricalParameter(name="a", default=1, choices=(0, 1), meaning="-")),
        Space.of(BooleanParameter(name="a", default=True, meaning="-")),
    ]
    assert len({space.fingerprint for space in spaces}) == len(spaces)


def test_equal_ratios_are_equal_steps_and_digits_count_not_decimals() -> None:
    assert RATE.from_unit(0.5) == pytest.approx(1e-4)
    assert RATE.from_unit(0.0) == 1e-8
    assert RATE.on_grid(1.23456789e-7) == 1.23457e-7
    assert LEAVES.from_unit(0.5) == round(math.sqrt(1.5 * 4096.5))


def test_small_whole_numbers_have_more_of_a_logarithmic_axis() -> None:
    drawn = np.array([LEAVES.from_unit(unit) for unit in np.linspace(0, 1, 2001)])
    assert set(drawn.tolist()) >= set(range(2, 100))
    assert np.median(drawn) < 100


def test_what_does_not_apply_is_refused_and_said_why() -> None:
    said = r"rate_drop applies only while booster is 'dart', which is 'gbtree': leave it out"
    with pytest.raises(InputError, match=said):
        TREES.merged(TREES.defaults(), {"rate_drop": 0.2})
    with pytest.raises(InputError, match="skip_share applies only while skips is true, which is f"):
        TREES.checked({**DART, "skip_share": 0.5})
    with pytest.raises(InputError, match="rate_drop is missing; skips is missing"):
        TREES.checked({"booster": "dart", "learning_rate": 0.1, "leaves": 31})


def test_changing_a_parent_brings_defaults_and_takes_what_no_longer_applies() -> None:
    assert TREES.merged(TREES.defaults(), {"booster": "dart"}) == DART
    both = TREES.merged(DART, {"skips": True, "rate_drop": 0.2})
    assert both == {**DART, "skips": True, "rate_drop": 0.2, "skip_share": 0.5}
    assert TREES.merged(both, {"booster": "gblinear"}) == {
        "booster": "gblinear",
        "learning_rate": 0.1,
    }


def test_wrong_values_are_told_by_what_is_right() -> None:
    found = TREES.faults({**DART, "booster": "tree"})  # and not that the others do not apply
    assert found == ["booster must be one of 'gbtree', 'dart', 'gblinear', got 'tree'"]
    assert "skips must be true or false, got 1" in TREES.faults({**DART, "skips": 1})
    assert "leaves must be a whole number, got 2.5" in TREES.faults({**DART, "leaves": 2.5})


def test_true_is_no_number_and_one_is_not_true() -> None:
    levels = CategoricalParameter(name="level", default=0, choices=(0, 1), meaning="-")
    assert levels.faults(True)
    assert levels.faults(1.0) == []
    assert same(levels.on_grid(1.0), 1)


def test_limits_on_choices_and_what_hangs_on_them() -> None:
    part = restricted(
        TREES, Limits(limits=(Limit(name="booster", choices=("gblinear",)),)), TREES.defaults()
    )
    assert part.dimensions == ("learning_rate",)
    limits = Limits(
        limits=(
            Limit(name="booster", choices=("dart", "gblinear")),
            Limit(name="rate_drop", choices=(0.1, 0.2)),
            Limit(name="skips", choices=(False,)),
        ),
        others_fixed=True,
    )
    part = restricted(TREES, limits, TREES.defaults())
    found = combinations(part, 100)
    plain = {"booster": "gblinear", "learning_rate": 0.1}
    assert found == [DART, {**DART, "rate_drop": 0.2}, plain]
    assert part.dimensions == ("booster", "rate_drop")


@pytest.mark.parametrize(
    ("limit", "said"),
    [
        (Limit(name="booster", low=0, high=1), "has no range: give choices, one of 'gbtree'"),
        (Limit(name="booster", choices=("tree",)), "booster must be one of 'gbtree'"),
        (Limit(name="skips", choices=(1,)), "skips must be true or false"),
        (Limit(name="leaves", choices=("many",)), "leaves must be a number"),
    ],
)
def test_a_wrong_limit_is_refused(limit: Limit, said: str) -> None:
    with pytest.raises(InputError, match=said):
        restricted(TREES, Limits(limits=(limit,)), TREES.defaults())


def test_a_limit_on_what_the_other_limits_rule_out_is_refused() -> None:
    limits = (Limit(name="booster", choices=("gbtree",)), Limit(name="rate_drop", high=0.2))
    with pytest.raises(InputError, match="rate_drop applies only while booster is 'dart', which"):
        restricted(TREES, Limits(limits=limits), TREES.defaults())


@pytest.mark.parametrize(
    ("declare", "said"),
    [
        (lambda: Space.of(RATE, RATE), "learning_rate is declared twice"),
        (lambda: Space.of(DROP, BOOSTER), "active by booster, which must be declared before it"),
        (lambda: Space.of(RATE, number(when(learning_rate=0.1))), "a choice or a whole number"),
        (lambda: Space.of(BOOSTER, number(when(booster="tree"))), "booster must be one of"),
        (lambda: Space.of(BOOSTER, number(when(booster=()))), "name one of its values"),
        (lambda: Space.of(fixed(), number(when(kept="a"))), "which is never searched"),
        (lambda: Space.of(BOOSTER, torn_shares()), "must have the same conditions as a"),
        (lambda: number(low=2.0, high=1.0), "low and high must be finite and ascend"),
        (lambda: number(low=0.0, log=True), "log needs a low of above 0, got 0.0"),
        (lambda: number(default=7.0), r"x must be in \[0.0, 1.0\], got 7.0"),
        (lambda: IntParameter(name="x", default=1, low=0.5, high=2, meaning="-"), "whole numbers"),
        (lambda: choice(()), "must have 1 to 1000 choices, got 0"),
        (lambda: choice(("a", "a")), "choices must differ"),
        (lambda: choice((1, True)), "choices must differ"),
        (lambda: choice((math.nan,)), "a finite number"),
        (lambda: choice(("a",), default="b"), "x must be 'a', got 'b'"),
        (lambda: Ascending((number(log=True, low=0.1), number())), "a number without log"),
        (lambda: Ascending((number(), number())), "must reach higher than"),
        (lambda: Simplex((number(high=0.9), number())), "must be a number from 0 to 1"),
    ],
)
def test_what_cannot_be_meant_is_refused_where_it_is_declared(declare: object, said: str) -> None:
    assert callable(declare)
    with pytest.raises(InputError, match=said):
        declare()


def number(active_when: tuple[Condition, ...] = (), **changed: float) -> FloatParameter:
    given = {"default": 0.5, "low": 0.0, "high": 1.0} | changed
    return FloatParameter(name="x", meaning="-", active_when=active_when, **given)  # type: ignore[arg-type]


def choice(choices: tuple[object, ...], default: object = None) -> CategoricalParameter:
    first = default or (choices[0] if choices else "a")
    return CategoricalParameter(name="x", default=first, choices=choices, meaning="-")  # type: ignore[arg-type]


def fixed() -> CategoricalParameter:
    return CategoricalParameter(
        name="kept", default="a", choices=("a", "b"), meaning="-", searched=False
    )


def torn_shares() -> Simplex:
    return Simplex((share("a", when(booster="dart")), share("b")))
