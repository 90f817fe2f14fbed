"""Spaces of all kinds of hyperparameters, drawn at random."""

import math
import string

from hypothesis import strategies as st

from reeltune.domain.space import (
    BooleanParameter,
    CategoricalParameter,
    Condition,
    FloatParameter,
    Hyperparameter,
    IntParameter,
    Parameter,
    ParameterGroup,
    Simplex,
    Space,
    Value,
)

words = st.text(string.ascii_letters + "äß✓ -_.:{}\"'", min_size=1, max_size=6)
numbers = st.integers(-9, 9) | st.floats(-9, 9)
categories = st.lists(words | numbers, min_size=1, max_size=5, unique=True)


@st.composite
def floats(draw: st.DrawFn, name: str, active: tuple[Condition, ...] = ()) -> Parameter:
    log = draw(st.booleans())
    ends = st.floats(1e-12, 1e9) if log else st.floats(-1e9, 1e9)
    low, high = sorted([draw(ends) + 0.0, draw(ends) + 0.0])  # no negative zero
    default = draw(st.sampled_from([low, high]) | st.floats(low, high))
    made = FloatParameter(
        name=name, default=default, low=low, high=high, log=log, meaning="-", active_when=active
    )
    return FloatParameter(
        name=name,
        default=made.on_grid(default),
        low=low,
        high=high,
        log=log,
        meaning="-",
        active_when=active,
    )


@st.composite
def whole_numbers(draw: st.DrawFn, name: str, active: tuple[Condition, ...] = ()) -> Parameter:
    log = draw(st.booleans())
    ends = st.integers(1, 10**12) if log else st.integers(-(10**12), 10**12)
    ends = ends | st.integers(1, 9)
    low, high = sorted([draw(ends), draw(ends)])
    return IntParameter(
        name=name,
        default=draw(st.integers(low, high)),
        low=low,
        high=high,
        log=log,
        meaning="-",
        active_when=active,
    )


@st.composite
def choices(draw: st.DrawFn, name: str, active: tuple[Condition, ...] = ()) -> Parameter:
    if draw(st.booleans()):
        default = draw(st.booleans())
        return BooleanParameter(name=name, default=default, meaning="-", active_when=active)
    made = tuple(draw(categories))
    return CategoricalParameter(
        name=name,
        default=draw(st.sampled_from(made)),
        choices=made,
        meaning="-",
        active_when=active,
    )


def possible_values(member: Parameter) -> st.SearchStrategy[Value]:
    if isinstance(member, CategoricalParameter):
        return st.sampled_from(member.choices)
    assert isinstance(member, Hyperparameter)
    return st.integers(math.ceil(member.low), math.floor(member.high))


@st.composite
def declared_spaces(draw: st.DrawFn, most: int = 6) -> Space:
    """A space of 1 to `most` groups, some of which apply only at some values of those before."""
    groups: list[ParameterGroup | Parameter] = []
    parents: list[Parameter] = []
    for k in range(draw(st.integers(1, most))):
        active: tuple[Condition, ...] = ()
        has_condition = draw(st.booleans())
        if parents and has_condition:
            some = draw(st.lists(st.sampled_from(parents), min_size=1, max_size=2, unique=True))
            active = tuple(
                Condition(p.name, tuple(draw(st.lists(possible_values(p), min_size=1, max_size=2))))
                for p in some
            )
        made = draw(groups_named(f"p{k}", active))
        groups.append(made)
        if isinstance(made, Parameter) and not isinstance(made, FloatParameter):
            parents.append(made)
    return Space.of(*groups)


def groups_named(
    name: str, active: tuple[Condition, ...]
) -> st.SearchStrategy[ParameterGroup | Parameter]:
    shares = Simplex(tuple(share(f"{name}{letter}", active) for letter in "abc"))
    return (
        choices(name, active)
        | floats(name, active)
        | whole_numbers(name, active)
        | choices(name, active)
        | st.just(shares)
    )


def share(name: str, active: tuple[Condition, ...] = ()) -> FloatParameter:
    return FloatParameter(
        name=name,
        default=1 / 4 if name[-1] != "c" else 1 / 2,
        low=0.0,
        high=1.0,
        meaning="-",
        active_when=active,
    )
