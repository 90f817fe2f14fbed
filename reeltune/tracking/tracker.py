"""Tracker: what a system outside is told of runs, experiments and versions; and its protocol.

Records hold all that is told, so that a tracker needs no database. A record may be told more than
once, where a process ended between the telling and its receipt: a tracker makes one thing of it,
by the record's `key`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from reeltune.domain.errors import ReelTuneError
from reeltune.domain.experiment import Experiment, TuningRun
from reeltune.domain.version import Version, VersionEvent

Remember = Callable[[str], None]
"""Function that keeps a tracker's own id of a record at once, before the record is told in full."""


class TrackerError(ReelTuneError):
    """Error of a tracker that cannot be reached, or refuses what it is told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """Run, and what it came to so far."""

    run: TuningRun
    database: str  # name of its file
    n_completed: int = 0
    n_failed: int = 0
    best: Experiment | None = None
    baseline: Experiment | None = None
    files: Mapping[str, Callable[[], str]] = field(default_factory=dict)  # artifacts, by name
    remote_id: str | None = None  # the tracker's own, if it has been told before
    may_be_told: bool = True  # an earlier telling may have arrived, though nothing is known of it

    @property
    def key(self) -> str:
        """Name of it everywhere."""
        return self.run.tuning_run_id


@dataclass(frozen=True, slots=True, kw_only=True)
class ExperimentRecord:
    """Experiment that ended."""

    experiment: Experiment
    run: TuningRun
    parent_id: str | None  # the tracker's own id of its run
    remote_id: str | None = None
    may_be_told: bool = True

    @property
    def key(self) -> str:
        """Name of it everywhere."""
        return self.experiment.experiment_id


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionRecord:
    """Version of the model, and the gate's decision on it."""

    version: Version
    decision: VersionEvent
    database: str
    run_id: str | None  # the tracker's own id of the experiment it applied
    remote_id: str | None = None

    @property
    def key(self) -> str:
        """Name of it everywhere."""
        return f"{self.database} version {self.version.version}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PromotionRecord:
    """Promotion: from now on this version is in production."""

    version: Version
    event: VersionEvent
    is_current: bool  # the version is in production now
    database: str
    version_id: str | None  # the tracker's own id of the version
    remote_id: str | None = None

    @property
    def key(self) -> str:
        """Name of it everywhere."""
        return f"{self.database} promotion of {self.version.version} at {self.event.happened_at}"


TrackedRecord = RunRecord | ExperimentRecord | VersionRecord | PromotionRecord


class Tracker(Protocol):
    """System outside that is told of what happens."""

    @property
    def name(self) -> str:
        """Name with its address, under which the outbox keeps what it was told."""

    def tell(self, record: TrackedRecord, remember: Remember) -> None:
        """Tell one record; return once it is safe there.

        Raises:
            TrackerError: it cannot be reached, or refuses.
        """
