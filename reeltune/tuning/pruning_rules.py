"""Pruning rules: when an experiment is stopped that some of the users show to be worse."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import scipy  # its parts are imported when first used

from reeltune.domain.arrays import Floats
from reeltune.domain.direction import Direction
from reeltune.domain.space import Configuration
from reeltune.tuning.ledger import Ledger

RUNGS = (2, 8)  # after so many of the 32 groups of users
REDUCTION = 4  # with halving, one in so many goes on at each rung
LEVEL = 0.01  # most chance, over all rungs, to prune what is as good as the best
MIN_USERS = 30  # with a value; fewer say nothing of a mean


@dataclass(frozen=True, eq=False)
class EvaluationRequest:
    """Configuration to be evaluated, and what it is compared with on the way."""

    configuration: Configuration
    incumbent: Floats | None = None  # (U,) the objective of another per user; None: there is none
    incumbent_value: float | None = None  # and for all of them
    thresholds: tuple[float | None, ...] | None = None  # min. gain at each rung; None: clear loss
    direction: Direction = Direction.MAXIMIZE  # of the objective


def paired(ledger: Ledger, configuration: Configuration, up_to: int) -> EvaluationRequest:
    """Return a request that stops what is clearly worse than the best up to number `up_to`."""
    incumbent = ledger.best_up_to(up_to)
    if incumbent is None:
        return EvaluationRequest(configuration)
    return EvaluationRequest(
        configuration,
        ledger.user_values(incumbent.number),
        incumbent.objective_value,
        direction=incumbent.direction,
    )


def halving(ledger: Ledger, configuration: Configuration, up_to: int) -> EvaluationRequest:
    """Return a request that stops what is not among the best quarter at a rung up to `up_to`.

    Source: Li et al. 2020, "A system for massively parallel hyperparameter tuning" (asynchronous
    successive halving), with the share of users as the resource; what waits there for a later
    promotion is given up here at once, as it is all the same in any number of jobs.
    """
    baseline = ledger.baseline
    if up_to < baseline.number or baseline.objective_value is None:
        return EvaluationRequest(configuration)
    gains = ledger.group_gains(up_to)
    return EvaluationRequest(
        configuration,
        ledger.user_values(baseline.number),
        baseline.objective_value,
        tuple(rung_threshold(gains, n_groups) for n_groups in RUNGS),
        baseline.direction,
    )


PRUNERS: dict[str, Callable[[Ledger, Configuration, int], EvaluationRequest]] = {
    "paired": paired,
    "halving": halving,
}


def rung_threshold(
    gains: Sequence[Floats], n_groups: int, reduction: int = REDUCTION
) -> float | None:
    """Return the mean gain on the first `n_groups` groups of users that lets the next one go on.

    With it, one in `reduction` of those who came as far as this rung is let on, but one at least.
    None with nothing to compare.

    >>> rung_threshold([np.array([0.1]), np.array([0.3]), np.array([0.2])], 1)
    0.3
    """
    there = sorted(float(each[:n_groups].mean()) for each in gains if len(each) >= n_groups)
    if not there:
        return None
    return there[-max(1, (len(there) + 1) // reduction)]


def clear_loss(
    values: Floats, incumbent: Floats, n_all: int, rungs: int = len(RUNGS)
) -> float | None:
    """Return the mean of `values - incumbent` (U,), where it is certainly below 0; else None.

    More is better.

    An upper limit of the mean over all `n_all` users, of whom these are a random part without
    replacement, by Student's t with the correction for a finite population. The level is divided
    among the rungs (Bonferroni), so the limit holds at every rung at once. On means: sign and rank
    tests on such data have inflated error.

    Source: Cochran 1977, "Sampling techniques", section 2.8; Ihemelandu and Ekstrand 2023,
    "Inference at scale: significance testing for large search and recommendation experiments".
    """
    both = np.isfinite(values) & np.isfinite(incumbent)
    n = int(both.sum())
    if n < MIN_USERS:
        return None
    differences = values[both] - incumbent[both]
    mean = float(differences.mean())
    finite_population = math.sqrt(max(0.0, 1 - n / max(n, n_all)))
    error = float(differences.std(ddof=1)) / math.sqrt(n) * finite_population
    limit = mean + float(scipy.special.stdtrit(n - 1, 1 - LEVEL / rungs)) * error
    return mean if limit < 0 else None
