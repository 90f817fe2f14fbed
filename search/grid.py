"""Grid search: systematic steps around the current values, one hyperparameter at a time."""

from collections.abc import Iterator
from dataclasses import dataclass

from domain.errors import InputError
from domain.space import Configuration, Hyperparameter, Space, Value
from search.strategy import Problem, Proposal

RADIUS = 0.10  # of each hyperparameter's range, to either side
STEPS = 2  # to either side within the radius


@dataclass(frozen=True)
class Grid:
    """The star around the current values: each hyperparameter moved up and down in equal steps.

    A full grid over many hyperparameters cannot be afforded; a star shows what each one does alone.
    Shares of a sum are rescaled as one of them moves. The whole radius comes first, then the steps
    within it, then stars of two, three ... radii, as far as bounds and orderings allow.
    """

    radius: float = RADIUS
    name: str = "grid"
    looks_back: bool = False

    def propose(self, problem: Problem) -> Proposal | None:
        """The configuration at place `number` of the star, counting each once."""
        wanted = problem.number + problem.attempt
        for place, configuration in enumerate(self.star(problem.space, problem.current), 1):
            if place == wanted:
                return Proposal(configuration, "explore")
        return None

    def first_ring(self, space: Space, current: Configuration) -> list[dict[str, Value]]:
        """All configurations within one radius."""
        ring = len(list(_moves(space, current, self._distances(1))))
        star = self.star(space, current)
        return [c for _, c in zip(range(ring), star, strict=False)]

    def star(self, space: Space, current: Configuration) -> Iterator[dict[str, Value]]:
        """Every configuration of the star but its centre, none twice, the nearest ring first."""
        seen = {tuple(current.items())}
        for ring in range(1, int(1 / self.radius) + 1):
            for configuration in _moves(space, current, self._distances(ring)):
                key = tuple(configuration.items())
                if key not in seen:
                    seen.add(key)
                    yield configuration

    def _distances(self, ring: int) -> list[float]:
        """Shares of a range from the current value, the far ones of the ring first."""
        steps = [self.radius * (ring - step / STEPS) for step in range(STEPS)]
        return [sign * step for step in steps for sign in (1, -1)]


def _moves(
    space: Space, current: Configuration, distances: list[float]
) -> Iterator[dict[str, Value]]:
    """The valid configurations at these distances, each differing in one hyperparameter's value."""
    seen = {tuple(current.items())}
    for distance in distances:
        for member in space.hyperparameters.values():
            moved = _moved(space, current, member, distance) if member.searched else None
            if moved is not None and tuple(moved.items()) not in seen:
                seen.add(tuple(moved.items()))
                yield moved


def _moved(
    space: Space, current: Configuration, member: Hyperparameter, distance: float
) -> dict[str, Value] | None:
    """`current` with one value moved by a share of its range; None where that is not valid."""
    step = distance * (member.high - member.low)
    if member.integer and abs(step) < 1:
        step = 1 if step > 0 else -1
    value = min(member.high, max(member.low, member.on_grid(current[member.name] + step)))
    try:
        return space.merged(current, {member.name: value})
    except InputError:
        return None
