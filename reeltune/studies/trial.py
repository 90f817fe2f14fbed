"""Trials of a study, and what they were measured to be."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from reeltune.domain.errors import InputError


class TrialStatus(StrEnum):
    """State of a trial."""

    REQUESTED = "requested"  # to be suggested to whoever asks next
    ACTIVE = "active"  # suggested to a client
    COMPLETED = "completed"  # by a measurement, or as infeasible


@dataclass(frozen=True, slots=True)
class Measurement:
    """Values of a trial by each metric."""

    metrics: Mapping[str, float]
    elapsed_secs: float = 0.0


@dataclass(frozen=True, slots=True)
class TrialSuggestion:
    """Parameters to try, not yet a trial of any study."""

    parameters: Mapping[str, Any]


Complete = Callable[["Trial", Measurement | None, str | None], "Trial"]


@dataclass(slots=True)
class Trial:
    """Parameters that are tried, and what came of it, as of when it was fetched."""

    id: int  # 1 and up, in the order of suggestion
    parameters: Mapping[str, Any]
    status: TrialStatus = TrialStatus.ACTIVE
    client_id: str | None = None
    final_measurement: Measurement | None = None
    infeasibility_reason: str | None = None
    _complete: Complete | None = field(default=None, repr=False, compare=False)

    @property
    def infeasible(self) -> bool:
        """True where it was tried, and could not be measured."""
        return self.infeasibility_reason is not None

    def complete(
        self,
        measurement: Measurement | Mapping[str, float] | None = None,
        *,
        infeasible_reason: str | None = None,
    ) -> Measurement | None:
        """Record what came of the trial, for good; it is durable when this returns.

        Args:
            measurement: by every metric of the study.
            infeasible_reason: why there is none.

        Returns:
            The measurement; None where the trial is infeasible.

        Raises:
            InputError: neither or both are given, a metric is missing, unknown or not finite, or
                the trial was completed before.
        """
        if (measurement is None) == (infeasible_reason is None):
            raise InputError(f"trial {self.id}: give a measurement, or an infeasible_reason")
        if isinstance(measurement, Mapping):
            measurement = Measurement(measurement)
        if self.status is TrialStatus.COMPLETED:
            raise InputError(f"trial {self.id} is completed already")
        if self._complete is not None:
            done = self._complete(self, measurement, infeasible_reason)
            measurement, infeasible_reason = done.final_measurement, done.infeasibility_reason
        self.status = TrialStatus.COMPLETED
        self.final_measurement, self.infeasibility_reason = measurement, infeasible_reason
        return measurement
