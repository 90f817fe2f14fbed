"""Ledger: what a tuning run has tried, durable in the database."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from functools import cached_property

from reeltune.db.connection import Connection, transaction
from reeltune.db.experiments import (
    complete_experiment,
    fail_experiment,
    load_experiments,
    load_group_gains,
    mark_running,
    prune_experiment,
    pruned_metrics,
    save_experiment,
    save_gain,
    save_guardrails,
    set_improvement,
)
from reeltune.db.tuning_runs import save_progress
from reeltune.db.user_values import load_all_user_values, load_user_values, save_user_values
from reeltune.domain.arrays import Floats
from reeltune.domain.clock import stamp
from reeltune.domain.experiment import (
    BASELINE,
    Experiment,
    Measurement,
    PairedGain,
    Progress,
    Pruned,
    TuningRun,
    stored_gains,
)
from reeltune.domain.guardrail_figure import GuardrailFigure
from reeltune.domain.study import RATINGS
from reeltune.gate.constraints import guardrail_figures
from reeltune.stats.paired_gain import paired_gain
from reeltune.tuning.run_state import RunState, is_better


class Ledger(RunState):
    """Experiments of one run. Every change is durable when its method returns.

    Experiments may finish in any order; history and improvement are written in the order of their
    numbers, as they are settled.
    """

    def __init__(self, conn: Connection, run: TuningRun) -> None:
        super().__init__(run, load_experiments(conn, run.tuning_run_id))
        self.conn = conn
        self._is_open = False  # a transaction for all that is recorded
        kept = load_group_gains(conn, run.tuning_run_id)
        numbers = {e.experiment_id: number for number, e in self.experiments.items()}
        self._group_gains = {numbers[each]: gains for each, gains in kept.items()}

    def user_values(self, number: int) -> Floats | None:
        """Return the objective per user (U,) of the baseline, or of an experiment that led."""
        return load_user_values(
            self.conn, self.experiments[number].experiment_id, self.run.objective
        )

    def group_gains(self, up_to: int) -> list[Floats]:
        """Return mean gains by group of users, of the experiments up to and including `up_to`.

        (G,) of a completed one; of a pruned one those of the first groups, as far as measured.
        """
        return [gains for n, gains in sorted(self._group_gains.items()) if n <= up_to]

    @contextmanager
    def together(self) -> Iterator[None]:
        """Record all that is recorded in the block in one transaction, durable at its end."""
        with transaction(self.conn):
            self._is_open = True
            try:
                yield
            finally:
                self._is_open = False

    def begin(self, experiments: Sequence[Experiment]) -> None:
        """Record that experiments, new or stored, are being tried."""
        with self._transaction():
            for experiment in experiments:
                if experiment.number not in self.experiments:
                    save_experiment(self.conn, experiment)
                mark_running(self.conn, experiment.experiment_id)
        for experiment in experiments:
            self._put(replace(experiment, status="running", attempts=experiment.attempts + 1))

    def complete(self, number: int, found: Measurement) -> None:
        """Record what an experiment found."""
        experiment = self.experiments[number]
        gain = self._gain(found.user_values)
        figures = self._guardrails(number, found.metrics, found.guarded)
        named = found.metrics if self.run.task == RATINGS else {}
        done = replace(
            experiment,
            status="completed",
            completed_at=stamp(),
            objective_value=found.objective_value,
            improvement_error=None if gain is None else gain.error,
            validation_accuracy=named.get("accuracy"),
            recommendation_quality_score=named.get("ndcg@10"),
            metrics=found.metrics,
            guardrails=figures,
            duration_seconds=found.seconds,
        )
        with self._recording(done):
            complete_experiment(
                self.conn,
                done.experiment_id,
                found,
                done.completed_at or done.created_at,
                gain,
                of_ratings=self.run.task == RATINGS,
            )
            if gain is not None:
                self._group_gains[number] = gain.stored
            if figures:
                save_guardrails(self.conn, done.experiment_id, figures)
            if number == BASELINE or is_better(done, self.best):
                save_user_values(
                    self.conn, done.experiment_id, self.run.objective, found.user_values
                )
            if number == BASELINE or not self._is_baseline_known:
                for name, values in found.guarded.items():
                    save_user_values(self.conn, done.experiment_id, name, values)

    def fail(self, number: int, error: str, seconds: float) -> None:
        """Record that an experiment failed."""
        done = replace(
            self.experiments[number],
            status="failed",
            completed_at=stamp(),
            error=error,
            duration_seconds=seconds,
        )
        with self._recording(done):
            fail_experiment(
                self.conn, done.experiment_id, error, seconds, done.completed_at or done.created_at
            )

    def prune(self, number: int, found: Pruned) -> None:
        """Record that an experiment was stopped as clearly worse."""
        done = replace(
            self.experiments[number],
            status="pruned",
            completed_at=stamp(),
            metrics=pruned_metrics(found),
            duration_seconds=found.seconds,
        )
        with self._recording(done):
            prune_experiment(
                self.conn, done.experiment_id, found, done.completed_at or done.created_at
            )
            if found.by_group is not None:
                self._group_gains[number] = stored_gains(found.by_group)

    @contextmanager
    def _recording(self, done: Experiment) -> Iterator[None]:
        """Record an experiment's end and all that it settles in one transaction."""
        with self._transaction():
            yield
            self._put(done)
            while self._next_is_finished():
                self._settle(self.experiments[self.settled])

    def _transaction(self) -> AbstractContextManager[None]:
        return nullcontext() if self._is_open else transaction(self.conn)

    def _settle(self, experiment: Experiment) -> None:
        """Write what is known only once all earlier experiments are finished."""
        baseline = self.baseline.objective_value
        if experiment.objective_value is not None and baseline is not None:
            improvement = self.run.direction.gain(experiment.objective_value, baseline)
            set_improvement(self.conn, experiment.experiment_id, improvement)
            error = experiment.improvement_error
            experiment = replace(
                experiment,
                improvement_from_baseline=improvement,
                improvement_error=self._late_error(experiment) if error is None else error,
                guardrails=self._late_guardrails(experiment),
            )
            self._put(experiment)
        self._lead(experiment)
        save_progress(
            self.conn,
            Progress(
                tuning_run_id=self.run.tuning_run_id,
                iteration=experiment.number,
                timestamp=experiment.completed_at or stamp(),
                best_accuracy=None if self.best is None else self.best.validation_accuracy,
                best_experiment_id=None if self.best is None else self.best.experiment_id,
                exploration_phase=experiment.exploration_phase,
            ),
        )

    def _late_error(self, experiment: Experiment) -> float | None:
        """Return the error of an experiment's gain, where it was completed before the baseline was.

        All that are completed so early lead, so that their values per user are kept.
        """
        values = self.user_values(experiment.number)
        gain = None if values is None else self._gain(values)
        if gain is None:
            return None
        save_gain(self.conn, experiment.experiment_id, gain)
        self._group_gains[experiment.number] = gain.stored
        return gain.error

    def _guardrails(
        self, number: int, metrics: Mapping[str, float | None], guarded: Mapping[str, Floats]
    ) -> dict[str, GuardrailFigure]:
        """Return what the guardrails say of an experiment; empty if that is not known (yet)."""
        if self.run.task != RATINGS:
            return {}
        deployed_metrics, deployed_values = metrics, guarded
        if number != BASELINE:
            if not self.baseline.guardrails:
                return {}
            deployed_metrics, deployed_values = self.baseline.metrics, self._baseline_values
        return guardrail_figures(
            self.run.objective,
            metrics,
            deployed_metrics,
            guarded,
            deployed_values,
            self.run.margins,
        )

    def _late_guardrails(self, experiment: Experiment) -> Mapping[str, GuardrailFigure]:
        """Return what the guardrails say of one that was completed before the baseline was."""
        if experiment.guardrails or not self.baseline.guardrails:
            return experiment.guardrails
        values = load_all_user_values(self.conn, experiment.experiment_id)
        values.pop(self.run.objective, None)
        figures = self._guardrails(experiment.number, experiment.metrics, values)
        if figures:
            save_guardrails(self.conn, experiment.experiment_id, figures)
        return figures

    @cached_property
    def _known_baseline_values(self) -> dict[str, Floats]:
        return load_all_user_values(self.conn, self.baseline.experiment_id)

    @property
    def _baseline_values(self) -> Mapping[str, Floats]:
        """Values per user (U,) that are stored of the baseline, once it is completed."""
        return self._known_baseline_values if self._is_baseline_known else {}

    @property
    def _is_baseline_known(self) -> bool:
        return self.baseline.status == "completed"

    def _gain(self, values: Floats) -> PairedGain | None:
        """Return how sure the gain of `values` (U,) over the baseline is; None if not yet known."""
        known = self._baseline_values.get(self.run.objective)
        if known is None or known.shape != values.shape:
            return None
        upwards = self.run.direction.upwards
        return paired_gain(upwards(values), upwards(known), seed=self.run.seed)
