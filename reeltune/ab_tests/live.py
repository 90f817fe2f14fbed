"""Tests that run now, held in memory: which version a user is to be served."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from reeltune.ab_tests.assignment import assigned_arm, is_in_test
from reeltune.db.ab_tests import load_ab_tests
from reeltune.db.connection import Connection
from reeltune.domain.ab_tests import INTERLEAVED, ABArm, ABTest
from reeltune.serving.arms import ServedArm


@dataclass(frozen=True, slots=True)
class ArmChoice:
    """Choice for one user: the test, its arm, and the version or versions to be served."""

    test: str
    test_id: int
    phase: int
    arm: str
    version: int
    interleaved_with: int | None = None  # the challenger, whose list is mixed with `version`'s


@dataclass(frozen=True, slots=True)
class LiveTests:
    """Snapshot of all tests; it is never changed."""

    by_id: Mapping[int, ABTest] = field(default_factory=dict)

    @property
    def running(self) -> list[ABTest]:
        """Tests that have users now."""
        return [test for test in self.by_id.values() if test.state == "running"]

    @property
    def versions(self) -> frozenset[int]:
        """Versions that must be in memory to serve all users."""
        settings = [test.settings for test in self.running]
        return frozenset(n for each in settings for n in (each.champion, *each.challengers))

    def assign(self, user: str) -> ServedArm | None:
        """Return the arm of a user as the service asks for it; None for who is in no test."""
        choice = self.choose(user)
        if choice is None:
            return None
        return ServedArm(choice.test, choice.arm, choice.version, choice.interleaved_with)

    def choose(self, user: str, layer: str = "lists") -> ArmChoice | None:
        """Return what a user is to be served; None: no test has the user, so what is in production.

        `user` is the id as its source writes it. 2 microseconds a test.
        """
        for test in self.running:
            if test.settings.layer == layer:
                arm = assigned_arm(test, user)
                if arm is not None and test.phase is not None:
                    return _choice(test, test.phase.number, arm)
        return None

    def named(self, name: str) -> ABTest | None:
        """Return the test of a name; None if there is none."""
        return next((test for test in self.by_id.values() if test.name == name), None)

    def of_user(self, user: str, layer: str) -> ABTest | None:
        """Return the running test of a layer that has a user."""
        tests = (test for test in self.running if test.settings.layer == layer)
        return next((test for test in tests if is_in_test(test, user)), None)


def load_live_tests(conn: Connection) -> LiveTests:
    """Return a snapshot of all tests."""
    return LiveTests({test.test_id: test for test in load_ab_tests(conn)})


def _choice(test: ABTest, phase: int, arm: ABArm) -> ArmChoice:
    if test.settings.design == "interleaving":
        challenger = test.settings.challengers[0]
        return ArmChoice(
            test.name, test.test_id, phase, INTERLEAVED, test.settings.champion, challenger
        )
    return ArmChoice(test.name, test.test_id, phase, arm.name, arm.version)
