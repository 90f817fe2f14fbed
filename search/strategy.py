"""What a strategy is given, and what it answers: a pure function, with no hidden state."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from domain.experiment import Phase
from domain.space import Configuration, Space, Value

MOST_ATTEMPTS = 200  # proposals in a row that were all tried before: nothing new is left


@dataclass(frozen=True, slots=True)
class Trial:
    """A configuration that was tried, or is being tried."""

    configuration: Configuration
    value: float | None  # the objective, more is better; None where it failed or is not known yet
    number: int | None = None  # its place in this run; None: another run tried it
    failed: bool = False
    pruned: bool = False  # its value is an estimate, from a part of the users

    @property
    def is_open(self) -> bool:
        """Is it being tried, or is its result not to be seen yet?"""
        return self.value is None and not self.failed


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """All that a proposal may depend on."""

    space: Space
    current: Configuration  # the deployed configuration
    seed: int
    number: int  # of the experiment to propose, from 1; 0 is the deployed configuration
    trials: Sequence[Trial]  # of earlier runs, then of this one, in order
    in_flight: int = 1  # results of this run are known up to `number` less this
    attempt: int = 0  # how many proposals for this number were turned down as tried before

    def generator(self) -> np.random.Generator:
        """Random numbers that depend on seed, number and attempt alone."""
        return np.random.default_rng([self.seed, self.number, self.attempt])

    def results(self) -> list[Trial]:
        """Trials that have ended, in order; one that failed is worth as little as the worst.

        So strategies turn away from where experiments fail, without a scale of their own for it.
        """
        known = [trial.value for trial in self.trials if trial.value is not None]
        if not known:
            return []
        worst = min(known)
        return [
            replace(trial, value=worst) if trial.failed else trial
            for trial in self.trials
            if not trial.is_open
        ]

    def open_trials(self) -> list[Trial]:
        """Trials whose results are not known yet, in order."""
        return [trial for trial in self.trials if trial.is_open]

    def complete(self, configuration: Configuration) -> dict[str, Value]:
        """`configuration` with the current value of all that is never searched."""
        members = self.space.hyperparameters.values()
        kept = {member.name: self.current[member.name] for member in members if not member.searched}
        return {**configuration, **kept}

    def is_new(self, configuration: Configuration) -> bool:
        """Is a complete configuration neither the current one nor among the trials?"""
        tried = any(trial.configuration == configuration for trial in self.trials)
        return not tried and configuration != self.current


@dataclass(frozen=True, slots=True)
class Proposal:
    """What to try next, and whether that explores or exploits."""

    configuration: dict[str, Value]
    phase: Phase


class Strategy(Protocol):
    """A way of proposing: the same problem gives the same proposal, in any process."""

    @property
    def name(self) -> str:
        """By which users choose it."""

    @property
    def looks_back(self) -> bool:
        """Does a proposal depend on results?"""

    def propose(self, problem: Problem) -> Proposal | None:
        """A valid configuration, new at each `attempt`; None where there is nothing left."""


def propose(strategy: Strategy, problem: Problem) -> Proposal | None:
    """The strategy's first proposal that was not tried before; None if there is none left.

    What is never searched keeps its current value.
    """
    for attempt in range(MOST_ATTEMPTS):
        proposal = strategy.propose(replace(problem, attempt=attempt))
        if proposal is None:
            return None
        configuration = problem.complete(proposal.configuration)
        if problem.is_new(configuration):
            return Proposal(configuration, proposal.phase)
    return None
