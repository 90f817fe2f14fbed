"""Direction of an objective: whether more or less of it is better."""

from enum import StrEnum
from typing import TypeVar

from reeltune.domain.arrays import Floats

N = TypeVar("N", float, Floats)


class Direction(StrEnum):
    """Direction in which an objective is better.

    Figures are stored and shown as their metric states them. Whatever compares or decides takes
    them `upwards`, and a gain is positive where it is an improvement: so a metric and its negative
    lead to the same decisions, to the last bit.
    """

    MAXIMIZE = "maximize"
    MINIMIZE = "minimize"

    @classmethod
    def of(cls, *, higher_is_better: bool) -> "Direction":
        """Return the direction of a metric that declares this."""
        return cls.MAXIMIZE if higher_is_better else cls.MINIMIZE

    def upwards(self, value: N) -> N:
        """Return `value` with the sign by which more is better; applied twice, it is undone.

        >>> Direction.MAXIMIZE.upwards(0.25), Direction.MINIMIZE.upwards(0.25)
        (0.25, -0.25)
        """
        return value if self is Direction.MAXIMIZE else -value

    def gain(self, value: N, other: N) -> N:
        """Return by how much `value` is better than `other`; below 0 where it is worse.

        >>> Direction.MAXIMIZE.gain(0.5, 0.75), Direction.MINIMIZE.gain(0.5, 0.75)
        (-0.25, 0.25)
        """
        return self.upwards(value) - self.upwards(other)

    @property
    def at_least(self) -> str:
        """Words for a lower bound of quality: "at least", or "at most" where less is better."""
        return "at least" if self is Direction.MAXIMIZE else "at most"

    @property
    def note(self) -> str:
        """Note beside a name where less is better; empty where more is."""
        return "" if self is Direction.MAXIMIZE else " (less is better)"
