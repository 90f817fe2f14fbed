"""What a new run starts with: the best of earlier runs on similar data, as far as they helped."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from reeltune.domain.clock import stamp
from reeltune.domain.experiment import BASELINE, Experiment, TuningRun
from reeltune.domain.limits import projected
from reeltune.domain.space import Configuration, Space
from reeltune.domain.warm_start import Gain, Pattern
from reeltune.ratings.meta_features import similarity

MOST_STARTS = 5
SHARE_OF_RUN = 4  # one in so many of a run's experiments at most
MOST_GAINS = 3  # configurations kept of a run
LEAST_SIMILARITY = 0.2
LEAST_TRUST = 0.3  # of a pattern that was used `TRIED` times or more
TRIED = 3
OTHER_OBJECTIVE = 0.7  # what a pattern for another objective is worth
OTHER_SPLIT = 0.9
NEXT_BEST = 0.8  # what the next configuration of a pattern is worth, by that of the one before
NEAR = 0.02  # distance per root dimension below which two configurations are one


@dataclass(frozen=True, slots=True, kw_only=True)
class Lead:
    """A configuration to start with, and why."""

    pattern: Pattern
    hyperparameters: Configuration  # valid in the new run's space
    similarity: float
    trust: float
    worth: float


def pattern_of(
    run: TuningRun, profile: Mapping[str, float], experiments: Sequence[Experiment]
) -> Pattern:
    """What a finished run taught."""
    gained = [
        (e.lower_bound, -e.number, e)
        for e in experiments
        if e.number != BASELINE and (e.improvement_from_baseline or 0.0) > 0
    ]
    best = [e for _, _, e in sorted(gained, reverse=True)[:MOST_GAINS]]
    return Pattern(
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


def trust(pattern: Pattern) -> float:
    """How probable it is that a start from this pattern helps, 0 to 1.

    The mean of a beta distribution that began as even (Laplace's rule of succession).
    """
    return (1 + pattern.n_helped) / (2 + pattern.n_used)


def is_trusted(pattern: Pattern) -> bool:
    """False once it was used a few times and did not help."""
    return pattern.n_used < TRIED or trust(pattern) >= LEAST_TRUST


def leads(
    patterns: Sequence[Pattern],
    run: TuningRun,
    profile: Mapping[str, float],
    space: Space,
    current: Configuration,
    tried: Sequence[Configuration],
) -> list[Lead]:
    """What to start `run` with, the most promising first.

    Args:
        patterns: of earlier runs.
        run: the new one.
        profile: of its data.
        space: what it may choose from.
        current: what is deployed; gives what a pattern does not name.
        tried: what is known already, and the start need not repeat.
    """
    by_worth = _by_worth(patterns, run, profile, space, current)
    values = [lead.hyperparameters for lead in by_worth]
    new = distinct(space, values, [current, *tried])[: most_starts(run)]
    return [by_worth[values.index(configuration)] for configuration in new]


def distinct(
    space: Space, configurations: Sequence[Configuration], known: Sequence[Configuration]
) -> list[Configuration]:
    """Those that are near neither to a known one nor to one before them."""
    seen = [space.encode(configuration) for configuration in known]
    found: list[Configuration] = []
    for configuration in configurations:
        point = space.encode(configuration)
        near = NEAR * np.sqrt(max(1, len(point)))
        if all(space.distance(point, other) >= near for other in seen):
            found.append(configuration)
            seen.append(point)
    return found


def most_starts(run: TuningRun) -> int:
    """How many of a run's experiments may come from patterns."""
    return min(MOST_STARTS, run.n_configs // SHARE_OF_RUN)


def _by_worth(
    patterns: Sequence[Pattern],
    run: TuningRun,
    profile: Mapping[str, float],
    space: Space,
    current: Configuration,
) -> list[Lead]:
    found = []
    for pattern in patterns:
        alike = similarity(pattern.profile, profile)
        if pattern.model != run.model or alike < LEAST_SIMILARITY or not is_trusted(pattern):
            continue
        worth = alike * trust(pattern)
        worth *= 1.0 if pattern.objective == run.objective else OTHER_OBJECTIVE
        worth *= 1.0 if pattern.split == run.split else OTHER_SPLIT
        for place, gain in enumerate(pattern.best):
            found.append(
                Lead(
                    pattern=pattern,
                    hyperparameters=carried_over(space, current, gain.hyperparameters),
                    similarity=alike,
                    trust=trust(pattern),
                    worth=worth * NEXT_BEST**place,
                )
            )
    # Of equals the later run, whose data is nearer in time.
    return sorted(found, key=lambda lead: (-lead.worth, -(lead.pattern.pattern_id or 0)))


def carried_over(space: Space, current: Configuration, values: Configuration) -> dict[str, Any]:
    """`values` of another space in this one: what both know, and `current` for the rest."""
    members = space.hyperparameters
    near = {
        name: members[name].nearest(value)
        for name, value in values.items()
        if name in members and members[name].searched
    }
    known = {name: value for name, value in near.items() if value is not None}
    return projected(space, space.overlaid(current, known))
