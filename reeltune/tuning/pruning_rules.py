"""When an experiment is stopped that some of the users show to be worse: the rules."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import scipy  # its parts are imported when first used

from reeltune.domain.arrays import Floats
from reeltune.domain.direction import Direction
from reeltune.domain.space import Configuration
from reeltune.tuning.ledger import Ledger

LOOKS = (2, 8)  # after so many of the 32 groups of users
REDUCTION = 4  # with halving, one in so many goes on at each look
LEVEL = 0.01  # most chance, over all looks, to prune what is as good as the best
LEAST_USERS = 30  # with a value; fewer say nothing of a mean


@dataclass(frozen=True, eq=False)
class Contest:
    """A configuration to be measured, and what it has to be compared with."""

    configuration: Configuration
    rival: Floats | None = None  # (U,) the objective of another per user; None: nothing to beat
    rival_value: float | None = None  # and for all of them
    bars: tuple[float | None, ...] | None = None  # least gain at each look; None: a clear loss
    direction: Direction = Direction.MAXIMIZE  # of the objective


def paired(ledger: Ledger, configuration: Configuration, up_to: int) -> Contest:
    """Stopped is what is clearly worse than the best experiment up to number `up_to`."""
    rival = ledger.best_up_to(up_to)
    if rival is None:
        return Contest(configuration)
    return Contest(
        configuration,
        ledger.user_values(rival.number),
        rival.objective_value,
        direction=rival.direction,
    )


def halving(ledger: Ledger, configuration: Configuration, up_to: int) -> Contest:
    """Stopped is what is not among the best quarter at a look, of experiments up to `up_to`.

    Source: Li et al. 2020, "A system for massively parallel hyperparameter tuning" (asynchronous
    successive halving), with the share of users as the resource; what waits there for a later
    promotion is given up here at once, as it is all the same in any number of jobs.
    """
    baseline = ledger.baseline
    if up_to < baseline.number or baseline.objective_value is None:
        return Contest(configuration)
    gains = ledger.group_gains(up_to)
    return Contest(
        configuration,
        ledger.user_values(baseline.number),
        baseline.objective_value,
        tuple(bar(gains, n_groups) for n_groups in LOOKS),
        baseline.direction,
    )


PRUNERS: dict[str, Callable[[Ledger, Configuration, int], Contest]] = {
    "paired": paired,
    "halving": halving,
}


def bar(gains: Sequence[Floats], n_groups: int, reduction: int = REDUCTION) -> float | None:
    """The mean gain on the first `n_groups` groups of users that lets the next one go on.

    With it, one in `reduction` of those who came as far as this look is let on, but one at least.
    None with nothing to compare.

    >>> bar([np.array([0.1]), np.array([0.3]), np.array([0.2])], 1)
    0.3
    """
    there = sorted(float(each[:n_groups].mean()) for each in gains if len(each) >= n_groups)
    if not there:
        return None
    return there[-max(1, (len(there) + 1) // reduction)]


def clear_loss(values: Floats, rival: Floats, n_all: int, looks: int = len(LOOKS)) -> float | None:
    """The mean of `values - rival` (U,), more is better, where it is certainly below 0, else None.

    An upper limit of the mean over all `n_all` users, of whom these are a random part without
    replacement, by Student's t with the correction for a finite population. The level is divided
    among the looks (Bonferroni), so the limit holds at every look at once. On means: sign and rank
    tests on such data have inflated error.

    Source: Cochran 1977, "Sampling techniques", section 2.8; Ihemelandu and Ekstrand 2023,
    "Inference at scale: significance testing for large search and recommendation experiments".
    """
    both = np.isfinite(values) & np.isfinite(rival)
    n = int(both.sum())
    if n < LEAST_USERS:
        return None
    differences = values[both] - rival[both]
    mean = float(differences.mean())
    finite_population = math.sqrt(max(0.0, 1 - n / max(n, n_all)))
    error = float(differences.std(ddof=1)) / math.sqrt(n) * finite_population
    limit = mean + float(scipy.special.stdtrit(n - 1, 1 - LEVEL / looks)) * error
    return mean if limit < 0 else None
