"""Protocol of strategies: from a problem to a proposal, with no hidden state."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np

from reeltune.domain.arrays import Floats
from reeltune.domain.experiment import Phase
from reeltune.domain.space import Configuration, Space

_WEIGHTS_STREAM = 2**20  # of random numbers, apart from those of attempts
_FARTHEST = 3.0  # from the best, where the median is 1
_SHARE_OF_OTHERS = 0.05

MAX_REPEATS = 200  # proposals in a row that were all tried before: nothing new is left


@dataclass(frozen=True, slots=True)
class Trial:
    """Configuration that was tried, or is being tried."""

    configuration: Configuration
    value: float | None  # the objective, more is better; None where it failed or is not known yet
    number: int | None = None  # its place in this run; None: another run tried it
    failed: bool = False
    pruned: bool = False  # its value is an estimate, from a part of the users
    values: tuple[float, ...] = ()  # of all objectives where there are several; more is better
    constraints: tuple[float, ...] = ()  # of each guardrail: at most 0 where it is kept

    @property
    def is_feasible(self) -> bool:
        """True unless a constraint is known to be violated."""
        return all(constraint <= 0 for constraint in self.constraints)

    @property
    def is_open(self) -> bool:
        """True while it is being tried, or its result is not to be seen yet."""
        return self.value is None and not self.failed


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """All that a proposal may depend on."""

    space: Space
    current: Configuration  # the deployed configuration
    seed: int
    number: int  # of the experiment to propose, from 1; 0 is the deployed configuration
    trials: Sequence[Trial]  # of earlier runs, then of this one, in order
    n_objectives: int = 1
    asynchronous_delay: int = 1  # results of this run are known up to `number` less this
    attempt: int = 0  # how many proposals for this number were turned down as tried before

    def generator(self) -> np.random.Generator:
        """Return random numbers that depend on seed, number and attempt alone."""
        return np.random.default_rng([self.seed, self.number, self.attempt])

    def results(self) -> list[Trial]:
        """Return ended trials, in order; one that failed is worth as little as the worst.

        So strategies turn away from where experiments fail, without a scale of their own for it.
        Several objectives become one, by weights that are drawn anew for each number.
        """
        ended = [trial for trial in self.trials if not trial.is_open]
        if self.n_objectives > 1:
            ended = weighed(ended, self._weights())
        known = [trial.value for trial in ended if trial.value is not None]
        if not known:
            return []
        worst = min(known)
        return [replace(trial, value=worst) if trial.failed else trial for trial in ended]

    def full_results(self) -> list[tuple[Trial, tuple[float, ...]]]:
        """Return completed trials and their values in every objective, in order."""
        found = []
        for trial in self.trials:
            if trial.value is not None and not trial.pruned:
                values = trial.values if self.n_objectives > 1 else (trial.value,)
                if len(values) == self.n_objectives:
                    found.append((trial, values))
        return found

    def _weights(self) -> Floats:
        """Return (K,) weights of the objectives, all alike in chance."""
        rng = np.random.default_rng([self.seed, self.number, _WEIGHTS_STREAM])
        return rng.dirichlet(np.ones(self.n_objectives))

    def open_trials(self) -> list[Trial]:
        """Return the trials whose results are not known yet, in order."""
        return [trial for trial in self.trials if trial.is_open]

    def complete(self, configuration: Configuration) -> dict[str, Any]:
        """Return `configuration` with the current value of all in it that is never searched."""
        members = self.space.hyperparameters.values()
        stays = [member.name for member in members if not member.searched]
        kept = {n: self.current[n] for n in stays if n in configuration and n in self.current}
        return {**configuration, **kept}

    def is_new(self, configuration: Configuration) -> bool:
        """Return if a complete configuration is neither the current one nor among the trials."""
        tried = [trial.configuration for trial in self.trials]
        return configuration not in tried and configuration != self.current


@dataclass(frozen=True, slots=True)
class Proposal:
    """Configuration to try next, and whether that explores or exploits."""

    configuration: dict[str, Any]
    phase: Phase


class Strategy(Protocol):
    """Way of proposing: the same problem gives the same proposal, in any process."""

    @property
    def name(self) -> str:
        """Name by which users choose it."""

    @property
    def is_adaptive(self) -> bool:
        """True where a proposal depends on results."""

    def propose(self, problem: Problem) -> Proposal | None:
        """Return a valid configuration, new at each `attempt`; None where there is nothing left."""


def weighed(ended: Sequence[Trial], weights: Floats) -> list[Trial]:
    """Return trials with one value for their several, by `weights` (K,); failed ones have none.

    Each objective is scaled from the median of what was found, 0, to the best, 1; what counts is
    the weighted distance from 1 where that is greatest, and a little of the others. Source: Knowles
    2006, "ParEGO", equations 1 and 2; the median keeps what went quite wrong from setting the
    scale.
    """
    full = [trial for trial in ended if len(trial.values) == len(weights)]
    failed = [trial for trial in ended if trial.failed]
    if not full:
        return failed
    values = np.array([trial.values for trial in full])  # (N, K)
    middle, best = np.median(values, axis=0), values.max(axis=0)
    span = np.where(best > middle, best - middle, 1.0)
    missing = weights * np.minimum((best - values) / span, _FARTHEST)  # (N, K)
    worth = -missing.max(axis=1) - _SHARE_OF_OTHERS * missing.sum(axis=1)
    found = [replace(trial, value=float(value)) for trial, value in zip(full, worth, strict=True)]
    return found + failed


def propose(strategy: Strategy, problem: Problem) -> Proposal | None:
    """Return the strategy's first proposal that was not tried before; None if there is none left.

    What is never searched keeps its current value.
    """
    for attempt in range(MAX_REPEATS):
        proposal = strategy.propose(replace(problem, attempt=attempt))
        if proposal is None:
            return None
        configuration = problem.complete(proposal.configuration)
        if problem.is_new(configuration):
            return Proposal(configuration, proposal.phase)
    return None
