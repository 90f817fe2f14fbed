"""Protocols between a tuning run and what it tunes: ratings, a function, and what comes next."""

from collections.abc import Mapping, Sequence
from typing import Protocol, Self

from reeltune.domain.arrays import AnyArray, Bools, Floats, Ints
from reeltune.domain.direction import Direction
from reeltune.domain.evaluation import Evaluation, Part
from reeltune.domain.experiment import TaskKey
from reeltune.domain.metric import Metric
from reeltune.domain.objectives import SECONDS
from reeltune.domain.space import Configuration, Space


class Evaluator(Protocol):
    """Evaluator of configurations on one part of a task's data; may be sent to another process."""

    @property
    def is_batched(self) -> bool:
        """True if many at a time in this process, by threads, are faster than worker processes."""

    def prepare(self) -> None:
        """Make what all evaluations share, before workers start."""

    def on_threads(self, n_threads: int) -> Self:
        """Return the same evaluator, using at most so many threads."""

    def evaluate_many(
        self,
        configurations: Sequence[Configuration],
        units: Ints | None = None,
        metric: str | None = None,
    ) -> list[Evaluation]:
        """Evaluate each configuration.

        Args:
            configurations: valid in the task's space.
            units: (u,) positions of the units to measure; None: all.
            metric: the only one that is needed, where the others would take longer; None: all.
        """


class Guard(Protocol):
    """Guard of a search: per-unit values beside its metrics, by which a loss would show.

    It may be sent to another process.
    """

    def prepare(self) -> None:
        """Make what all experiments share, before workers start."""

    def on_threads(self, n_threads: int) -> Self:
        """Return the same guard, using at most so many threads."""

    def guarded(
        self, configurations: Sequence[Configuration], found: Sequence[Evaluation]
    ) -> list[Mapping[str, Floats]]:
        """Return (U,) values by guardrail of each configuration, which was evaluated as `found`."""


class Task(Protocol):
    """Task: what a tuning run tunes; a space, metrics with directions, and their evaluation.

    A run knows nothing else of its subject. `tests/tasks/test_contract.py` states what holds for
    every task, and enrols each entry of `reeltune.tasks.registry.TASKS`.
    """

    @property
    def name(self) -> str:
        """Kind of task: a key of `TASKS`."""

    @property
    def model(self) -> str:
        """Name of what is tuned, by which the task is found again."""

    @property
    def split(self) -> str:
        """Name of the way in which data are held out."""

    @property
    def has_units(self) -> bool:
        """True if some units (users, rows, images) can be measured without the others."""

    @property
    def space(self) -> Space:
        """Hyperparameters that are tuned."""

    @property
    def metrics(self) -> Mapping[str, Metric]:
        """Metrics by name."""

    @property
    def meta_feature_scales(self) -> Mapping[str, float]:
        """Scale of each meta-feature: by how much it differs between data sets that are unlike."""

    def key(self, objective: str) -> TaskKey:
        """Return what makes results comparable: data, split, and the code that decides a value."""

    def evaluator(self, part: Part = "validation", n_units: int | None = None) -> Evaluator:
        """Return what evaluates on a part, there on a fixed sample of `n_units` or on all."""

    def unmeasurable(self, objective: str) -> str | None:
        """Return why no configuration can be measured by `objective` for validation, if so."""

    def initial_configurations(
        self, space: Space, objective: str, seed: int, current: Configuration
    ) -> Sequence[Configuration]:
        """Return guesses within `space` that a run begins with, the most promising first."""

    def meta_features(self) -> Mapping[str, float]:
        """Return figures that say what the data are like, for warm starts from similar data."""


class FittedModel(Protocol):
    """Model that was fitted for good, as arrays for an artifact."""

    def arrays(self) -> Mapping[str, AnyArray]:
        """Return all that is needed to load it again."""


class FittableTask(Task, Protocol):
    """Task whose result is a model that can be deployed."""

    def fit(self, configuration: Configuration) -> FittedModel:
        """Fit on all data with one configuration."""

    def segments(self, part: Part) -> Mapping[str, Bools]:
        """Return (U,) which units of a part belong to each segment."""


def directions(task: Task, objectives: Sequence[str]) -> tuple[Direction, ...]:
    """Return the direction of each objective: the metric's own; less time is better."""
    return tuple(
        Direction.MINIMIZE if name == SECONDS else task.metrics[name].direction
        for name in objectives
    )
