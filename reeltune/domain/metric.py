"""Metric: a figure for how good a configuration is, and which way it is better."""

from dataclasses import dataclass

from reeltune.domain.direction import Direction


@dataclass(frozen=True)
class Metric:
    """One figure for the quality of what was made with a configuration."""

    name: str
    title: str
    higher_is_better: bool
    per_unit: bool  # whether each unit (a user, a row, a fold) has a value, not only all together

    @property
    def direction(self) -> Direction:
        """The direction that all who compare values of it go by."""
        return Direction.of(higher_is_better=self.higher_is_better)

    @property
    def gain_title(self) -> str:
        """The name of a gain in it: its title, unless a gain makes the figure smaller."""
        return self.title if self.higher_is_better else f"{self.title} (less is better), gain"
