"""Warm starts: the best of earlier runs on similar data, as far as they helped."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from reeltune.domain.clock import stamp
from reeltune.domain.experiment import BASELINE, Experiment, TuningRun
from reeltune.domain.limits import projected
from reeltune.domain.space import Configuration, Space
from reeltune.domain.study import comparable_model
from reeltune.domain.warm_start import Gain, WarmStartSource
from reeltune.tasks.task import Task

GUESSED = "surrogate"  # the tuning method of experiments that the task guessed
MAX_STARTS = 5
SHARE_OF_RUN = 4  # one in so many of a run's experiments at most
MAX_GAINS = 3  # configurations kept of a run
MIN_SIMILARITY = 0.2
MIN_SUCCESS_RATE = 0.3  # of a source that was used `TRIED` times or more
TRIED = 3
OTHER_OBJECTIVE = 0.7  # what a source for another objective is worth
OTHER_SPLIT = 0.9
NEXT_BEST = 0.8  # what the next configuration of a source is worth, by that of the one before
NEAR = 0.02  # distance per root dimension below which two configurations are one


@dataclass(frozen=True, slots=True)
class MetaFeatures:
    """Meta-features: what the data of a task are like, in a few figures."""

    values: Mapping[str, float]
    scales: Mapping[str, float]  # by how much each must differ for data to be unlike

    def similarity(self, others: Mapping[str, float]) -> float:
        """Return how much other data are alike, 0 to 1; a figure that only one has is unlike.

        With every figure one scale apart it is e^-1.

        >>> data = MetaFeatures({"users": 2.0}, {"users": 0.5})
        >>> data.similarity({"users": 2.0}), data.similarity({}) == math.exp(-1)
        (1.0, True)
        """
        if not self.scales:
            return 1.0
        mine = self.values
        apart = [
            min(3.0, abs(mine[name] - others[name]) / scale)
            if name in mine and name in others
            else 1.0
            for name, scale in self.scales.items()
        ]
        return math.exp(-math.fsum(apart) / len(apart))


@dataclass(frozen=True, slots=True, kw_only=True)
class WarmStartCandidate:
    """Configuration to start with, and why."""

    source: WarmStartSource
    hyperparameters: Configuration  # valid in the new run's space
    similarity: float
    success_rate: float
    worth: float


def source_of(
    run: TuningRun, profile: Mapping[str, float], experiments: Sequence[Experiment]
) -> WarmStartSource:
    """Return what later runs may begin with after a finished one."""
    gained = [
        (e.worth, -e.number, e)
        for e in experiments
        if e.number != BASELINE and (e.improvement_from_baseline or 0.0) > 0 and e.is_feasible
    ]
    best = [e for _, _, e in sorted(gained, reverse=True)[:MAX_GAINS]]
    return WarmStartSource(
        tuning_run_id=run.tuning_run_id,
        created_at=stamp(),
        model=run.model,
        objective=run.objective,
        split=run.split,
        space_fingerprint=run.space_fingerprint,
        profile=profile,
        best=tuple(
            Gain(gain=e.improvement_from_baseline or 0.0, hyperparameters=e.hyperparameters)
            for e in best
        ),
    )


def success_rate(source: WarmStartSource) -> float:
    """Return the probability that a start from this source helps, 0 to 1.

    The mean of a beta distribution that began as even (Laplace's rule of succession).
    """
    return (1 + source.n_helped) / (2 + source.n_used)


def is_reliable(source: WarmStartSource) -> bool:
    """Return False once it was used a few times and did not help."""
    return source.n_used < TRIED or success_rate(source) >= MIN_SUCCESS_RATE


def warm_start_candidates(
    sources: Sequence[WarmStartSource],
    run: TuningRun,
    data: MetaFeatures,
    space: Space,
    current: Configuration,
    tried: Sequence[Configuration],
) -> list[WarmStartCandidate]:
    """Return what to start `run` with, the most promising first.

    Args:
        sources: of earlier runs.
        run: the new one.
        data: what its data are like.
        space: what it may choose from.
        current: what is deployed; gives what a source does not name.
        tried: what is known already, and the start need not repeat.
    """
    by_worth = _by_worth(sources, run, data, space, current)
    values = [candidate.hyperparameters for candidate in by_worth]
    new = distinct(space, values, [current, *tried])[: max_starts(run)]
    return [by_worth[values.index(configuration)] for configuration in new]


def distinct(
    space: Space, configurations: Sequence[Configuration], known: Sequence[Configuration]
) -> list[Configuration]:
    """Return the configurations that are near neither to a known one nor to one before them."""
    seen = [space.encode(configuration) for configuration in known]
    found: list[Configuration] = []
    for configuration in configurations:
        point = space.encode(configuration)
        near = NEAR * np.sqrt(max(1, len(point)))
        if all(space.distance(point, other) >= near for other in seen):
            found.append(configuration)
            seen.append(point)
    return found


def first_guesses(
    task: Task, run: TuningRun, space: Space, current: Configuration, known: Sequence[Configuration]
) -> list[Configuration]:
    """Return the guesses of a task that are new: one at least, whatever the run's length.

    Args:
        task: what is tuned.
        run: the run that begins with them.
        space: what it may choose from.
        current: what is deployed.
        known: configurations that need not be repeated, the deployed one among them.
    """
    proposed = task.initial_configurations(space, run.objective, run.seed, current)
    return distinct(space, proposed, known)[: max(1, max_starts(run))]


def max_starts(run: TuningRun) -> int:
    """Return how many of a run's experiments may be warm starts."""
    return min(MAX_STARTS, run.n_configs // SHARE_OF_RUN)


def _by_worth(
    sources: Sequence[WarmStartSource],
    run: TuningRun,
    data: MetaFeatures,
    space: Space,
    current: Configuration,
) -> list[WarmStartCandidate]:
    found = []
    for source in sources:
        alike = data.similarity(source.profile)
        is_other = comparable_model(source.model) != comparable_model(run.model)
        if is_other or alike < MIN_SIMILARITY or not is_reliable(source):
            continue
        worth = alike * success_rate(source)
        worth *= 1.0 if source.objective == run.objective else OTHER_OBJECTIVE
        worth *= 1.0 if source.split == run.split else OTHER_SPLIT
        for place, gain in enumerate(source.best):
            found.append(
                WarmStartCandidate(
                    source=source,
                    hyperparameters=carried_over(space, current, gain.hyperparameters),
                    similarity=alike,
                    success_rate=success_rate(source),
                    worth=worth * NEXT_BEST**place,
                )
            )
    # Of equals the later run, whose data is nearer in time.
    return sorted(found, key=lambda each: (-each.worth, -(each.source.pattern_id or 0)))


def carried_over(space: Space, current: Configuration, values: Configuration) -> dict[str, Any]:
    """Return `values` of another space in this one: what both know, and `current` for the rest."""
    members = space.hyperparameters
    near = {
        name: members[name].nearest(value)
        for name, value in values.items()
        if name in members and members[name].searched
    }
    known = {name: value for name, value in near.items() if value is not None}
    return projected(space, space.overlaid(current, known))
