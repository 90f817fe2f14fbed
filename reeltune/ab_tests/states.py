"""State machine of an A/B test: which action leads from where to where."""

from dataclasses import dataclass
from typing import Literal

from reeltune.domain.ab_tests import ABState, ABTest
from reeltune.domain.errors import InputError

ABAction = Literal["start", "pause", "resume", "stop", "rollback", "promote"]


@dataclass(frozen=True, slots=True)
class Transition:
    """Action of a person or the program on a test."""

    sources: tuple[ABState, ...]
    target: ABState
    event: str  # its kind
    begun: str | None = None  # kind of the event before, where another database changes between


TRANSITIONS: dict[ABAction, Transition] = {
    "start": Transition(("draft",), "running", "started"),
    "pause": Transition(("running",), "paused", "paused"),
    "resume": Transition(("paused",), "running", "resumed"),
    "stop": Transition(("draft", "running", "paused"), "stopped", "stopped"),
    "rollback": Transition(
        ("running", "paused", "promoted"), "rolled_back", "rolled back", "rolling back"
    ),
    "promote": Transition(("running", "paused", "stopped"), "promoted", "promoted", "promoting"),
}
BEGUN = tuple(each.begun for each in TRANSITIONS.values() if each.begun)
# What ends an action that has begun.
ENDED = ("promoted", "rolled back", "promotion refused", "rollback refused")


def is_done(test: ABTest, action: ABAction) -> bool:
    """Return whether a test is where an action leads already.

    Raises:
        InputError: the action is not possible from where it is.
    """
    transition = TRANSITIONS[action]
    if test.state == transition.target:
        return True
    if test.state not in transition.sources:
        raise InputError(
            f"A/B test {test.name!r} is {shown_state(test.state)}: {action} is for one that is "
            + " or ".join(shown_state(each) for each in transition.sources)
        )
    return False


def shown_state(state: ABState) -> str:
    """Return a state in words.

    >>> shown_state("rolled_back")
    'rolled back'
    """
    return state.replace("_", " ")
