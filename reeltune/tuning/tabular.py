"""Tuning of a table: a search, a blend of its best, one look at the test part, a refit."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from reeltune.db.connection import Connection
from reeltune.db.experiments import load_experiments
from reeltune.db.tuning_runs import load_runs
from reeltune.domain.arrays import Floats
from reeltune.domain.errors import NotFoundError
from reeltune.domain.experiment import BASELINE, Experiment
from reeltune.domain.parameters import Configuration
from reeltune.domain.study import TABULAR, StudyConfig
from reeltune.stats.paired_tests import QUICK_EFFORT, Comparison, paired_difference
from reeltune.table_models.blend import blended, greedy_blend, temperature_of, with_temperature
from reeltune.table_models.blended_model import BlendedModel, fit_blend
from reeltune.table_models.families import FAMILY
from reeltune.table_models.losses import TABLE_METRICS, TableMetric, table_metric
from reeltune.tasks.tabular import TabularTask
from reeltune.tracking.progress import Watcher
from reeltune.tuning.orchestrator import Orchestrator
from reeltune.tuning.plan import Plan
from reeltune.tuning.result import RunResult
from reeltune.tuning.tabular_budget import Budget

MAX_BLEND_CANDIDATES = 12  # of the best configurations, from which a blend is made
CALIBRATED = ("log_loss", "brier")


@dataclass(frozen=True, kw_only=True)
class BlendPlan:
    """Blend that a search ended in: members with weights, and the temperature."""

    experiments: tuple[Experiment, ...]
    weights: tuple[float, ...]
    temperature: float
    value: float  # on the rows held out

    def predictions(self, parts: Sequence[Floats]) -> Floats:
        """Return the blend (N, K) of what each member predicts."""
        return with_temperature(blended(parts, self.weights), self.temperature)


@dataclass(frozen=True, kw_only=True)
class TestFigures:
    """Figures of the test part, measured once: of the blend, and what it is compared with."""

    n_rows: int
    metrics: Mapping[str, float]
    baseline: Mapping[str, float]  # the first configuration alone
    constant: Mapping[str, float]  # without any feature
    over_baseline: Comparison | None  # None where the metric has no value for each row
    over_constant: Comparison | None


@dataclass(frozen=True, kw_only=True)
class TabularResult:
    """Result of tuning for a table."""

    run: RunResult
    blend: BlendPlan
    model: BlendedModel
    test: TestFigures | None
    verdict: str
    seconds: float

    def as_dict(self) -> dict[str, Any]:
        """Return the report; `docs/TABLES.md` says what is in it."""
        best = self.run.best_experiment_number
        return {
            "hpo_completed": self.run.status == "completed",
            "hpo_best_trial": best,
            "best_hyperparameters": self.run.best_hyperparameters,
            "hpo_study_name": self.run.tuning_run_id,
            "hpo_best_value": self.run.best_value,
            "hpo_trials_run": self.run.experiments_run,
            "hpo_trials_pruned": self.run.experiments_pruned,
            "hpo_duration_seconds": self.seconds,
            "objective": self.run.objective,
            "stop_reason": self.run.stop_reason,
            "verdict": self.verdict,
            "blend": {
                "value": self.blend.value,
                "temperature": self.blend.temperature,
                "members": [
                    {
                        "trial": each.number,
                        "is_best_trial": each.number == best,
                        "weight": weight,
                        "n_iterations": member.n_iterations,
                        "hyperparameters": dict(each.hyperparameters),
                    }
                    for each, weight, member in zip(
                        self.blend.experiments, self.blend.weights, self.model.members, strict=True
                    )
                ],
            },
            "test": None if self.test is None else _test_as_dict(self.test),
        }


def _test_as_dict(test: TestFigures) -> dict[str, Any]:
    found: dict[str, Any] = {"n_rows": test.n_rows}
    for name in ("metrics", "baseline", "constant"):
        figures: Mapping[str, float] = getattr(test, name)
        found[name] = {n: v if np.isfinite(v) else None for n, v in figures.items()}
    for name in ("over_baseline", "over_constant"):
        gain: Comparison | None = getattr(test, name)
        found[name] = gain and {"gain": gain.difference, "low": gain.low, "high": gain.high}
    return found


class TabularTuning:
    """Tuning of one task in one database.

    Args:
        conn: the database; whoever calls holds its lock.
        task: the table.
        metric: the objective; None: the first of its kind of target.
        seed: of the search; None: the number of runs before this one.
        jobs: processes; changes how long it takes, and nothing else, unless there is a budget.
        watch: is told of each step.
    """

    def __init__(
        self,
        conn: Connection,
        task: TabularTask,
        *,
        metric: str | None = None,
        seed: int | None = None,
        jobs: int = 1,
        watch: Watcher | None = None,
    ) -> None:
        self.conn, self.task = conn, task
        self.metric: TableMetric = table_metric(task.target.prediction, metric)
        study = StudyConfig(
            task=TABULAR,
            model=task.model,
            split=task.split,
            objective=self.metric.name,
            seed=seed,
        )
        self.orchestrator = Orchestrator(conn, task, study, jobs=jobs, watch=watch)

    def run(self, plan: Plan, budget: Budget) -> TabularResult:
        """Search, and return the model that it ended in."""
        began = time.perf_counter()
        return self._finished(self.orchestrator.run(plan), budget, began)

    def resume(self, budget: Budget) -> TabularResult:
        """Go on with the latest interrupted run for this table, as if it had not been.

        Raises:
            NotFoundError: there is none.
        """
        began = time.perf_counter()
        runs = [
            run
            for run in load_runs(self.conn)
            if run.model == self.task.model and run.status in ("running", "interrupted")
        ]
        if not runs:
            raise NotFoundError(
                "no interrupted run for this table, target and budget: leave out --resume"
            )
        return self._finished(self.orchestrator.resume(runs[-1].tuning_run_id), budget, began)

    def _finished(self, found: RunResult, budget: Budget, began: float) -> TabularResult:
        experiments = load_experiments(self.conn, found.tuning_run_id)
        completed = [e for e in experiments if e.status == "completed"]
        if not completed:
            errors = [e.error for e in experiments if e.error]
            raise NotFoundError(
                f"no configuration was measured: {errors[0] if errors else found.stop_reason}"
            )
        blend = self._blend(completed, budget)
        test = self._test(blend, completed)
        data, task = self.task.data, self.task
        configurations = [dict(each.hyperparameters) for each in blend.experiments]
        model = fit_blend(
            task.table,
            task.target,
            configurations,
            blend.weights,
            [data.iterations(each) for each in configurations],
            blend.temperature,
            budget.seconds_of_refit(len(configurations)),
        )
        return TabularResult(
            run=found,
            blend=blend,
            model=model,
            test=test,
            verdict=verdict_in_words(test, self.metric),
            seconds=time.perf_counter() - began,
        )

    def _blend(self, completed: Sequence[Experiment], budget: Budget) -> BlendPlan:
        """Return the blend of the best experiments, as many as can be refitted in time."""
        candidates = self._candidates(completed)
        data, truth = self.task.data, self.task.data.truth
        candidates, predictions = self._predicted(candidates, budget)
        weights = greedy_blend(predictions, truth, self.metric)
        seconds = [each.duration_seconds or 0.0 for each in candidates]
        kept = budget.affordable(weights, seconds, data.refit_share)
        total = sum(kept.values())
        shares = tuple(weight / total for weight in kept.values())
        mean = blended([predictions[k] for k in kept], shares)
        temperature = 1.0
        if self.task.target.classes and self.metric.name in CALIBRATED:
            temperature = temperature_of(mean, truth)
        value = self.metric.value_of(truth, with_temperature(mean, temperature))
        members = tuple(candidates[k] for k in kept)
        return BlendPlan(experiments=members, weights=shares, temperature=temperature, value=value)

    def _predicted(
        self, candidates: Sequence[Experiment], budget: Budget
    ) -> tuple[list[Experiment], list[Floats]]:
        """Return the candidates that a blend is chosen from, and what they predict (U, K).

        Of few rows they are fitted once more, with one stop for all folds, as far as there is time.
        """
        data = self.task.data
        if not data.is_small or budget.is_tiny:
            return list(candidates), [data.of_units(_configuration(e)) for e in candidates]
        kept: list[Experiment] = []
        predictions: list[Floats] = []
        for each in candidates:
            if kept and not budget.allows(2 * (each.duration_seconds or 0.0)):
                continue
            kept.append(each)
            predictions.append(data.with_common_stop(_configuration(each)))
        return kept, predictions

    def _candidates(self, completed: Sequence[Experiment]) -> list[Experiment]:
        """Return the best experiments, and the best of each family that is not among them."""
        upwards = self.metric.direction.upwards
        ranked = sorted(completed, key=lambda e: (-upwards(e.objective_value or 0.0), e.number))
        chosen = ranked[:MAX_BLEND_CANDIDATES]
        families = {each.hyperparameters[FAMILY] for each in chosen}
        for each in ranked[MAX_BLEND_CANDIDATES:]:
            if each.hyperparameters[FAMILY] not in families:
                families.add(each.hyperparameters[FAMILY])
                chosen.append(each)
        return chosen

    def _test(self, blend: BlendPlan, completed: Sequence[Experiment]) -> TestFigures | None:
        """Return the figures of the test part; None where there is none.

        The models that predict it are those of the folds: they saw neither it nor what they were
        chosen by.
        """
        data = self.task.data
        if not len(self.task.folds.test):
            return None
        own = blend.predictions([data.of_test(dict(e.hyperparameters)) for e in blend.experiments])
        first = next((e for e in completed if e.number == BASELINE), completed[0])
        others = {
            "baseline": data.of_test(_configuration(first)),
            "constant": data.constant(),
        }
        return TestFigures(
            n_rows=len(data.test_truth),
            metrics=self._figures(own),
            baseline=self._figures(others["baseline"]),
            constant=self._figures(others["constant"]),
            over_baseline=self._gain(own, others["baseline"]),
            over_constant=self._gain(own, others["constant"]),
        )

    def _figures(self, predicted: Floats) -> dict[str, float]:
        truth = self.task.data.test_truth
        metrics = TABLE_METRICS[self.task.target.prediction]
        return {name: each.value_of(truth, predicted) for name, each in metrics.items()}

    def _gain(self, own: Floats, other: Floats) -> Comparison | None:
        """Return the gain of predictions over others, row by row."""
        if not self.metric.per_unit:
            return None
        truth, upwards = self.task.data.test_truth, self.metric.direction.upwards
        values = [upwards(self.metric.values_of(truth, each)) for each in (own, other)]
        return paired_difference(*values, effort=QUICK_EFFORT)


def _configuration(experiment: Experiment) -> Configuration:
    return dict(experiment.hyperparameters)


def verdict_in_words(test: TestFigures | None, metric: TableMetric) -> str:
    """Return in a sentence whether the model is worth having, by the test part."""
    if test is None:
        return "not measured on a test part: too few rows, so trust the validation with care"
    name = metric.title.lower()
    shown = f"{name} {test.metrics[metric.name]:.6g} on {test.n_rows:,} test rows"
    against = f"{test.constant[metric.name]:.6g} without features"
    gain = test.over_constant
    if gain is None:
        return f"{shown}, {against}"
    if gain.low > 0:
        return f"usable: {shown}, against {against}"
    if gain.high < 0:
        return f"worse than no model: {shown}, against {against}: do not use it"
    return f"cannot tell whether it is better than no model: {shown}, against {against}"
