"""Arms of A/B tests, as serving sees them: which version a user is served by, in whose name."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from reeltune.db.connection import Connection


@dataclass(frozen=True, slots=True)
class ServedArm:
    """Arm that a user is in."""

    ab_test: str
    arm: str
    version: int
    mixed_with: int | None = None  # version whose list is interleaved with that of `version`


class ArmAssigner(Protocol):
    """Assignment of users to the arms of the tests that run, as of one moment."""

    @property
    def versions(self) -> frozenset[int]:
        """Versions that the arms serve."""

    def assign(self, user: str) -> ServedArm | None:
        """Return the arm of a user; None for who is in no test."""


ArmSource = Callable[[Connection], ArmAssigner]
"""Reads the tests that run from the store."""


class NoTests:
    """Assignment where no test runs."""

    versions: frozenset[int] = frozenset()

    def assign(self, user: str) -> ServedArm | None:
        """Return None."""
        return None


def no_tests(_: Connection) -> ArmAssigner:
    """Return that no test runs."""
    return NoTests()
