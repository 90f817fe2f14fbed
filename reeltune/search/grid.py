"""Grid search: systematic steps around the current values, one hyperparameter at a time."""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from reeltune.domain.errors import InputError
from reeltune.domain.limits import contains, projected
from reeltune.domain.space import (
    CategoricalParameter,
    Configuration,
    Hyperparameter,
    Number,
    Parameter,
    Space,
    Value,
)
from reeltune.search.strategy import Problem, Proposal, Trial

RADIUS, LEVELS = 0.10, 2
COARSE_RADIUS, COARSE_LEVELS = 0.40, 1  # of a progressive grid's first pass
REGIONS = 2  # best results that a finer pass goes around
MAX_PASSES = 12  # the radius is halved each time

NamedValues = tuple[tuple[str, Value], ...]  # by name
Key = tuple[Value | None, ...]  # values in declared order; None for what does not apply


@dataclass(frozen=True)
class Grid:
    """Equal coordinate steps around the current values, or others: one hyperparameter at a time.

    A full grid over many hyperparameters cannot be afforded; steps show what each one does alone.
    Shares of a sum are rescaled as one of them moves. The whole radius comes first, then the steps
    within it, then those of two, three ... radii, as far as bounds and orderings allow.

    A progressive grid begins with one coarse radius instead, and then goes around the best results
    with half the radius, and so on: a compass search, Kolda, Lewis and Torczon 2003, "Optimization
    by direct search", section 3.

    Raises:
        InputError: radius or levels are none.
    """

    radius: float | None = None  # of each hyperparameter's range, to either side
    levels: int | None = None  # steps to either side within the radius
    progressive: bool = False
    around: NamedValues | None = None  # what the steps go out from; None: the current values

    name = "grid"

    def __post_init__(self) -> None:
        if self.around is not None:  # as JSON has it, pairs are lists
            pairs = tuple((name, value) for name, value in self.around)
            object.__setattr__(self, "around", pairs)
        if not 0 < self._radius <= 1:
            raise InputError(f"the grid's radius must be above 0 and at most 1, got {self.radius}")
        if self._levels < 1:
            raise InputError(f"a grid must have 1 level or more, got {self.levels}")

    @property
    def is_adaptive(self) -> bool:
        """True of a progressive grid, which goes where results are best."""
        return self.progressive

    def propose(self, problem: Problem) -> Proposal | None:
        """Return the first configuration, of the latest pass if progressive, that was not tried."""
        space = problem.space
        known = [problem.current, *(trial.configuration for trial in problem.trials)]
        tried = {_key(space, configuration) for configuration in known}
        places = self._passes(problem) if self.progressive else self._steps(problem)
        for configuration, phase in places:
            if _key(space, problem.complete(configuration)) not in tried:
                return Proposal(configuration, "exploit" if phase else "explore")
        return None

    def first_steps(self, space: Space, current: Configuration) -> list[dict[str, Any]]:
        """Return all configurations within one radius."""
        n = len(list(_moves(space, current, self._distances(1))))
        return list(itertools.islice(self.coordinate_steps(space, current), n))

    def coordinate_steps(self, space: Space, current: Configuration) -> Iterator[dict[str, Any]]:
        """Yield the configurations a coordinate step away, none twice, the nearest radius first."""
        seen = {_key(space, current)}
        for n_radii in range(1, int(1 / self._radius) + 1):
            for configuration in _moves(space, current, self._distances(n_radii)):
                key = _key(space, configuration)
                if key not in seen:
                    seen.add(key)
                    yield configuration

    def _steps(self, problem: Problem) -> Iterator[tuple[dict[str, Any], int]]:
        centre = tuple(self.centre(problem.space, problem.current).items())
        return ((c, 0) for c in _all_steps(self, problem.space, centre))

    def centre(self, space: Space, current: Configuration) -> Configuration:
        """Return what the steps go out from: within `space`, and as `current` in what is fixed."""
        if self.around is None:
            return current
        fixed = [name for name, member in space.hyperparameters.items() if not member.searched]
        values = dict(self.around) | {name: current[name] for name in fixed if name in current}
        return values if contains(space, values) else projected(space, values)

    def _passes(self, problem: Problem) -> Iterator[tuple[dict[str, Any], int]]:
        """Yield the configurations of each pass with its number.

        A pass begins once all of the one before was proposed, and goes around the best results that
        were to be seen at its first number: so all its proposals agree on what these are.
        """
        space, centres = problem.space, [self.centre(problem.space, problem.current)]
        own = {_key(space, t.configuration): t.number for t in problem.trials if t.number}
        begins = 1
        for number in range(MAX_PASSES):
            distances = self._distances(1, self._radius / 2**number)
            steps = [c for centre in centres for c in _moves(space, centre, distances)]
            yield from ((c, number) for c in steps)
            keys = [_key(space, problem.complete(c)) for c in steps]
            begins = max([begins, *(1 + own[key] for key in keys if key in own)])
            centres = best_before(problem.trials, begins - problem.asynchronous_delay) or centres

    def _distances(self, n_radii: int, radius: float | None = None) -> list[float]:
        """Return shares of a range from the current value, the far ones of the radius first."""
        radius = radius or self._radius
        steps = [radius * (n_radii - step / self._levels) for step in range(self._levels)]
        return [sign * step for step in steps for sign in (1, -1)]

    @property
    def _radius(self) -> float:
        default = COARSE_RADIUS if self.progressive else RADIUS
        return default if self.radius is None else self.radius

    @property
    def _levels(self) -> int:
        default = COARSE_LEVELS if self.progressive else LEVELS
        return default if self.levels is None else self.levels


@lru_cache(maxsize=8)
def _all_steps(
    grid: Grid, space: Space, current: tuple[tuple[str, Value], ...]
) -> list[dict[str, Any]]:
    """Return all steps, made once: every proposal of a run looks for its place there."""
    return list(grid.coordinate_steps(space, dict(current)))


def best_before(trials: Iterable[Trial], number: int) -> list[Configuration]:
    """Return the best `REGIONS` results of earlier runs and of this one's up to `number`."""
    full = [t for t in trials if t.value is not None and not t.pruned]
    known = [t for t in full if t.number is None or t.number <= number]
    order = sorted(range(len(known)), key=lambda k: (-(known[k].value or 0.0), k))
    return [known[k].configuration for k in order[:REGIONS]]


def _key(space: Space, configuration: Configuration) -> Key:
    return tuple(map(configuration.get, space.hyperparameters))


def _moves(
    space: Space, current: Configuration, distances: list[float]
) -> Iterator[dict[str, Any]]:
    """Yield the valid configurations at these distances, each with one hyperparameter moved.

    Choices have no distance: a category is moved to each of the others, with the first numbers.
    """
    seen = {_key(space, current)}
    for distance in distances:
        for member in space.hyperparameters.values():
            if not member.searched or member.name not in current:
                continue
            for value in _nearby(member, current[member.name], distance, distance == distances[0]):
                moved = _moved(space, current, member.name, value)
                if moved is not None and _key(space, moved) not in seen:
                    seen.add(_key(space, moved))
                    yield moved


def _nearby(member: Parameter, value: Any, distance: float, is_first: bool) -> Sequence[Value]:
    """Return the values at a share of the range from `value`, or the other choices."""
    if isinstance(member, CategoricalParameter):
        return [choice for choice in member.choices if is_first and choice != value]
    assert isinstance(member, Hyperparameter)
    return [_stepped(member, value, distance)]


def _stepped(member: Hyperparameter, value: Number, distance: float) -> Number:
    """Return `value` moved by a share of its axis, a whole number by 1 at least."""
    if member.log:
        step = value * ((member.high / member.low) ** distance - 1)
    else:
        step = distance * (member.high - member.low)
    if member.integer and abs(step) < 1:
        step = 1 if distance > 0 else -1
    return min(member.high, max(member.low, member.on_grid(value + step)))


def _moved(space: Space, current: Configuration, name: str, value: Value) -> dict[str, Any] | None:
    """Return `current` with one value replaced; None where that is not valid."""
    try:  # within a part of a space, others may have to move along
        return projected(space, space.merged(current, {name: value}))
    except InputError:
        return None
