"""Hyperparameters: numbers, categories and booleans, what each may be, and when it applies.

The value of a number lies on a grid: six decimals, or six significant digits where its axis is
logarithmic. That keeps values readable, makes equality of configurations exact, and makes
`decode(encode(x)) == x` true to the last bit.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from reeltune.domain.arrays import Floats
from reeltune.domain.errors import InputError

Number = float | int
Value = Number | str  # a boolean is an int
Configuration = Mapping[str, Any]  # a `Value` by name; of what kind, its declaration says

DECIMALS = 6
GRID_STEPS = 10**DECIMALS  # grid steps in 1.0
MAX_FINE = 1e8  # beyond it, six decimals are more digits than a float has to spare
MAX_WHOLE = 10**12  # the same for whole numbers on a logarithmic axis
MAX_CATEGORIES = 1_000


@dataclass(frozen=True, slots=True)
class Condition:
    """Condition: a hyperparameter applies only while `parent` applies and has one of `values`."""

    parent: str
    values: tuple[Value, ...]

    def holds(self, configuration: Mapping[str, object]) -> bool:
        """True where the parent is in the configuration, with one of the values."""
        return self.parent in configuration and configuration[self.parent] in self.values

    def __str__(self) -> str:
        return f"{self.parent} is {one_of(self.values)}"


def when(**parents: Value | Sequence[Value]) -> tuple[Condition, ...]:
    """Return conditions that must all hold: each parent has the value, or one of the values.

    >>> when(booster="dart", depth=(1, 2))
    (Condition(parent='booster', values=('dart',)), Condition(parent='depth', values=(1, 2)))
    """
    return tuple(
        Condition(name, tuple(v) if isinstance(v, Sequence) and not isinstance(v, str) else (v,))
        for name, v in parents.items()
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter(ABC):
    """Hyperparameter: its name, default, meaning in one line, and when it applies.

    While its conditions do not all hold, a configuration leaves it out.
    """

    name: str
    default: Value
    meaning: str
    phase: int = 1
    searched: bool = True
    active_when: tuple[Condition, ...] = ()

    is_limited: ClassVar[bool] = False  # True: it may take some of its declared values only

    @abstractmethod
    def faults(self, value: object) -> list[str]:
        """Return what is wrong with `value`, one sentence each; empty if nothing."""

    @abstractmethod
    def on_grid(self, value: Any) -> Any:
        """Return the value of the grid that is nearest to a valid `value`."""

    @abstractmethod
    def nearest(self, value: object) -> Value | None:
        """Return the possible value nearest to any `value`; None where nothing is near."""

    @abstractmethod
    def to_unit(self, value: Any) -> float:
        """Return the place of `value` on the axis, 0 to 1; the middle of its cell if it has one."""

    @abstractmethod
    def from_unit(self, unit: float) -> Value:
        """Return the value at that place of the axis."""

    @abstractmethod
    def from_units(self, units: Floats) -> Floats:
        """Return (N,) as `from_unit`, for many, up to rounding; of categories their positions."""

    @property
    @abstractmethod
    def cells(self) -> int:
        """Number of equal cells of the axis; 0 where it is continuous."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hyperparameter(Parameter):
    """Number with bounds, both included.

    Raises:
        InputError: bounds or default cannot be meant; all that is wrong is named.
    """

    default: Number
    low: Number
    high: Number
    integer: bool = False
    log: bool = False  # equal steps on the axis are equal ratios

    def __post_init__(self) -> None:
        check_no_faults(_faults_of_bounds(self))

    def faults(self, value: object) -> list[str]:
        """Return what is wrong with `value`, one sentence each; empty if nothing."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            return [f"{self.name} must be a number, got {value!r}"]
        if self.integer and not (math.isfinite(value) and value == int(value)):
            return [f"{self.name} must be a whole number, got {value!r}"]
        if not self.low <= value <= self.high:
            return [f"{self.name} must be in [{self.low}, {self.high}], got {value!r}"]
        return []

    def on_grid(self, value: Number) -> Number:
        """Return the value of the grid nearest to `value`, within the bounds."""
        if self.integer:
            return round(value)
        exact = float(value)
        near = float(f"{exact:.{DECIMALS}g}") if self.log else round(exact, self.decimals) + 0.0
        if self.low <= near <= self.high:
            return near
        return float(min(self.high, max(self.low, near)))

    @property
    def decimals(self) -> int:
        """Decimals of the grid: fewer where the bounds leave a float no room for six."""
        greatest = max(abs(self.low), abs(self.high))
        return DECIMALS if greatest <= MAX_FINE else 14 - math.ceil(math.log10(greatest))

    def nearest(self, value: object) -> Number | None:
        """Return the value of the grid nearest to any number; None for what is none."""
        if isinstance(value, bool) or not isinstance(value, int | float) or math.isnan(value):
            return None
        return self.on_grid(min(self.high, max(self.low, value)))

    def to_unit(self, value: Number) -> float:
        """Return the place of `value` between the bounds."""
        return self.place(value, self.low, self.high)

    def from_unit(self, unit: float) -> Number:
        """Return the value at that place between the bounds."""
        return self.at(unit, self.low, self.high)

    def from_units(self, units: Floats) -> Floats:
        """Return (N,) as `from_unit`, for many, up to rounding."""
        return self.at_many(units, np.full(len(units), float(self.low)), self.high)

    @property
    def cells(self) -> int:
        """Whole numbers between the bounds; 0 for one that is not whole."""
        return self.n_cells(self.low, self.high)

    @property
    def has_log_axis(self) -> bool:
        """True where equal steps on the axis are equal ratios."""
        return self.log

    @property
    def has_equal_cells(self) -> bool:
        """True where each of its values has as much of the axis as any other."""
        return not self.has_log_axis

    def place(self, value: Number, low: Number, high: Number) -> float:
        """Return the place of `value` in [low, high], 0 to 1."""
        if self.log:
            return self.place_by_ratio(value, low, high)
        if self.integer:
            return min(1.0, max(0.0, (value - low + 0.5) / (high - low + 1)))
        return min(1.0, max(0.0, (value - low) / (high - low))) if high > low else 0.5

    def at(self, unit: float, low: Number, high: Number) -> Number:
        """Return the value of [low, high] at place `unit`."""
        if self.log:
            return min(high, max(low, self.on_grid(self.at_ratio(unit, low, high))))
        if self.integer:
            cells = int(high) - int(low) + 1
            return int(low) + min(cells - 1, int(unit * cells))
        return min(high, max(low, self.on_grid(low + unit * (high - low))))

    def at_many(self, units: Floats, lows: Floats, high: Number) -> Floats:
        """Return (N,) as `at`, for many places, each of [low, high] with a low of its own."""
        if self.log:
            half = self.half_cell
            a, b = np.log(lows - half), math.log(high + half)
            ratios = np.exp(a + units * (b - a))
            found: Floats = np.clip(np.rint(ratios) if self.integer else ratios, lows, float(high))
            return found
        if self.integer:
            cells = high - lows + 1
            whole: Floats = lows + np.minimum(cells - 1, np.floor(units * cells))
            return whole
        linear: Floats = lows + units * (high - lows)
        return linear

    def n_cells(self, low: Number, high: Number) -> int:
        """Return how many values there are in [low, high]; 0 where they are not counted."""
        return self.n_whole(low, high)

    def n_whole(self, low: Number, high: Number) -> int:
        """Return how many values a whole number has in [low, high]; 0 for one that is not whole."""
        return int(high) - int(low) + 1 if self.integer else 0

    def place_by_ratio(self, value: Number, low: Number, high: Number) -> float:
        """Return the place of `value` in [low, high] on a logarithmic axis."""
        a, b = math.log(low - self.half_cell), math.log(high + self.half_cell)
        return min(1.0, max(0.0, (math.log(value) - a) / (b - a))) if b > a else 0.5

    def at_ratio(self, unit: float, low: Number, high: Number) -> float:
        """Return the number of [low, high] at place `unit` of a logarithmic axis."""
        a, b = math.log(low - self.half_cell), math.log(high + self.half_cell)
        return math.exp(a + unit * (b - a))

    @property
    def half_cell(self) -> float:
        """Reach of a whole number's cell to either side of it."""
        return 0.5 if self.integer else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class FloatParameter(Hyperparameter):
    """Real number, on a linear or a logarithmic axis."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IntParameter(Hyperparameter):
    """Whole number, on a linear or a logarithmic axis."""

    integer: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class CategoricalParameter(Parameter):
    """Category: one of several words or numbers, without an order.

    Raises:
        InputError: choices or default cannot be meant; all that is wrong is named.
    """

    choices: tuple[Value, ...]

    def __post_init__(self) -> None:
        check_no_faults(_faults_of_choices(self))

    def faults(self, value: object) -> list[str]:
        """Return what is wrong with `value`, one sentence each; empty if nothing."""
        if self.position(value) is None:
            return [f"{self.name} must be {self.expected}, got {value!r}"]
        return []

    @property
    def expected(self) -> str:
        """Phrase for messages that says what a value must be."""
        return one_of(self.choices)

    def position(self, value: object) -> int | None:
        """Return the place of `value` among the choices; None where it is none of them.

        True is not 1: a boolean is a choice only where booleans are.
        """
        for place, choice in enumerate(self.choices):
            if isinstance(value, bool) == isinstance(choice, bool) and value == choice:
                return place
        return None

    def on_grid(self, value: Value) -> Value:
        """Return the choice itself: 2 for 2.0 where that is how it was declared."""
        return self.choices[self.place_of(value)]

    def nearest(self, value: object) -> Value | None:
        """Return the choice that equals `value`; None where none does."""
        place = self.position(value)
        return None if place is None else self.choices[place]

    def to_unit(self, value: object) -> float:
        """Return the middle of the choice's cell; of the default's for what is no choice."""
        return (self.place_of(value) + 0.5) / len(self.choices)

    def from_unit(self, unit: float) -> Value:
        """Return the choice in whose cell `unit` lies."""
        return self.choices[min(len(self.choices) - 1, int(unit * len(self.choices)))]

    def from_units(self, units: Floats) -> Floats:
        """Return (N,) positions of the choices in whose cells `units` lie."""
        n = len(self.choices)
        found: Floats = np.minimum(n - 1, np.floor(units * n))
        return found

    @property
    def cells(self) -> int:
        """Number of choices."""
        return len(self.choices)

    def place_of(self, value: object) -> int:
        """Return the place of `value` among the choices; the default's for what is no choice."""
        place = self.position(value)
        return self.choices.index(self.default) if place is None else place


@dataclass(frozen=True, slots=True, kw_only=True)
class BooleanParameter(CategoricalParameter):
    """True or false."""

    default: bool
    choices: tuple[Value, ...] = (False, True)

    @property
    def expected(self) -> str:
        """Phrase for messages that says what a value must be."""
        return "true or false"


def one_of(values: Sequence[Value]) -> str:
    """Return the values as a phrase.

    >>> one_of(("gbtree", "dart", 3, True))
    "one of 'gbtree', 'dart', 3, true"
    >>> one_of(("dart",))
    "'dart'"
    """
    listed = ", ".join(as_text(value) for value in values)
    return listed if len(values) == 1 else f"one of {listed}"


def as_text(value: Value) -> str:
    """Return a value as messages show it: true and false as JSON and YAML spell them."""
    return str(value).lower() if isinstance(value, bool) else repr(value)


def check_no_faults(faults: Sequence[str]) -> None:
    """Raise what is wrong, if anything is.

    Raises:
        InputError: there are faults; all of them are named.
    """
    if faults:
        raise InputError("; ".join(faults))


def _faults_of_bounds(member: Hyperparameter) -> list[str]:
    """Return what is wrong with a number's declaration."""
    name, ends = member.name, (member.low, member.high)
    if not all(math.isfinite(end) for end in ends) or member.low > member.high:
        return [f"{name}: low and high must be finite and ascend, got {ends[0]} and {ends[1]}"]
    found = member.faults(member.default)
    if member.integer and any(end != int(end) or abs(end) > MAX_WHOLE for end in ends):
        got = f"{ends[0]} and {ends[1]}"
        found.append(f"{name}: bounds must be whole numbers up to {MAX_WHOLE:,}, got {got}")
    if not math.isfinite(float(member.high) - float(member.low)):
        found.append(f"{name}: the range from {ends[0]} to {ends[1]} is too wide")
    if member.log and member.low < (1 if member.integer else math.ulp(0.0)):
        least = "1 or more" if member.integer else "above 0"
        found.append(f"{name}: log needs a low of {least}, got {member.low}")
    return found


def _faults_of_choices(member: CategoricalParameter) -> list[str]:
    """Return what is wrong with the declaration of a choice."""
    name, choices = member.name, member.choices
    wrong = [c for c in choices if not isinstance(c, int | float | str)]
    wrong += [c for c in choices if isinstance(c, float) and not math.isfinite(c)]
    if wrong:
        return [f"{name}: a choice must be text, a finite number, true or false, got {wrong[0]!r}"]
    if not 1 <= len(choices) <= MAX_CATEGORIES:
        return [f"{name} must have 1 to {MAX_CATEGORIES} choices, got {len(choices)}"]
    if len(set(choices)) < len(choices):  # True equals 1: no configuration could tell them apart
        return [f"{name}: choices must differ, got {one_of(choices)}"]
    return member.faults(member.default)
