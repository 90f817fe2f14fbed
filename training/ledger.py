"""What a tuning run has tried: in memory for the loop, and in the database for good."""

from bisect import bisect_right
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace

from db.connection import Connection, transaction
from db.experiments import (
    complete_experiment,
    estimate_of,
    fail_experiment,
    load_experiments,
    load_group_gains,
    load_user_values,
    mark_running,
    prune_experiment,
    pruned_metrics,
    save_experiment,
    save_gain,
    save_user_values,
    set_improvement,
)
from db.tuning_runs import save_progress
from domain.arrays import Floats
from domain.clock import stamp
from domain.experiment import (
    BASELINE,
    Experiment,
    Measurement,
    PairedGain,
    Progress,
    Pruned,
    TuningRun,
    kept_gains,
)
from domain.objectives import upwards, value_of
from evaluation.paired import paired_gain
from search import Trial

FINISHED = ("completed", "failed", "pruned")


class Ledger:
    """The experiments of one run. Every change is durable when its method returns.

    Experiments may finish in any order; history and improvement are written in the order of their
    numbers, so that they do not depend on which finished first.
    """

    def __init__(self, conn: Connection, run: TuningRun) -> None:
        self.conn = conn
        self.run = run
        stored = load_experiments(conn, run.tuning_run_id)
        self.experiments = {e.number: e for e in sorted(stored, key=lambda e: e.number)}
        self.settled = 0  # all experiments below this number are finished, and in the history
        self._leaders: list[Experiment] = []  # of the settled ones, each better than those before
        self._counts = Counter(e.status for e in stored)
        self._waiting = deque(e.number for e in self.experiments.values() if _waits(e))
        self._next_number = 1 + max(self.experiments, default=-1)
        self._trials: list[Trial] = []  # of the settled ones, with their results
        self._is_open = False  # a transaction for all that is recorded
        self._baseline_values: Floats | None = None  # (U,) once they are known and needed
        kept = load_group_gains(conn, run.tuning_run_id)
        numbers = {e.experiment_id: number for number, e in self.experiments.items()}
        self._group_gains = {numbers[each]: gains for each, gains in kept.items()}
        while self._next_is_finished():
            self._lead(self.experiments[self.settled])

    @property
    def best(self) -> Experiment | None:
        """The best of the settled experiments, by its lower bound."""
        return self._leaders[-1] if self._leaders else None

    @property
    def baseline(self) -> Experiment:
        """The experiment that tries the deployed configuration."""
        return self.experiments[BASELINE]

    def count(self, *statuses: str) -> int:
        """How many experiments are in one of these statuses."""
        return sum(n for status, n in self._counts.items() if status in statuses)

    def waiting(self) -> list[Experiment]:
        """Experiments that are stored but not begun, by number, up to those the run asks for."""
        wanted = range(self.run.n_configs + 1)
        return [self.experiments[n] for n in self._waiting if n in wanted]

    def next_number(self) -> int | None:
        """The number of the next candidate to be proposed; None if there are enough."""
        return self._next_number if self._next_number <= self.run.n_configs else None

    def finished_up_to(self, number: int) -> bool:
        """Are all experiments up to and including `number` finished?"""
        return self.settled > number

    def trials(self, up_to: int) -> list[Trial]:
        """All experiments as a strategy may see them: with results only `up_to` that number.

        Of a pruned one it sees the estimate.
        """
        known = self._trials[: max(0, up_to + 1)]
        rest = [
            self.experiments[n]
            for n in range(len(known), self._next_number)
            if n in self.experiments
        ]
        return [*known, *(self._trial(e, seen=e.number <= up_to) for e in rest)]

    def _trial(self, experiment: Experiment, *, seen: bool) -> Trial:
        if not seen:
            return Trial(experiment.hyperparameters, None, experiment.number)
        pruned = experiment.status == "pruned"
        value = experiment.objective_value
        return Trial(
            experiment.hyperparameters,
            experiment.metrics.get(estimate_of(self.run.objective)) if pruned else value,
            experiment.number,
            failed=experiment.status == "failed",
            pruned=pruned,
            values=values_of(experiment, self.run.objectives),
        )

    def best_up_to(self, number: int) -> Experiment | None:
        """The best completed experiment up to and including `number`, by its lower bound."""
        best = bisect_right(self._leaders, number, key=lambda leader: leader.number)
        return self._leaders[best - 1] if best else None

    def user_values(self, number: int) -> Floats | None:
        """The objective per user (U,) of the baseline, or of an experiment that led."""
        return load_user_values(
            self.conn, self.experiments[number].experiment_id, self.run.objective
        )

    def group_gains(self, up_to: int) -> list[Floats]:
        """Mean gains by group of users of the experiments up to and including number `up_to`.

        (G,) of a completed one; of a pruned one those of the first groups, as far as measured.
        """
        return [gains for n, gains in sorted(self._group_gains.items()) if n <= up_to]

    @contextmanager
    def together(self) -> Iterator[None]:
        """One transaction for all that is recorded in the block; durable when the block is left."""
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
        done = replace(
            experiment,
            status="completed",
            completed_at=stamp(),
            objective_value=found.objective_value,
            improvement_error=None if gain is None else gain.error,
            validation_accuracy=found.metrics.get("accuracy"),
            recommendation_quality_score=found.metrics.get("ndcg@10"),
            metrics=found.metrics,
            duration_seconds=found.seconds,
        )
        with self._recording(done):
            complete_experiment(
                self.conn, done.experiment_id, found, done.completed_at or done.created_at, gain
            )
            if gain is not None:
                self._group_gains[number] = gain.kept
            if number == BASELINE or _is_better(done, self.best):
                save_user_values(
                    self.conn, done.experiment_id, self.run.objective, found.user_values
                )

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
                self._group_gains[number] = kept_gains(found.by_group)

    @contextmanager
    def _recording(self, done: Experiment) -> Iterator[None]:
        """One transaction for an experiment's end and all that it settles."""
        with self._transaction():
            yield
            self._put(done)
            while self._next_is_finished():
                self._settle(self.experiments[self.settled])

    def _transaction(self) -> AbstractContextManager[None]:
        return nullcontext() if self._is_open else transaction(self.conn)

    def _put(self, experiment: Experiment) -> None:
        """Hold an experiment as it is from now on."""
        before = self.experiments.get(experiment.number)
        if before is not None:
            self._counts[before.status] -= 1
            if _waits(before):
                self._waiting.remove(experiment.number)
        self._counts[experiment.status] += 1
        self.experiments[experiment.number] = experiment
        self._next_number = max(self._next_number, experiment.number + 1)

    def _next_is_finished(self) -> bool:
        following = self.experiments.get(self.settled)
        return following is not None and following.status in FINISHED

    def _settle(self, experiment: Experiment) -> None:
        """Write what is known only once all earlier experiments are finished."""
        baseline = self.baseline.objective_value
        if experiment.objective_value is not None and baseline is not None:
            improvement = experiment.objective_value - baseline
            set_improvement(self.conn, experiment.experiment_id, improvement)
            error = experiment.improvement_error
            experiment = replace(
                experiment,
                improvement_from_baseline=improvement,
                improvement_error=self._late_error(experiment) if error is None else error,
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
        """The error of an experiment's gain, where it was completed before the baseline was.

        All that are completed so early lead, so that their values per user are kept.
        """
        values = self.user_values(experiment.number)
        gain = None if values is None else self._gain(values)
        if gain is None:
            return None
        save_gain(self.conn, experiment.experiment_id, gain)
        self._group_gains[experiment.number] = gain.kept
        return gain.error

    def _gain(self, values: Floats) -> PairedGain | None:
        """How sure the gain of `values` (U,) over the baseline's is, if that is known by now."""
        if self._baseline_values is None and self.baseline.status == "completed":
            self._baseline_values = self.user_values(BASELINE)
        known = self._baseline_values
        if known is None or known.shape != values.shape:
            return None
        return paired_gain(values, known, seed=self.run.seed)

    def _lead(self, experiment: Experiment) -> None:
        """Count an experiment, all before which are settled, as settled too."""
        if _is_better(experiment, self.best):
            self._leaders.append(experiment)
        self._trials.append(self._trial(experiment, seen=True))
        self.settled += 1


def _is_better(experiment: Experiment, best: Experiment | None) -> bool:
    bound = experiment.lower_bound
    to_beat = None if best is None else best.lower_bound
    return bound is not None and (to_beat is None or bound > to_beat)


def values_of(experiment: Experiment, objectives: Sequence[str]) -> tuple[float, ...]:
    """An experiment's values where there are several objectives, more is better; else nothing."""
    if len(objectives) == 1 or experiment.status != "completed":
        return ()
    metrics, seconds = experiment.metrics, experiment.duration_seconds
    return upwards(objectives, [value_of(name, metrics, seconds) for name in objectives])


def _waits(experiment: Experiment) -> bool:
    return experiment.status == "pending"
