"""Selection bias of the best of a stored run."""

from collections.abc import Mapping, Sequence

import numpy as np

from reeltune.domain.arrays import Floats
from reeltune.domain.experiment import BASELINE, Experiment
from reeltune.stats.selection_bias import SelectionBias, estimate_selection_bias

MIN_CANDIDATES = 10  # before the use of more of them is estimated


def selection_bias_of_best(
    completed: Sequence[Experiment],
    groups: Mapping[str, Floats],
    error: float | None = None,
) -> SelectionBias | None:
    """Return the selection bias of a run's best candidate; None where it cannot be estimated.

    Args:
        completed: the run's completed experiments, in any order.
        groups: their gains by group of users (G,), by id.
        error: standard error of those gains of which an earlier program has kept none.
    """
    found = completed_candidates(completed)
    told = [groups.get(e.experiment_id) for e in found]
    by_group = [each for each in told if each is not None]
    is_whole = len({len(each) for each in by_group}) == 1 and len(by_group) == len(told)
    return estimate_selection_bias(
        _floats([e.improvement_from_baseline for e in found]),
        _floats([error if e.improvement_error is None else e.improvement_error for e in found]),
        np.stack(by_group) if is_whole else None,
    )


def completed_candidates(completed: Sequence[Experiment]) -> list[Experiment]:
    """Return all but the baseline, by number."""
    return sorted((e for e in completed if e.number != BASELINE), key=lambda e: e.number)


def more_helps(chance: SelectionBias | None, n: int) -> bool | None:
    """Return whether search still adds more gain than selection bias; None: too few to tell."""
    if chance is None or n < MIN_CANDIDATES:
        return None
    return chance.gain_of_last_half > chance.of_last_half


def _floats(values: Sequence[float | None]) -> Floats:
    return np.array([np.nan if value is None else value for value in values])
