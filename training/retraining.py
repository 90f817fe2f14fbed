"""One retraining: evaluate, gate, and unless refused register and promote."""

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any, Literal

from db.connection import Connection, transaction
from db.deployed import load_deployed
from db.experiments import set_test_accuracy
from db.versions import load_production
from domain.clock import stamp
from domain.dataset import Dataset
from domain.hyperparameters import ACCURACY_THRESHOLD
from domain.space import Configuration, Value
from domain.version import TrainingRun
from evaluation.gate import Rule, gate, refusals
from evaluation.significance import Comparison, paired_difference
from hyperparameter_tuner import Study
from model import model_class
from model_versioning import promote, refuse, register
from tracking.lineage import code_version, environment
from training.trainer import Trainer, finite

MIN_NEW_RATINGS = 100

Verdict = Literal["promoted", "would be promoted", "refused", "nothing new"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What to retrain, and under which conditions."""

    study: Study
    hyperparameters: Configuration | None = None  # None: the deployed ones
    experiment_id: str | None = None  # where they come from
    reason: str = "retrained"
    force: bool = False
    dry_run: bool = False
    min_new_ratings: int = MIN_NEW_RATINGS
    accuracy_threshold: float | None = None  # None: the hyperparameter's


@dataclass(frozen=True, slots=True, kw_only=True)
class Retraining:
    """What one retraining found and did."""

    verdict: Verdict
    said: str  # why, in one line
    version: int | None = None
    hyperparameters: Mapping[str, Value] | None = None
    test_metrics: Mapping[str, float | None] | None = None
    deployed_metrics: Mapping[str, float | None] | None = None
    against_deployed: Comparison | None = None
    deployed_source: str | None = None
    rules: tuple[Rule, ...] = ()
    seconds: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        compared = self.against_deployed
        return asdict(self) | {
            "against_deployed": None if compared is None else finite(asdict(compared))
        }


class _Retrainer:
    """One retraining under way."""

    def __init__(self, conn: Connection, data: Dataset, order: Order) -> None:
        self.conn, self.data, self.order = conn, data, order
        self.began = time.perf_counter()
        self.model = model_class(order.study.model)
        self.deployed = load_deployed(conn, self.model.space, order.study.model)
        self.production = load_production(conn)

    @cached_property
    def hyperparameters(self) -> dict[str, Value]:
        """What to retrain with."""
        return self.model.space.checked(
            self.deployed.hyperparameters
            if self.order.hyperparameters is None
            else self.order.hyperparameters
        )

    @cached_property
    def trainer(self) -> Trainer:
        """Fits on train and validation, looks at test."""
        return Trainer.of(self.data, self.order.study, "test")

    def nothing_new(self) -> str | None:
        """Why there is nothing to retrain for; None if there is."""
        if self.production is None or self.order.force:
            return None
        if self.hyperparameters != self.deployed.hyperparameters:
            return None
        new = len(self.data.ratings) - self.production.training.n_ratings
        if new >= self.order.min_new_ratings:
            return None
        return (
            f"{new} new ratings since version {self.production.version}, "
            f"{self.order.min_new_ratings} are needed: nothing done (--force retrains all the same)"
        )

    def run(self) -> Retraining:
        """Evaluate, judge, and unless it is a dry run record the verdict and act on it."""
        idle = self.nothing_new()
        if idle is not None:
            return Retraining(
                verdict="nothing new", said=idle, hyperparameters=self.hyperparameters
            )
        found = self.trainer.evaluate(self.hyperparameters)
        baseline = self.trainer.evaluate(self.deployed.hyperparameters)
        compared = paired_difference(found.per_user["accuracy"], baseline.per_user["accuracy"])
        rules = gate(found.values["accuracy"], self._threshold(), compared)
        result = Retraining(
            verdict="would be promoted" if not refusals(rules) else "refused",
            said=refusals(rules) or "; ".join(rule.figures for rule in rules),
            hyperparameters=self.hyperparameters,
            test_metrics=finite(found.values),
            deployed_metrics=finite(baseline.values),
            against_deployed=compared,
            deployed_source=self.deployed.source,
            rules=tuple(rules),
        )
        if not self.order.dry_run:
            result = self._recorded(result)
        return replace(result, seconds=time.perf_counter() - self.began)

    def _threshold(self) -> float:
        if self.order.accuracy_threshold is not None:
            return self.order.accuracy_threshold
        name = ACCURACY_THRESHOLD.name
        return float(self.hyperparameters.get(name, ACCURACY_THRESHOLD.default))

    def _recorded(self, result: Retraining) -> Retraining:
        evidence = {"rules": [rule.as_dict() for rule in result.rules]}
        self._record_test_accuracy(result)
        if result.verdict == "refused":
            version = refuse(self.conn, self._training(result), evidence, result.said)
            return replace(result, version=version)
        fitted = self.model(self.hyperparameters).fit(self.data.ratings, self.data.catalogue)
        version = register(
            self.conn,
            self._training(result),
            fitted,
            self.data.ratings,
            evidence,
            self.order.reason,
        )
        expected = None if self.production is None else self.production.version
        promote(self.conn, version, self.order.reason, evidence, expected_production=expected)
        return replace(result, verdict="promoted", version=version)

    def _record_test_accuracy(self, result: Retraining) -> None:
        accuracy = (result.test_metrics or {}).get("accuracy")
        if self.order.experiment_id is not None and accuracy is not None:
            with transaction(self.conn):
                set_test_accuracy(self.conn, self.order.experiment_id, accuracy)

    def _training(self, result: Retraining) -> TrainingRun:
        return TrainingRun(
            created_at=stamp(),
            experiment_id=self.order.experiment_id,
            model=self.order.study.model,
            hyperparameters=self.hyperparameters,
            split=self.order.study.split,
            data_fingerprint=self.data.fingerprint,
            n_ratings=len(self.data.ratings),
            code_version=code_version(),
            seed=self.order.study.seed or 0,
            environment=environment(),
            test_metrics=result.test_metrics or {},
            duration_seconds=time.perf_counter() - self.began,
        )


def retrain(conn: Connection, data: Dataset, order: Order) -> Retraining:
    """Fit on train and validation, look at test once, gate; register and promote what passes.

    What is measured is a model fitted without the test part; what goes into production is the same
    configuration fitted to all ratings.
    """
    return _Retrainer(conn, data, order).run()
