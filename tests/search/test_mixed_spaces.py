"""What must hold of every way of proposing in any space: with choices, conditions, or no choice."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reeltune.domain.space import (
    DECIMALS,
    BooleanParameter,
    CategoricalParameter,
    Configuration,
    FloatParameter,
    Hyperparameter,
    IntParameter,
    Space,
    when,
)
from reeltune.search import Problem, Trial, propose
from reeltune.search.choices import Shares, redrawn
from reeltune.search.feature_map import Features
from tests.domain.spaces import choices, declared_spaces
from tests.search.problems import WAYS, enrolled, tuned

every_strategy = pytest.mark.parametrize("name", enrolled(WAYS))

only_choices = st.integers(1, 4).flatmap(
    lambda n: st.tuples(*(choices(f"c{k}") for k in range(n))).map(lambda made: Space.of(*made))
)
ONE_VALUE = Space.of(
    FloatParameter(name="a", default=0.5, low=0.5, high=0.5, meaning="-"),
    IntParameter(name="b", default=3, low=3, high=3, log=True, meaning="-"),
    CategoricalParameter(name="c", default="x", choices=("x",), meaning="-"),
)
some_spaces = declared_spaces() | only_choices | st.just(ONE_VALUE)


@st.composite
def problems(draw: st.DrawFn) -> Problem:
    """Any space, deployed in its middle or elsewhere, with any history that a run may have."""
    space = draw(some_spaces)
    n_axes = len(space.dimensions)
    middle = space.decode(np.full(n_axes, 0.5))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    current = draw(st.sampled_from([middle, space.checked(space.defaults())]))
    n = draw(st.sampled_from([0, 0, 1, 5, 13, 30]))
    tried = [current, *(space.decode(rng.random(n_axes)) for _ in range(n))]
    kinds = rng.choice(["known", "known", "known", "failed", "open"], size=len(tried)).tolist()
    trials = [
        Trial(
            configuration,
            float(rng.choice([0.5, rng.random()])) if kind == "known" else None,
            number=k,
            failed=kind == "failed",
        )
        for k, (configuration, kind) in enumerate(zip(tried, kinds, strict=True))
    ]
    number = draw(st.sampled_from([n + 1, n + 2, 4096, 99_999]))
    seed = draw(st.integers(0, 2**31 - 1))
    return Problem(space=space, current=current, seed=seed, number=number, trials=trials)


@every_strategy
@given(posed=problems())
@settings(max_examples=40, deadline=None)
def test_a_proposal_is_valid_new_and_a_function_of_what_is_stored(
    name: str, posed: Problem
) -> None:
    proposal = propose(WAYS[name], posed)
    if proposal is not None:
        configuration = proposal.configuration
        assert posed.space.faults(configuration) == []
        assert repr(posed.space.checked(configuration)) == repr(configuration)
        assert posed.is_new(configuration)
    assert propose(WAYS[name], stored(posed)) == proposal


def stored(posed: Problem) -> Problem:
    """The problem as a resumed run has it: configurations have been through JSON."""

    def read(configuration: Configuration) -> Configuration:
        found: Configuration = json.loads(json.dumps(configuration))
        return found

    trials = [replace(t, configuration=read(t.configuration)) for t in posed.trials]
    return replace(posed, current=read(posed.current), trials=trials)


LOSSES = tuple("abcdefgh")
MIXED = Space.of(
    CategoricalParameter(name="loss", default="a", choices=LOSSES, meaning="-"),
    BooleanParameter(name="bias", default=False, meaning="-"),
    FloatParameter(name="rate", default=1e-5, low=1e-6, high=1.0, log=True, meaning="-"),
    FloatParameter(
        name="margin",
        default=1.0,
        low=0.0,
        high=1.0,
        meaning="-",
        active_when=when(loss=("f", "g")),
    ),
)
FINITE = Space.of(
    CategoricalParameter(name="kind", default="a", choices=("a", "b", "c"), meaning="-"),
    BooleanParameter(name="deep", default=False, meaning="-", active_when=when(kind=("b", "c"))),
    IntParameter(name="n", default=1, low=1, high=2, meaning="-", active_when=when(deep=True)),
)  # a; b or c with shallow, deep 1, deep 2: 7 configurations


def worth(configuration: Configuration) -> float:
    """Best at loss f, with bias, a rate of 1e-3 and a margin of 0.2; at most 0."""
    missing = 0.5 * abs(np.log10(configuration["rate"]) + 3)
    missing += 1.0 * (not configuration["bias"])
    missing += abs(configuration["margin"] - 0.2) if configuration["loss"] == "f" else 2.0
    return -float(missing)


@every_strategy
def test_choices_run_out_and_what_does_not_apply_makes_no_difference(name: str) -> None:
    trials = tuned(name, FINITE, lambda c: float(c["kind"] == "b") + c.get("n", 0), 20)
    tried = {tuple(t.configuration.items()) for t in trials}
    assert len(tried) == len(trials)
    assert all(FINITE.faults(t.configuration) == [] for t in trials)
    assert len(trials) == (2 if name == "grid" else len(trials) if "grid" in name else 6)


@pytest.mark.parametrize("name", ["bayesian", "tpe", "evolution", "nsga2"])
def test_a_search_learns_which_choice_pays_and_what_hangs_on_it(name: str) -> None:
    """The best found is better than that of a random search as long, in the mean over seeds."""
    random, found = (
        np.mean([max(t.value or -9 for t in tuned(way, MIXED, worth, 60, s)) for s in range(6)])
        for way in ("random", name)
    )
    assert found > random + 0.1


def test_shares_go_to_the_choices_that_pay_and_leave_none_out() -> None:
    """Of three choices the middle one pays; after some generations it is drawn most."""
    rng = np.random.default_rng(0)
    shares = Shares.around(np.array([0.1]), np.array([3]))
    assert shares.shares[0] == pytest.approx([2 / 3, 1 / 6, 1 / 6])
    for _ in range(8):
        points = np.array([shares.draw(rng) for _ in range(6)])
        shares = shares.updated(points, -np.abs(points[:, 0] - 0.5))
    assert shares.modes == pytest.approx([0.5])
    assert shares.shares[0][1] > 0.8
    assert shares.shares[0].min() > 0.05
    assert shares.shares[0].sum() == pytest.approx(1.0)


@pytest.mark.parametrize(("n", "n_good"), [(1, 1), (3, 1), (6, 3), (40, 20)])
def test_shares_follow_the_better_half_of_equals_the_earliest(n: int, n_good: int) -> None:
    values = np.zeros(n)
    values[::4] = 1.0
    order = np.argsort(-values, kind="stable")
    points = np.full((n, 1), 0.25)  # the first choice
    points[order[n_good - 1]] = 0.75  # the second, of the last that is good
    found = Shares((np.array([0.5, 0.5]),)).updated(points, values).shares[0]
    after = np.maximum(0.35 + 0.3 * np.array([n_good - 1, 1]) / n_good, 1 / (2 * n))
    assert found == pytest.approx(after / after.sum())


def test_a_choice_that_is_moved_is_drawn_anew_and_others_stay() -> None:
    rng = np.random.default_rng(0)
    centres = np.tile([0.1, 0.1, 0.1], (4_000, 1))
    mask = np.tile([True, False, True], (4_000, 1))
    found = redrawn(centres + 0.01 * mask, centres, mask, np.array([5, 5, 0]), rng)
    assert np.bincount((found[:, 0] * 5).astype(int)) == pytest.approx([800] * 5, rel=0.15)
    assert set(found[:, 1]) == {0.1}
    assert set(found[:, 2]) == {0.11}


def test_any_two_choices_are_as_far_apart_as_any_others() -> None:
    features = Features(MIXED)
    coded = features.of_configurations(
        [{"loss": loss, "bias": False, "rate": 1e-3} for loss in LOSSES[:3]]
    )
    apart = [float(np.linalg.norm(coded[k] - coded[j])) for k, j in ((0, 1), (0, 2), (1, 2))]
    assert apart == pytest.approx([1.0, 1.0, 1.0])
    point = {name: MIXED.encode({**MIXED.defaults(), "loss": name}) for name in LOSSES}
    assert MIXED.distance(point["a"], point["b"]) == MIXED.distance(point["a"], point["h"]) == 1.0


@given(space=declared_spaces(), seed=st.integers(0, 2**32))
@settings(max_examples=60)
def test_a_point_and_its_configuration_have_the_same_features(space: Space, seed: int) -> None:
    rng, n_axes = np.random.default_rng(seed), len(space.dimensions)
    points = np.vstack([rng.random((4, n_axes)), rng.integers(0, 2, (2, n_axes))])
    features = Features(space)
    decoded = [space.decode(point) for point in points]
    apart = np.abs(features.of_points(points) - features.of_configurations(decoded))
    assert np.all(apart <= 1e-9 + rounding(features))
    assert np.array_equal(features.active_at(points), features.active_in(decoded))


def rounding(features: Features) -> np.ndarray:
    """(F,) how far rounding to the grid may move each feature."""
    members = [features.members[k] for k in features.columns]
    steps = [
        10.0 ** (1 - DECIMALS if m.log else -m.decimals) if isinstance(m, Hyperparameter) else 0.0
        for m in members
    ]
    one_hot = sum(features.choices.values())
    found: np.ndarray = np.append(np.array(steps) * features.scales, np.zeros(one_hot))
    return found
