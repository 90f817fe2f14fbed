"""Covariance matrix adaptation: a normal distribution that adapts to the better results.

Source: Hansen 2016, "The CMA evolution strategy: a tutorial"; `cma_distribution` says more.
"""

import hashlib
import marshal
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from reeltune.domain.space import Space
from reeltune.search.choices import Shares
from reeltune.search.cma_distribution import CmaDistribution, with_margin
from reeltune.search.feasibility import best_first
from reeltune.search.strategy import Problem, Proposal, Trial

FIRST_STEP, WARM_STEP = 0.25, 0.15  # deviation along an axis of the cube, without and with history
MAX_REDRAWS = 20  # draws around the mean that were all tried before
GENERATION = 6  # results after which the distribution is updated: few, since experiments are
MAX_STATES = 16  # kept, so that a proposal goes on from the one before

_states: "dict[bytes, CmaState]" = {}  # by a hash of all that led there, the latest last


@dataclass(frozen=True)
class CovarianceAdaptation:
    """CMA-ES, replayed from the run's results for each proposal.

    Every `GENERATION` results, in the order of their numbers, update the distribution once,
    whoever proposed them. It begins around the best that earlier runs found, or around the current
    configuration. Categories have no place in it: each has shares of its choices, updated by the
    same generations.
    """

    name: str = "cmaes"
    is_adaptive: bool = True

    def propose(self, problem: Problem) -> Proposal | None:
        """Return a draw from the distribution, folded back into the cube."""
        space, rng = problem.space, problem.generator()
        n_axes = len(space.dimensions)
        if n_axes == 0:
            return None
        if problem.attempt > MAX_REDRAWS:
            return Proposal(space.decode(rng.random(n_axes)), "explore")
        state = _state_after(problem, problem.results())
        numbers = space.n_choices == 0
        point = np.empty(n_axes)
        point[numbers] = 1 - np.abs(1 - np.abs(state.distribution.draw(rng)) % 2)
        point[~numbers] = state.shares.draw(rng)
        return Proposal(space.decode(point), "exploit" if state.n_generations else "initial")


@dataclass(frozen=True, eq=False)
class CmaState:
    """State of a search after some generations."""

    space: Space
    distribution: CmaDistribution  # of the numbers
    shares: Shares  # of the categories' choices
    best: Trial | None  # so far, if any did not fail
    n_generations: int = 0

    @classmethod
    def first(cls, problem: Problem, results: Sequence[Trial]) -> "CmaState":
        """Return the state before the first generation."""
        space = problem.space
        earlier = [trial for trial in results if trial.number is None]
        start = earlier[best_first(earlier)[0]].configuration if earlier else problem.current
        point, step = space.encode(start), WARM_STEP if earlier else FIRST_STEP
        numbers = space.n_choices == 0
        return cls(
            space,
            CmaDistribution.around(point[numbers], step),
            Shares.around(point[~numbers], space.n_choices[~numbers]),
            _best([trial for trial in results if not trial.number]),
        )

    def updated(self, trials: Sequence[Trial]) -> "CmaState":
        """Return the state after a generation.

        Of those that failed, the nearer to the best result so far is worth more: so the
        distribution goes back to where something did not.
        """
        space, numbers = self.space, self.space.n_choices == 0
        points = np.array([space.encode(t.configuration) for t in trials])
        best = _best([*([] if self.best is None else [self.best]), *trials])
        values = np.array([t.value for t in trials], dtype=np.float64)
        if best is not None:
            off = np.linalg.norm(points - space.encode(best.configuration), axis=1)
            values -= off * [t.failed for t in trials]
        if any(trial.constraints for trial in trials):  # only the order counts
            values[best_first(trials, values)] = -np.arange(len(trials))
        distribution, shares = self.distribution, self.shares.updated(points[:, ~numbers], values)
        if numbers.any():
            distribution = distribution.updated(points[:, numbers], values)
            distribution = with_margin(distribution, space, GENERATION, shares.modes)
        return CmaState(space, distribution, shares, best, self.n_generations + 1)


def _best(trials: Sequence[Trial]) -> Trial | None:
    """Return the best of those that did not fail, the earliest of equals; None if all did."""
    worked = [trial for trial in trials if not trial.failed]
    return worked[best_first(worked)[0]] if worked else None


def _state_after(problem: Problem, results: Sequence[Trial]) -> CmaState:
    """Return the state after all full generations, in the order of their numbers.

    States are kept by the content of all that led to them, so that a new generation is the only
    one to be gone through.
    """
    own = sorted((t for t in results if t.number), key=lambda t: t.number or 0)
    starts = range(0, len(own) - GENERATION + 1, GENERATION)
    generations = [own[start : start + GENERATION] for start in starts]
    keys = _keys(problem, [t for t in results if not t.number], generations)
    known = next((k for k in range(len(keys) - 1, -1, -1) if keys[k] in _states), None)
    state = CmaState.first(problem, results) if known is None else _states[keys[known]]
    for trials in generations[known or 0 :]:
        state = state.updated(trials)
    _states.pop(keys[-1], None)
    _states[keys[-1]] = state
    while len(_states) > MAX_STATES:
        _states.pop(next(iter(_states)), None)
    return state


def _keys(
    problem: Problem, before: Sequence[Trial], generations: Sequence[Sequence[Trial]]
) -> list[bytes]:
    """Return a hash of what led to the first state, and to that after each generation."""
    digest = hashlib.blake2b(repr(problem.space.groups).encode(), digest_size=16)
    digest.update(_content(tuple(problem.current.items())) + _trials_content(before))
    found = [digest.digest()]
    for trials in generations:
        digest.update(_trials_content(trials))
        found.append(digest.digest())
    return found


def _trials_content(trials: Sequence[Trial]) -> bytes:
    return _content(
        tuple(
            (tuple(t.configuration.items()), t.value, t.number, t.failed, t.constraints)
            for t in trials
        )
    )


def _content(values: Any) -> bytes:
    """Return bytes that are equal where all values are; version 2 writes no references."""
    return marshal.dumps(values, 2)
