"""Retraining: evaluate, gate, and unless refused register and promote."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np

from reeltune.components.hyperparameters import ACCURACY_THRESHOLD
from reeltune.db.connection import Connection, transaction
from reeltune.db.deployed import DEFAULTS, OWN_DEFAULTS, load_deployed
from reeltune.db.experiments import set_test_accuracy
from reeltune.db.test_evaluations import (
    GateEvaluation,
    Reference,
    count_test_evaluations,
    save_test_evaluation,
)
from reeltune.db.versions import load_production
from reeltune.domain.arrays import Floats
from reeltune.domain.clock import latest_believable, stamp
from reeltune.domain.completion import with_defaults
from reeltune.domain.evaluation import finite
from reeltune.domain.version import TrainingRun
from reeltune.gate.error_budget import BudgetState, budget_state
from reeltune.gate.gate import Decision, GateDecision, GateSettings, find, gate
from reeltune.gate.guardrails import GUARDRAIL_LEVEL
from reeltune.gate.least_value import asked_metric
from reeltune.metrics.measurable import nobody
from reeltune.metrics.objectives import direction_of
from reeltune.monitoring.degradation import newest_rated_at, watched_metric
from reeltune.rating_models.registry import model_class
from reeltune.ratings.dataset import Dataset
from reeltune.ratings.recommender import Recommender
from reeltune.stats.paired_tests import Comparison
from reeltune.tasks.evidence import ConfiguredModel, Evidence, gather, measure_metrics
from reeltune.tasks.ratings import RatingsEvaluator, suited
from reeltune.tracking.lineage import code_version, environment
from reeltune.training.recording import RecordedEpoch, recording
from reeltune.versioning.finalists import best_finalist
from reeltune.versioning.news import changes_since
from reeltune.versioning.registry import promote, refuse, register
from reeltune.versioning.renewal import compare_renewal, split_newest, unservable
from reeltune.versioning.request import (
    NOBODY,
    NOTHING_NEW,
    Retraining,
    RetrainingRequest,
    RetrainingVerdict,
)

WATCHED_SPLIT = "calendar"
_AGAINST = {DEFAULTS: "the defaults", OWN_DEFAULTS: "its own defaults"}


class Retrainer:
    """Retraining under way."""

    def __init__(self, conn: Connection, data: Dataset, request: RetrainingRequest) -> None:
        self.conn, self.data, self.request = conn, data, request
        self.study = suited(request.study, data)
        self.began = time.perf_counter()
        self.model = model_class(request.study.model)
        self.production = load_production(conn)
        own = load_deployed(conn, self.model.space, request.study.model)
        wanted = own.hyperparameters if request.hyperparameters is None else request.hyperparameters
        self.hyperparameters = self.model.space.checked(with_defaults(self.model.space, wanted))
        self.candidate = ConfiguredModel(request.study.model, self.hyperparameters)
        self.deployed, self.source = (
            ConfiguredModel(request.study.model, own.hyperparameters),
            own.source,
        )
        if self.production is not None:
            training = self.production.training
            if training.model != request.study.model:
                self.deployed = ConfiguredModel(training.model, training.hyperparameters)
            self.source = f"version {self.production.version}"

    @cached_property
    def decision(self) -> Decision:
        """Kind of decision that this is."""
        if self.production is None:
            return "first"
        if self.candidate.is_same(self.deployed):
            return "routine"
        return "nightly" if self.request.unattended else "by hand"

    @property
    def panel(self) -> int | None:
        """Number of users to measure; all where another configuration is to be deployed."""
        return self.request.panel if self.decision == "routine" else None

    @cached_property
    def renewal(self) -> Comparison | None:
        """Gain on the newest ratings by being fitted to newer ones; None if not measured."""
        if self.production is None or self.decision != "routine":
            return None
        parts = split_newest(self.conn, self.production, self.data, self.panel)
        if parts is None:
            return None
        return compare_renewal(parts, self.candidate, self.data.catalogue, self.study.objective)

    def nothing_new(self) -> str | None:
        """Return why there is nothing to retrain for; None if there is."""
        if self.production is None or self.request.force or self.decision != "routine":
            return None
        version = self.production
        changes = changes_since(self.conn, version.version, version.training, self.data)
        if changes is None or changes.total >= self.request.min_new_ratings:
            return None
        said = f"{changes} since version {version.version}"
        if self.request.unattended:
            return f"{said}, which stays in production as it is"
        least = self.request.min_new_ratings
        return f"{said}, {least} are needed: nothing done (--force retrains anyway)"

    def idle(self) -> Retraining | None:
        """Return the answer where there is nothing to retrain for, or nobody to measure it on.

        Nobody has been measured then: no test-set evaluation is counted.
        """
        reason = self.nothing_new()
        if reason is not None:
            return self._answer(NOTHING_NEW, reason)
        held_out = RatingsEvaluator.of(self.data, self.study, "test").held_out
        needs_dislikes = self._asked_metric == "accuracy"
        reason = nobody(held_out, self.study.split, "test", needs_dislikes=needs_dislikes)
        if reason is not None:
            return self._answer(NOBODY, reason)
        return None

    def _answer(self, verdict: RetrainingVerdict, said: str) -> Retraining:
        return Retraining(
            verdict=verdict,
            said=said,
            experiment_id=self.request.experiment_id,
            reason=self.request.reason,
            hyperparameters=self.hyperparameters,
        )

    def per_unit(self, trainer: RatingsEvaluator, configured: ConfiguredModel) -> Floats:
        """Return (U,) the objective of one model on the test part, so that more is better."""
        values = measure_metrics(trainer, configured).per_unit[self.study.objective]
        return direction_of(self.study.objective).upwards(values)

    def run(self, min_p_value: float = 0.0) -> Retraining:
        """Evaluate, judge, count the evaluation, and unless it is a dry run act on the verdict."""
        idle = self.idle()
        if idle is not None:
            return idle
        budget = budget_state(self.conn, stamp()) if self.decision == "nightly" else None
        evidence = gather(self.data, self.study, "test", self.deployed, self.candidate, self.panel)
        comparisons = evidence.comparisons
        found = evidence.candidate[self.study.split].evaluation
        judged = gate(
            self._settings(budget),
            found.values[self._asked_metric],
            comparisons,
            evidence.gains,
            min_p_value=min_p_value,
            renewal=self.renewal,
            popular=evidence.over_popularity,
        )
        verdict: RetrainingVerdict = (
            "would be promoted" if judged.verdict == "promote" else judged.verdict
        )
        result = replace(
            self._answer(verdict, judged.message),
            test_metrics=finite(found.values),
            deployed_metrics=finite(evidence.deployed[self.study.split].evaluation.values),
            against_deployed=find(comparisons, self.study.split, self.study.objective).compared,
            deployed_source=self.source,
            decision=self.decision,
            rules=judged.rules,
            contrasts=tuple(comparisons),
            renewal=self.renewal,
            budget=budget,
        )
        number = self._counted(result, judged)
        result = replace(result, n_looks=count_test_evaluations(self.conn, self.data.fingerprint))
        if not self.request.dry_run:
            result = self._acted(result, judged, evidence, number)
        return replace(result, seconds=time.perf_counter() - self.began)

    @property
    def _asked_metric(self) -> str:
        has_dislikes = self.data.ratings.has_dislikes
        return asked_metric(self.study.objective, has_dislikes=has_dislikes)

    def _settings(self, budget: BudgetState | None) -> GateSettings:
        return GateSettings(
            decision=self.decision,
            objective=self.study.objective,
            split=self.study.split,
            accuracy_threshold=self._threshold(),
            level=GUARDRAIL_LEVEL if budget is None else budget.level,
            minimum_effect=self.request.minimum_effect,
            margins=self.request.margins,
            against=_AGAINST.get(self.source, self.source),
            has_dislikes=self.data.ratings.has_dislikes,
        )

    def _threshold(self) -> float:
        if self.request.accuracy_threshold is not None:
            return self.request.accuracy_threshold
        name = ACCURACY_THRESHOLD.name
        return float(self.hyperparameters.get(name, ACCURACY_THRESHOLD.default))

    def _counted(self, result: Retraining, judged: GateDecision) -> int:
        """Count the test-set evaluation before its result is used; return its number."""
        with transaction(self.conn):
            number = save_test_evaluation(self.conn, self._evaluation(result, judged))
            accuracy = (result.test_metrics or {}).get("accuracy")
            if self.request.experiment_id is not None and accuracy is not None:
                set_test_accuracy(self.conn, self.request.experiment_id, accuracy)
        return number

    def _acted(
        self, result: Retraining, judged: GateDecision, evidence: Evidence, number: int
    ) -> Retraining:
        """Register, and promote what passed."""
        stored = judged.as_evidence() | {"look": number, "panel": self.panel}
        if judged.verdict == "refused":
            version = refuse(self.conn, self._training(result), stored, result.said)
            return replace(result, version=version)
        with recording() as epochs:
            fitted = self.model(self.hyperparameters).fit(self.data.ratings, self.data.catalogue)
        fault = unservable(fitted, self.data.ratings)
        if fault is not None:
            version = refuse(self.conn, self._training(result), stored | {"fault": fault}, fault)
            return replace(result, verdict="refused", said=fault, version=version)
        version = self._registered(result, stored, evidence, fitted, epochs)
        if judged.verdict == "cannot tell":
            return replace(result, version=version)
        expected = None if self.production is None else self.production.version
        promote(self.conn, version, self.request.reason, stored, expected_production=expected)
        return replace(result, verdict="promoted", version=version)

    def _registered(
        self,
        result: Retraining,
        stored: Mapping[str, Any],
        evidence: Evidence,
        fitted: Recommender,
        epochs: Sequence[RecordedEpoch],
    ) -> int:
        ratings = self.data.ratings
        kept = result.verdict == "cannot tell"
        reason = f"cannot tell: {result.said}" if kept else self.request.reason
        watched = watched_metric(ratings, self.study.objective)
        references = {watched: self._reference(evidence, watched)}
        training = self._training(result)
        return register(self.conn, training, fitted, ratings, stored, reason, references, epochs)

    def _reference(self, evidence: Evidence, metric: str) -> Reference:
        """Return what the candidate is worth user by user, for it to be watched against."""
        ratings = self.data.ratings
        values = evidence.candidate[WATCHED_SPLIT].evaluation.per_unit[metric]
        known = np.isfinite(values)
        newest = newest_rated_at(ratings, latest_believable())
        return Reference(newest, ratings.user_ids[known], values[known])

    def _evaluation(self, result: Retraining, judged: GateDecision) -> GateEvaluation:
        compared = result.against_deployed
        known = compared is not None and compared.n_users > 0
        return GateEvaluation(
            looked_at=stamp(),
            decision=self.decision,
            model=self.study.model,
            split=self.study.split,
            objective=self.study.objective,
            data_fingerprint=self.data.fingerprint,
            experiment_id=self.request.experiment_id,
            level=0.0 if result.budget is None else result.budget.level,
            difference=compared.difference if compared is not None and known else None,
            p_value=judged.p_value,
            verdict=judged.verdict,
        )

    def _training(self, result: Retraining) -> TrainingRun:
        return TrainingRun(
            created_at=stamp(),
            experiment_id=self.request.experiment_id,
            model=self.study.model,
            hyperparameters=self.hyperparameters,
            split=self.study.split,
            data_fingerprint=self.data.fingerprint,
            n_ratings=len(self.data.ratings),
            code_version=code_version(self.study.model),
            seed=self.study.seed or 0,
            environment=environment(),
            test_metrics=result.test_metrics or {},
            duration_seconds=time.perf_counter() - self.began,
            last_change=self.data.last_change,
        )


def retrain(conn: Connection, data: Dataset, request: RetrainingRequest) -> Retraining:
    """Fit on train and validation, evaluate on test once, gate; register and promote what passes.

    What is measured is a model fitted without the test part; what goes into production is the same
    configuration fitted to all ratings. Where the test part cannot tell whether it is better, it
    stays a candidate, and production what it is.
    """
    return Retrainer(conn, data, request).run()


def is_renewal(conn: Connection, data: Dataset, request: RetrainingRequest) -> bool:
    """Return whether a request is for the configuration that is in production."""
    return Retrainer(conn, data, request).decision == "routine"


def retrain_best(
    conn: Connection, data: Dataset, requests: Sequence[RetrainingRequest]
) -> Retraining:
    """Retrain with the one of several finalists of a study that gains most on the test part.

    They are measured together, as one test-set evaluation; the p-value is adjusted for that.
    """
    finalists = [Retrainer(conn, data, request) for request in requests]
    first = finalists[0]
    if len(finalists) == 1:
        return first.run()
    idle = first.idle()
    if idle is not None:
        return idle
    trainer = RatingsEvaluator.of(data, first.study, "test")
    deployed = first.per_unit(trainer, first.deployed)
    gains = np.stack([each.per_unit(trainer, each.candidate) - deployed for each in finalists])
    best, p_value = best_finalist(gains, first.request.minimum_effect)
    return finalists[best].run(p_value)
