"""Order of results under constraints: what keeps them comes first, then what is worth more."""

from collections.abc import Sequence

import numpy as np

from reeltune.domain.arrays import Floats, Ints
from reeltune.search.strategy import Trial


def violations(trials: Sequence[Trial]) -> Floats:
    """Return (N,) by how much each trial violates its constraints; 0 where they are kept.

    The sum over constraints of what is above 0, each in units of the most that it is in any trial;
    what is not a finite number is as much as the most.
    A failed trial violates more than any other, where any has constraints at all.
    """
    found: Floats = np.zeros(len(trials))
    n_constraints = max((len(trial.constraints) for trial in trials), default=0)
    if n_constraints == 0:
        return found
    above = np.zeros((len(trials), n_constraints))
    for row, trial in zip(above, trials, strict=True):
        row[: len(trial.constraints)] = np.maximum(trial.constraints, 0.0)
    known = np.isfinite(above)
    most = np.where(known, above, 0.0).max(axis=0)
    units = np.where(most > 0, most, 1.0)
    found = (np.where(known, above, units) / units).sum(axis=1)
    found[[trial.failed for trial in trials]] = found.max() + 1
    return found


def best_first(trials: Sequence[Trial], values: Floats | None = None) -> Ints:
    """Return the places (N,) of trials, the best first; of equals the earliest.

    Feasible ones by `values`, their own if none are given; then the others, by how little they
    violate. Source: Deb 2000, "An efficient constraint handling method for genetic algorithms".
    """
    if values is None:
        values = np.array([trial.value or 0.0 for trial in trials], dtype=np.float64)
    order: Ints = np.lexsort((-values, violations(trials)))
    return order
