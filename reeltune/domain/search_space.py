"""Search space that is put together step by step, with the names of Vizier's Python client."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from reeltune.domain.errors import InputError
from reeltune.domain.space import (
    BooleanParameter,
    CategoricalParameter,
    Condition,
    FloatParameter,
    IntParameter,
    Number,
    Parameter,
    Space,
    Value,
)


class ScaleType(StrEnum):
    """Layout of the values of a number on its axis."""

    LINEAR = "linear"
    LOG = "log"  # equal steps are equal ratios


@dataclass
class SearchSpace:
    """Parameters that are added to its `root`; the search goes over what they say in the end.

    >>> space = SearchSpace()
    >>> optimizer = space.root.add_categorical_param("optimizer", ["adam", "sgd"])
    >>> optimizer.select_values(["sgd"]).add_float_param("momentum", 0.0, 1.0)
    ParameterSelector(name='momentum')
    >>> space.to_space().defaults()
    {'optimizer': 'adam'}
    """

    parameters: list[Parameter] = field(default_factory=list)

    @property
    def root(self) -> "SearchSpaceSelector":
        """Place that parameters which always apply are added to."""
        return SearchSpaceSelector(self)

    def to_space(self) -> Space:
        """Return the space of all parameters.

        Raises:
            InputError: a name occurs twice, or there are no parameters.
        """
        if not self.parameters:
            raise InputError("the search space is empty: add a parameter to its root")
        return Space.of(*self.parameters)


@dataclass(frozen=True)
class ParameterSelector:
    """Parameter that was added."""

    name: str
    _space: SearchSpace = field(repr=False)
    _conditions: tuple[Condition, ...] = field(repr=False)

    def select_values(self, feasible_values: Sequence[Value]) -> "SearchSpaceSelector":
        """Return what parameters are added to that apply only while this has one of the values.

        Raises:
            InputError: a value is none that this parameter may have.
        """
        (own,) = (each for each in self._space.parameters if each.name == self.name)
        faults = [fault for value in feasible_values for fault in own.faults(value)]
        if faults or not feasible_values:
            raise InputError("; ".join(faults) or f"select a value of {self.name}")
        condition = Condition(self.name, tuple(own.on_grid(value) for value in feasible_values))
        return SearchSpaceSelector(self._space, (*self._conditions, condition))


@dataclass(frozen=True)
class SearchSpaceSelector:
    """Place in a search space that parameters are added to: its root, or below some values.

    Without a default, a parameter has the middle of its range, or its first value.
    """

    _space: SearchSpace = field(repr=False)
    _conditions: tuple[Condition, ...] = ()

    def add_float_param(
        self,
        name: str,
        min_value: float,
        max_value: float,
        *,
        default_value: float | None = None,
        scale_type: ScaleType | str = ScaleType.LINEAR,
    ) -> ParameterSelector:
        """Add a real number.

        Raises:
            InputError: it cannot be meant; so for the other kinds.
        """
        is_log = _is_log(name, scale_type)
        return self._added(
            FloatParameter(
                name=name,
                default=_middle(min_value, max_value, is_log, default_value),
                low=min_value,
                high=max_value,
                log=is_log,
                meaning="",
                active_when=self._conditions,
            )
        )

    def add_int_param(
        self,
        name: str,
        min_value: int,
        max_value: int,
        *,
        default_value: int | None = None,
        scale_type: ScaleType | str = ScaleType.LINEAR,
    ) -> ParameterSelector:
        """Add a whole number."""
        is_log = _is_log(name, scale_type)
        middle = _middle(min_value, max_value, is_log, default_value)
        return self._added(
            IntParameter(
                name=name,
                default=round(middle) if math.isfinite(middle) else middle,
                low=min_value,
                high=max_value,
                log=is_log,
                meaning="",
                active_when=self._conditions,
            )
        )

    def add_categorical_param(
        self, name: str, feasible_values: Sequence[Value], *, default_value: Value | None = None
    ) -> ParameterSelector:
        """Add one of several values without an order."""
        values = tuple(feasible_values)
        if not values:
            raise InputError(f"{name} must have a feasible value")
        return self._added(
            CategoricalParameter(
                name=name,
                default=values[0] if default_value is None else default_value,
                choices=values,
                meaning="",
                active_when=self._conditions,
            )
        )

    def add_bool_param(self, name: str, *, default_value: bool = False) -> ParameterSelector:
        """Add true or false."""
        return self._added(
            BooleanParameter(
                name=name, default=default_value, meaning="", active_when=self._conditions
            )
        )

    def _added(self, parameter: Parameter) -> ParameterSelector:
        if any(each.name == parameter.name for each in self._space.parameters):
            raise InputError(f"there is a parameter {parameter.name!r} already")
        self._space.parameters.append(parameter)
        return ParameterSelector(parameter.name, self._space, self._conditions)


def as_space(given: Space | SearchSpace) -> Space:
    """Return the space that is meant.

    Raises:
        InputError: it is not valid.
    """
    return given.to_space() if isinstance(given, SearchSpace) else given


def _is_log(name: str, scale_type: ScaleType | str) -> bool:
    known = [scale.value for scale in ScaleType]
    if str(scale_type).lower() not in known:
        raise InputError(
            f"{name}: scale_type must be one of {', '.join(known)}, got {scale_type!r}"
        )
    return ScaleType(str(scale_type).lower()) is ScaleType.LOG


def _middle(low: Number, high: Number, is_log: bool, default: Number | None) -> Number:
    """Return the default, or the middle of the axis where there is none."""
    if default is not None:
        return default
    if is_log and 0 < low <= high:
        return min(high, max(low, math.sqrt(low) * math.sqrt(high)))
    return low + (high - low) / 2
