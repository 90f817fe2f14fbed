"""Measuring: from an evaluation of a configuration to the record of an experiment."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from reeltune.domain.arrays import Floats
from reeltune.domain.errors import InputError
from reeltune.domain.evaluation import LARGEST, Evaluation, finite
from reeltune.domain.experiment import Measurement
from reeltune.domain.space import Configuration
from reeltune.tasks.task import Evaluator, Guard


@dataclass(frozen=True, eq=False)
class Measurer:
    """Measurer: does one experiment after the other; configuration in, measurement out.

    It may be sent to another process.
    """

    evaluator: Evaluator
    objective: str
    guard: Guard | None = None

    def __call__(self, configuration: Configuration) -> Measurement:
        """Do one experiment.

        Raises:
            InputError: the objective has no value here.
        """
        return self.measure_many([configuration])[0]

    def measure_many(self, configurations: Sequence[Configuration]) -> list[Measurement]:
        """Do one experiment each, with equal shares of the time that all took.

        Raises:
            InputError: the objective has no value here.
        """
        began = time.perf_counter()
        found = self.evaluator.evaluate_many(configurations)
        guarded = guarded_values(self.guard, configurations, found)
        seconds = (time.perf_counter() - began) / max(1, len(configurations))
        return [
            measurement(evaluation, self.objective, seconds, values)
            for evaluation, values in zip(found, guarded, strict=True)
        ]


def guarded_values(
    guard: Guard | None, configurations: Sequence[Configuration], found: Sequence[Evaluation]
) -> Sequence[Mapping[str, Floats]]:
    """Return what a guard measures of each configuration; nothing without one."""
    if guard is None or not configurations:
        return [{} for _ in configurations]
    return guard.guarded(configurations, found)


def measurement(
    found: Evaluation, objective: str, seconds: float, guarded: Mapping[str, Floats]
) -> Measurement:
    """Return the record of an experiment.

    Raises:
        InputError: the objective has no value here, for want of held-out data.
    """
    value = found.values[objective]
    if not np.isfinite(value):
        raise InputError(f"{objective} is {value}: no user has the held-out ratings it needs")
    if abs(value) > LARGEST:
        raise InputError(f"{objective} is {value}: it must be in [-{LARGEST:g}, {LARGEST:g}]")
    return Measurement(
        objective_value=value,
        metrics=finite(found.values),
        user_values=found.per_unit.get(objective, np.zeros(0)),
        seconds=seconds,
        guarded=guarded,
    )
