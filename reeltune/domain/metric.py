"""Metric: a figure for the quality of a configuration, and its direction."""

from dataclasses import dataclass

from reeltune.domain.direction import Direction


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
    def gain_title(self) -> str:
        """Name of a gain in it: its title, marked where a gain makes the figure smaller."""
        return self.title if self.higher_is_better else f"{self.title} (less is better), gain"
