"""Metric: a figure for the quality of a configuration, and its direction."""

from collections.abc import Mapping
from dataclasses import dataclass

from reeltune.domain.direction import Direction
from reeltune.domain.errors import InputError
from reeltune.domain.objectives import SECONDS


@dataclass(frozen=True)
class Metric:
    """Figure for the quality of a model, or of whatever a configuration makes."""

    name: str
    title: str
    higher_is_better: bool
    per_unit: bool  # whether each unit (a user, a row, a fold) has a value, not only all together

    @property
    def direction(self) -> Direction:
        """Direction by which all comparisons of its values go."""
        return Direction.of(higher_is_better=self.higher_is_better)

    @property
    def plain(self) -> "Metric":
        """Declaration alone, without how it is computed."""
        return Metric(self.name, self.title, self.higher_is_better, self.per_unit)

    @property
    def gain_title(self) -> str:
        """Name of a gain in it: its title, marked where a gain makes the figure smaller."""
        return self.title if self.higher_is_better else f"{self.title} (less is better), gain"


def metrics_of(directions: Mapping[str, Direction | str]) -> dict[str, Metric]:
    """Return metrics of a user's own, by name, in order.

    Args:
        directions: `minimize` or `maximize` by name.

    Raises:
        InputError: there are none, or a name or a direction cannot be meant; all are named.

    >>> metrics_of({"loss": "minimize"})["loss"].direction
    <Direction.MINIMIZE: 'minimize'>
    """
    known = set(Direction)
    faults = [
        f"the direction of {name} must be minimize or maximize, got {each!r}"
        for name, each in directions.items()
        if each not in known
    ]
    faults += [
        f"a metric's name must be a word without commas, and not {SECONDS!r}, got {name!r}"
        for name in directions
        if not isinstance(name, str) or name == SECONDS or not name.strip(" ,") or "," in name
    ]
    if faults or not directions:
        raise InputError("; ".join(faults) or "there must be a metric: name one and its direction")
    return {
        name: Metric(name, name, Direction(each) is Direction.MAXIMIZE, per_unit=True)
        for name, each in directions.items()
    }
