"""Retraining request, and its result."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from reeltune.domain.space import Configuration, Value
from reeltune.domain.study import StudyConfig
from reeltune.gate.comparisons import MetricComparison
from reeltune.gate.error_budget import BudgetState
from reeltune.gate.gate import MINIMUM_EFFECT, Decision
from reeltune.gate.guardrails import Rule
from reeltune.stats.paired_tests import Comparison
from reeltune.views.json_ready import json_ready

MIN_NEW_RATINGS = 100

RetrainingVerdict = Literal[
    "promoted", "would be promoted", "cannot tell", "refused", "nothing new", "nobody to measure"
]
NOTHING_NEW: Final = "nothing new"
NOBODY: Final = "nobody to measure"


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrainingRequest:
    """Request to retrain, and its conditions."""

    study: StudyConfig
    hyperparameters: Configuration | None = None  # None: the deployed ones
    experiment_id: str | None = None  # where they come from
    reason: str = "retrained"
    unattended: bool = False  # nobody chose these hyperparameters: they must be shown to be better
    force: bool = False
    dry_run: bool = False
    min_new_ratings: int = MIN_NEW_RATINGS
    accuracy_threshold: float | None = None  # None: the hyperparameter's
    margins: Mapping[str, float] = field(default_factory=dict)  # of guardrails, by name
    minimum_effect: float = MINIMUM_EFFECT
    panel: int | None = None  # users to measure where only ratings are new; None: all


@dataclass(frozen=True, slots=True, kw_only=True)
class Retraining:
    """Result of one retraining."""

    verdict: RetrainingVerdict
    said: str  # why, in one line
    experiment_id: str | None = None  # where the hyperparameters come from
    reason: str | None = None  # why these
    version: int | None = None
    hyperparameters: Mapping[str, Value] | None = None
    test_metrics: Mapping[str, float | None] | None = None
    deployed_metrics: Mapping[str, float | None] | None = None
    against_deployed: Comparison | None = None
    deployed_source: str | None = None
    decision: Decision | None = None
    rules: tuple[Rule, ...] = ()
    contrasts: tuple[MetricComparison, ...] = ()
    renewal: Comparison | None = None  # gain on the newest ratings, where only ratings are new
    budget: BudgetState | None = None  # nightly decisions only
    n_looks: int | None = None  # at the test part of these ratings so far, this one included
    seconds: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        """Return the fields for `--json`, without NaN."""
        return json_ready(self)
