"""Guard of a search for a recommender: the objective where a gain may hide a loss."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from reeltune.domain.arrays import Bools, Floats
from reeltune.domain.evaluation import Evaluation
from reeltune.domain.space import Configuration
from reeltune.engine.index_cache import CacheKey
from reeltune.gate.constraints import guardrail_name
from reeltune.metrics.segments import user_segments
from reeltune.ratings.splits import SPLITS, guarding_split
from reeltune.tasks.ratings import RatingsEvaluator, RatingsTask
from reeltune.tasks.task import Task


@dataclass(frozen=True, eq=False)
class RatingsGuard:
    """Guard that measures the objective under another split, and in segments of the users.

    It may be sent to another process.
    """

    objective: str
    other_split: str
    other: RatingsEvaluator | None  # None: it would not be cheap
    segments: Mapping[str, Bools]  # (U,) each

    def prepare(self) -> None:
        """Make what all experiments share; it is remembered."""
        if self.other is not None:
            self.other.prepare()

    def on_threads(self, n_threads: int) -> "RatingsGuard":
        """Return the same guard, using at most so many threads."""
        other = None if self.other is None else self.other.on_threads(n_threads)
        return replace(self, other=other)

    def guarded(
        self, configurations: Sequence[Configuration], found: Sequence[Evaluation]
    ) -> list[Mapping[str, Floats]]:
        """Return, by guardrail, the objective per user (U,) of each configuration.

        Args:
            configurations: valid in the model's space.
            found: their evaluations on the validation set.
        """
        by_segment: list[Mapping[str, Floats]] = [self._in_segments(each) for each in found]
        if self.other is None:
            return by_segment
        name = guardrail_name(self.objective, self.other_split)
        others = self.other.evaluate_many(configurations, metric=self.objective)
        return [
            {name: other.per_unit[self.objective], **each}
            for other, each in zip(others, by_segment, strict=True)
        ]

    def _in_segments(self, found: Evaluation) -> dict[str, Floats]:
        values = found.per_unit[self.objective]
        return {
            guardrail_name(self.objective, name): np.where(users, values, np.nan)
            for name, users in self.segments.items()
        }


def guard_of(task: Task, objective: str, n_units: int | None = None) -> RatingsGuard | None:
    """Return the guard of a search for a recommender, on a fixed sample of users or on all.

    The other split is of what comes before the test set alone: a search must not see that. It is
    measured where that is cheap: by the engine, on no more users than the search itself measures.
    """
    if not isinstance(task, RatingsTask):
        return None
    own = task.evaluator(n_units=n_units)
    split = guarding_split(task.split)
    other = _under(task, split, n_units)
    is_cheap = _n_users(other) <= _n_users(own) and other.is_batched
    return RatingsGuard(
        objective, split, other if is_cheap else None, user_segments(own.fitting, own.held_out)
    )


def _under(task: RatingsTask, split: str, n_units: int | None) -> RatingsEvaluator:
    """Return what measures on the last part under another split, of all but the test set."""
    known = SPLITS[task.split](task.data.ratings).fitting_for("test")
    inner = SPLITS[split](known)
    key = CacheKey.of(task.data, task.split)
    return RatingsEvaluator(
        model=task.model,
        fitting=inner.fitting_for("test"),
        held_out=inner.held_out_for("test"),
        catalogue=task.data.catalogue,
        cache_key=None if key is None else key.part(f"guarded by {split}"),
    ).on_sample(n_units)


def _n_users(evaluator: RatingsEvaluator) -> int:
    return int(np.count_nonzero(np.diff(evaluator.held_out.starts)))
