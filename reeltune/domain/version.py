"""Version of the model: its lineage, its status, and its history."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from reeltune.domain.space import Configuration

VersionStatus = Literal["candidate", "production", "archived", "refused"]
EventKind = Literal["registered", "promoted", "refused", "replaced", "rolled back"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingRun:
    """Training of a version: its inputs, lineage and results."""

    created_at: str
    experiment_id: str | None  # the experiment whose hyperparameters it applied, if any
    model: str
    hyperparameters: Configuration
    split: str
    data_fingerprint: str
    n_ratings: int
    code_version: str
    seed: int
    environment: Mapping[str, str]
    test_metrics: Mapping[str, float | None]
    duration_seconds: float
    tuning_run_id: str | None = None  # of the experiment, as the database knows it
    experiment_number: int | None = None
    was_best: bool | None = None  # of its tuning run, when this was trained
    last_change: int | None = None  # of the data, that it has seen; None: not known


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """Registered version, with the training it came from."""

    version: int
    created_at: str
    parent_version: int | None  # what was in production when it was trained
    status: VersionStatus
    artifact: str | None  # directory, relative to the database's; None if refused
    artifact_sha256: str | None  # of the artifact's manifest
    training: TrainingRun
    removed_at: str | None = None  # when its artifact was removed to save space


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionEvent:
    """Event in the history of a version."""

    version: int
    event: EventKind
    happened_at: str
    reason: str
    evidence: Mapping[str, Any]
