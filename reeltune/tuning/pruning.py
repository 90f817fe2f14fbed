"""Measures experiments on ever more of the users, and stops those that are shown to be worse."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from reeltune.domain.arrays import Floats, Ints
from reeltune.domain.evaluation import Evaluation
from reeltune.domain.experiment import Measurement, Pruned
from reeltune.stats.paired_gain import MAX_GAIN_GROUPS, random_groups
from reeltune.tasks.task import Evaluator, Guard
from reeltune.tuning.measuring import guarded_values, measurement
from reeltune.tuning.pruning_rules import MIN_USERS, RUNGS, EvaluationRequest, clear_loss


@dataclass(frozen=True, eq=False)
class Rung:
    """Point at which is decided, after some groups of users, whether to go on."""

    number: int  # place among the thresholds of a request
    groups: Sequence[Ints]  # positions of the users in each
    n_all: int  # users with a value

    @cached_property
    def users(self) -> Ints:
        """Positions (u,) of the users measured up to here, ascending."""
        return np.sort(np.concatenate(self.groups))


class Pruner:
    """Pruner: measures configurations, each on a few users first; may be sent to another process.

    Groups of users are drawn by `seed`, the same for all experiments of a run; so what is pruned
    depends on the request alone.
    """

    def __init__(
        self, evaluator: Evaluator, objective: str, seed: int, guard: Guard | None = None
    ) -> None:
        self.evaluator = evaluator
        self.guard = guard
        self.objective = objective
        self.seed = seed
        self._rungs: Sequence[Rung] | None = None

    def __call__(self, request: EvaluationRequest) -> Measurement | Pruned:
        """Return what the configuration is worth, or that it was pruned.

        Raises:
            InputError: the objective says nothing here, for want of held-out ratings.
        """
        return self.measure_many([request])[0]

    def measure_many(self, requests: Sequence[EvaluationRequest]) -> list[Measurement | Pruned]:
        """Measure each, those that are left together on ever more users.

        Raises:
            InputError: the objective says nothing here, for want of held-out ratings.
        """
        found: dict[int, Measurement | Pruned] = {}
        spent = np.zeros(len(requests))  # seconds
        compared = [k for k, request in enumerate(requests) if request.incumbent is not None]
        incumbents = [requests[k].incumbent for k in compared]
        for rung in self.rungs(incumbents[0]) if incumbents else ():
            asked = [k for k in compared if k not in found]
            for k, evaluation in self._measured(requests, asked, rung.users, spent):
                values = evaluation.per_unit[self.objective]
                pruned = judged(requests[k], rung, values, self.objective, float(spent[k]))
                if pruned is not None:
                    found[k] = pruned
        left = [k for k in range(len(requests)) if k not in found]
        whole = self._measured(requests, left, None, spent)
        for (k, evaluation), guarded in zip(whole, self._guarded(requests, whole), strict=True):
            found[k] = measurement(evaluation, self.objective, float(spent[k]), guarded)
        return [found[k] for k in range(len(requests))]

    def rungs(self, incumbent: Floats | None) -> Sequence[Rung]:
        """Return the rungs: whom to measure first, of those who have a value."""
        if self._rungs is None:
            assert incumbent is not None
            known = np.flatnonzero(np.isfinite(incumbent))
            groups = (
                [known[each] for each in random_groups(len(known), self.seed)] if len(known) else []
            )
            rungs = [Rung(k, groups[:n], len(known)) for k, n in enumerate(RUNGS)]
            is_enough = len(groups) == MAX_GAIN_GROUPS
            self._rungs = [x for x in rungs if is_enough and len(x.users) >= MIN_USERS]
        return self._rungs

    def _guarded(
        self, requests: Sequence[EvaluationRequest], whole: Sequence[tuple[int, Evaluation]]
    ) -> Sequence[Mapping[str, Floats]]:
        """Return what the guard measures of those that were measured on all users."""
        configurations = [requests[k].configuration for k, _ in whole]
        return guarded_values(self.guard, configurations, [found for _, found in whole])

    def _measured(
        self,
        requests: Sequence[EvaluationRequest],
        asked: Sequence[int],
        users: Ints | None,
        spent: Floats,
    ) -> list[tuple[int, Evaluation]]:
        """Evaluate the requests `asked` for, on some users or on all.

        The time taken goes to `spent`.
        """
        began = time.perf_counter()
        configurations = [requests[k].configuration for k in asked]
        metric = None if users is None else self.objective
        evaluations = self.evaluator.evaluate_many(configurations, users, metric)
        spent[list(asked)] += (time.perf_counter() - began) / max(1, len(asked))
        return list(zip(asked, evaluations, strict=True))


def judged(
    request: EvaluationRequest, rung: Rung, values: Floats, objective: str, seconds: float
) -> Pruned | None:
    """Return the record of an experiment with these `values` (U,) if it stops at this rung."""
    assert request.incumbent is not None
    assert request.incumbent_value is not None
    upwards = request.direction.upwards
    own, incumbent = upwards(values), upwards(request.incumbent)
    by_group = np.array([(own[group] - incumbent[group]).mean() for group in rung.groups])
    if request.thresholds is None:
        loss = clear_loss(own, incumbent, rung.n_all)
    else:
        loss = below(by_group, request.thresholds[rung.number])
    if loss is None:
        return None
    return Pruned(
        objective=objective,
        difference=loss,
        estimate=upwards(upwards(request.incumbent_value) + loss),
        n_users=len(rung.users),
        share_of_users=len(rung.users) / rung.n_all,
        seconds=seconds,
        by_group=None if request.thresholds is None else by_group,
    )


def below(by_group: Floats, threshold: float | None) -> float | None:
    """Return the mean gain of some groups of users where it is below `threshold`, else None."""
    gain = float(by_group.mean())
    return gain if threshold is not None and gain < threshold else None
