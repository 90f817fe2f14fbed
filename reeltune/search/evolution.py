"""Evolution: the best configurations known are varied, by less the more is known."""

import numpy as np

from reeltune.search.choices import redrawn
from reeltune.search.feasibility import best_first
from reeltune.search.strategy import Problem, Proposal, Trial

N_FIRST_POINTS = 8  # results before anything is varied
N_ANCHORS = 4  # best results that are varied
FIRST_STEP, LAST_STEP = 0.25, 0.02  # standard deviation along an axis of the cube
HALVED_EVERY = 25  # results


class Evolution:
    """Random points first; then the best anchors, crossed and moved by a shrinking step.

    Each proposal takes an anchor, better ones more often, exchanges some axes with another and
    moves one axis, some or all. Source: Rechenberg 1973, "Evolutionsstrategie", with the step on a
    schedule instead of his one-fifth rule, as a proposal cannot look at its own generation.
    """

    name = "evolution"
    is_adaptive = True

    def propose(self, problem: Problem) -> Proposal | None:
        """Return a variation of one of the best configurations known."""
        space, rng = problem.space, problem.generator()
        n_axes = len(space.dimensions)
        if n_axes == 0:
            return None
        finished = problem.results()
        full = [t for t in finished if not (t.failed or t.pruned)]
        if not full or len(finished) < N_FIRST_POINTS or problem.attempt > 20:
            return Proposal(space.decode(rng.random(n_axes)), "initial")
        anchors = [space.encode(t.configuration) for t in best_trials(full, N_ANCHORS)]
        ranks = np.arange(len(anchors))
        chosen = rng.choice(ranks, p=0.5**ranks / np.sum(0.5**ranks))
        other = anchors[rng.integers(len(anchors))]
        crossed = np.where(rng.random(n_axes) < 0.2, other, anchors[chosen])
        moves = rng.random(n_axes) < rng.choice([1.5 / n_axes, 0.3, 1.0])
        moves[rng.integers(n_axes)] = True
        step = max(LAST_STEP, FIRST_STEP * 0.5 ** (len(finished) / HALVED_EVERY))
        moved = np.clip(crossed + moves * step * rng.standard_normal(n_axes), 0, 1)
        moved = redrawn(moved, crossed, moves, space.n_choices, rng)
        return Proposal(space.decode(moved), "exploit")


def best_trials(finished: list[Trial], n: int) -> list[Trial]:
    """Return the `n` best trials, best first; of equals the earliest."""
    return [finished[k] for k in best_first(finished)[:n]]
