"""Measures experiments on ever more of the users, and stops those that are shown to be worse."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from reeltune.domain.arrays import Floats, Ints
from reeltune.domain.evaluation import Evaluation
from reeltune.domain.experiment import Measurement, Pruned
from reeltune.stats.paired_gain import MAX_GAIN_GROUPS, random_groups
from reeltune.tasks.task import Evaluator
from reeltune.tuning.measuring import measurement
from reeltune.tuning.pruning_rules import LEAST_USERS, LOOKS, Contest, clear_loss


@dataclass(frozen=True, eq=False)
class Look:
    """After some of the groups of users is looked whether to go on."""

    number: int  # place among the bars of a contest
    groups: Sequence[Ints]  # positions of the users in each
    n_all: int  # users with a value

    @cached_property
    def users(self) -> Ints:
        """(u,) their positions, ascending."""
        return np.sort(np.concatenate(self.groups))


class Pruner:
    """Measures configurations, each on a few users first; fit to be sent to another process.

    Groups of users are drawn by `seed`, the same for all experiments of a run; so what is pruned
    depends on the contest alone.
    """

    def __init__(self, evaluator: Evaluator, objective: str, seed: int) -> None:
        self.evaluator = evaluator
        self.objective = objective
        self.seed = seed
        self._looks: Sequence[Look] | None = None

    def __call__(self, contest: Contest) -> Measurement | Pruned:
        """What the configuration is worth, or that it is worse than the contest lets pass.

        Raises:
            InputError: the objective says nothing here, for want of held-out ratings.
        """
        return self.measure_many([contest])[0]

    def measure_many(self, contests: Sequence[Contest]) -> list[Measurement | Pruned]:
        """The same of each, all that are left measured together on ever more users.

        Raises:
            InputError: the objective says nothing here, for want of held-out ratings.
        """
        found: dict[int, Measurement | Pruned] = {}
        spent = np.zeros(len(contests))  # seconds
        compared = [k for k, contest in enumerate(contests) if contest.rival is not None]
        rivals = [contests[k].rival for k in compared]
        for look in self.looks(rivals[0]) if rivals else ():
            asked = [k for k in compared if k not in found]
            for k, evaluation in self._measured(contests, asked, look.users, spent):
                values = evaluation.per_unit[self.objective]
                pruned = judged(contests[k], look, values, self.objective, float(spent[k]))
                if pruned is not None:
                    found[k] = pruned
        left = [k for k in range(len(contests)) if k not in found]
        for k, evaluation in self._measured(contests, left, None, spent):
            found[k] = measurement(evaluation, self.objective, float(spent[k]))
        return [found[k] for k in range(len(contests))]

    def looks(self, rival: Floats | None) -> Sequence[Look]:
        """Whom to measure first, of those who have a value; who that is, held-out ratings say."""
        if self._looks is None:
            assert rival is not None
            known = np.flatnonzero(np.isfinite(rival))
            groups = (
                [known[each] for each in random_groups(len(known), self.seed)] if len(known) else []
            )
            looks = [Look(k, groups[:n], len(known)) for k, n in enumerate(LOOKS)]
            is_enough = len(groups) == MAX_GAIN_GROUPS
            self._looks = [x for x in looks if is_enough and len(x.users) >= LEAST_USERS]
        return self._looks

    def _measured(
        self,
        contests: Sequence[Contest],
        asked: Sequence[int],
        users: Ints | None,
        spent: Floats,
    ) -> list[tuple[int, Evaluation]]:
        """The figures of the contests `asked` for on some users, or on all.

        The time taken goes to `spent`.
        """
        began = time.perf_counter()
        configurations = [contests[k].configuration for k in asked]
        metric = None if users is None else self.objective
        evaluations = self.evaluator.evaluate_many(configurations, users, metric)
        spent[list(asked)] += (time.perf_counter() - began) / max(1, len(asked))
        return list(zip(asked, evaluations, strict=True))


def judged(
    contest: Contest, look: Look, values: Floats, objective: str, seconds: float
) -> Pruned | None:
    """That what has these `values` (U,) is to be stopped at this look, if it is."""
    assert contest.rival is not None
    assert contest.rival_value is not None
    upwards = contest.direction.upwards
    own, rival = upwards(values), upwards(contest.rival)
    by_group = np.array([(own[group] - rival[group]).mean() for group in look.groups])
    if contest.bars is None:
        loss = clear_loss(own, rival, look.n_all)
    else:
        loss = below(by_group, contest.bars[look.number])
    if loss is None:
        return None
    return Pruned(
        objective=objective,
        difference=loss,
        estimate=upwards(upwards(contest.rival_value) + loss),
        n_users=len(look.users),
        share_of_users=len(look.users) / look.n_all,
        seconds=seconds,
        by_group=None if contest.bars is None else by_group,
    )


def below(by_group: Floats, bar: float | None) -> float | None:
    """The mean gain of some groups of users where it is below `bar`, else None."""
    gain = float(by_group.mean())
    return gain if bar is not None and gain < bar else None
