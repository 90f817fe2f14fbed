"""Tuning run and its experiments: a configuration each, and its results."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from reeltune.domain.arrays import Floats
from reeltune.domain.direction import Direction
from reeltune.domain.guardrail_figure import GuardrailFigure
from reeltune.domain.objectives import SECONDS
from reeltune.domain.space import Configuration
from reeltune.domain.study import RATINGS

ExperimentStatus = Literal["pending", "running", "completed", "failed", "pruned"]
FINISHED: tuple[ExperimentStatus, ...] = ("completed", "failed", "pruned")
RunStatus = Literal["planned", "running", "completed", "interrupted", "failed"]
Phase = Literal["baseline", "initial", "explore", "exploit"]

BASELINE = 0  # number of the experiment that tries the deployed configuration
HALF_PRECISION = (1e-5, 6e4)  # greatest of several gains that half precision still holds
LOWER_BOUND_ERRORS = 1.6448536269514722  # standard errors below a mean that chance exceeds in 5 %


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskKey:
    """Key of comparable results: all that a value depends on but the configuration."""

    data_fingerprint: str
    split: str
    model: str
    space_fingerprint: str
    objective: str
    code_versions: tuple[str, ...]  # of the program, and of those whose results equal its own
    panel: float | None = None  # users measured; None: all
    timeout_seconds: float | None = None  # of one experiment: a limit decides what fails, and only
    memory_bytes: float | None = None  # that


@dataclass(frozen=True, slots=True)
class Result:
    """Result of an experiment of an earlier run."""

    hyperparameters: Configuration
    status: ExperimentStatus
    value: float | None  # the objective; of a pruned one the estimate; None where it failed
    further: tuple[float | None, ...] = ()  # values of the run's further objectives
    guardrails: Mapping[str, GuardrailFigure] = field(default_factory=dict)  # empty: not known


@dataclass(frozen=True, slots=True, kw_only=True)
class TuningRun:
    """Tuning run, as stored."""

    tuning_run_id: str
    created_at: str
    started_at: str | None = None
    finished_at: str | None = None
    method: str
    objective: str
    task: str = RATINGS  # the kind of task
    model: str  # the name of what is tuned
    split: str
    space_fingerprint: str
    seed: int
    n_configs: int  # candidates to try, the baseline not counted
    settings: Mapping[str, object] = field(default_factory=dict)
    data_fingerprint: str | None = None  # None until it is started
    code_version: str | None = None
    history_cutoff: int | None = (
        None  # earlier results up to this completion number are its history
    )
    status: RunStatus
    stop_reason: str | None = None

    @property
    def objectives(self) -> tuple[str, ...]:
        """Names of all objectives, the deciding `objective` first."""
        further = self.settings.get("further_objectives", ())
        assert isinstance(further, list | tuple)
        return (self.objective, *further)

    @property
    def margins(self) -> Mapping[str, float]:
        """Margins of guardrails, where they are not the default."""
        stored = self.settings.get("margins", {})
        assert isinstance(stored, Mapping)
        return stored

    @property
    def directions(self) -> tuple[Direction, ...]:
        """Direction of each objective, as it was when the run was made.

        An earlier program stored none: of all its objectives but the time taken, more was better.
        """
        stored = self.settings.get("directions")
        if isinstance(stored, list | tuple):
            return tuple(map(Direction, stored))
        return tuple(
            Direction.MINIMIZE if name == SECONDS else Direction.MAXIMIZE
            for name in self.objectives
        )

    @property
    def direction(self) -> Direction:
        """Direction of the deciding objective."""
        return self.directions[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """Experiment, as stored."""

    experiment_id: str
    tuning_run_id: str
    number: int  # place in its run; BASELINE is the deployed configuration
    status: ExperimentStatus
    created_at: str
    completed_at: str | None = None
    completion_number: int | None = None  # ascending over the whole database, without a clock
    hyperparameters: Configuration
    objective_value: float | None = None
    validation_accuracy: float | None = None
    test_accuracy: float | None = None
    improvement_from_baseline: float | None = None  # above 0: better; in units of the objective
    improvement_error: float | None = None  # its standard error, user by user; None: not known
    recommendation_quality_score: float | None = None  # NDCG@10
    metrics: Mapping[str, float | None] = field(default_factory=dict)
    tuning_method: str
    parent_experiment_id: str | None = None  # the best one this proposal looked back on
    exploration_phase: Phase
    seed: int
    duration_seconds: float | None = None
    attempts: int = 0
    error: str | None = None
    direction: Direction = Direction.MAXIMIZE  # of the objective
    client_id: str | None = None  # who tries it, in a study
    guardrails: Mapping[str, GuardrailFigure] = field(default_factory=dict)  # empty: not known

    @property
    def is_feasible(self) -> bool:
        """True unless it is known to violate a guardrail."""
        return all(figure.is_kept for figure in self.guardrails.values())

    @property
    def lower_bound(self) -> float | None:
        """One-sided 95 % confidence bound of the objective.

        Below the value where more is better, above it where less is. Chance is that of which users
        there are, in the gain over the baseline: so the baseline's own bound is its value. Where
        nothing is known of that chance, the bound is the value.
        """
        return None if self.worth is None else self.direction.upwards(self.worth)

    @property
    def worth(self) -> float | None:
        """Lower bound with the sign by which more is better."""
        if self.objective_value is None:
            return None
        upwards = self.direction.upwards(self.objective_value)
        return upwards - LOWER_BOUND_ERRORS * (self.improvement_error or 0.0)

    @property
    def feasible_worth(self) -> float | None:
        """Worth of one that keeps within the guardrails; of any other minus infinity.

        The best of a run has the highest.
        """
        return self.worth if self.is_feasible or self.worth is None else -math.inf


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """Measurement of one experiment."""

    objective_value: float
    metrics: Mapping[str, float | None]  # None where the metric says nothing on this data
    user_values: Floats  # (U,) the objective per user; NaN for users who have none
    seconds: float
    guarded: Mapping[str, Floats] = field(default_factory=dict)  # (U,) per user, by guardrail


@dataclass(frozen=True, kw_only=True)
class PairedGain:
    """Paired gain over the baseline: its standard error and its values by group of users."""

    error: float  # standard error of the mean over users
    by_group: Floats  # (G,) mean gain of each of G groups of users

    @property
    def stored(self) -> Floats:
        """Gains `by_group` as they come back from storage."""
        return stored_gains(self.by_group)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruned:
    """Experiment that was stopped as clearly worse than the best before it."""

    objective: str
    difference: float  # gain over the best on the users measured: below 0
    estimate: float  # the best's value and that gain: for strategies, never for ranking
    n_users: int  # measured
    share_of_users: float
    seconds: float
    by_group: Floats | None = None  # (g,) gains over the baseline of the groups that are measured


def stored_gains(by_group: Floats) -> Floats:
    """Return gains by group of users, rounded as they are stored."""
    return gains_from_bytes(gains_as_bytes(by_group))


def gains_as_bytes(by_group: Floats) -> bytes:
    """Return gains as they are stored: in half precision where it has the range, else in full.

    Those in full have a byte before them, which tells the two apart.
    """
    greatest = float(np.abs(by_group).max(initial=0.0))
    if not greatest or HALF_PRECISION[0] <= greatest <= HALF_PRECISION[1]:
        return by_group.astype("<f2").tobytes()
    return b"d" + by_group.astype("<f8").tobytes()


def gains_from_bytes(stored: bytes) -> Floats:
    """Return gains by group of users, as they were stored.

    >>> gains_from_bytes(gains_as_bytes(np.array([0.5, -0.25]))).tolist()
    [0.5, -0.25]
    >>> gains_from_bytes(gains_as_bytes(np.array([3e6, -2e-7]))).tolist()
    [3000000.0, -2e-07]
    """
    if len(stored) % 2:
        return np.frombuffer(stored[1:], dtype="<f8")
    return np.frombuffer(stored, dtype="<f2").astype(np.float64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Line of a run's history: the best after `iteration` experiments."""

    tuning_run_id: str
    iteration: int
    timestamp: str
    best_accuracy: float | None
    best_experiment_id: str | None
    exploration_phase: Phase


def experiment_id(run_id: str, number: int) -> str:
    """Return the id of experiment `number` of a run.

    >>> experiment_id("bayesian_20251130_155355", 1)
    'bayesian_20251130_155355_001'
    """
    return f"{run_id}_{number:03d}"
