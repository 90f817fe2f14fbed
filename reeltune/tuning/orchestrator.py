"""Orchestrator of tuning runs: puts every candidate through the full retraining pipeline."""

import os
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from reeltune.db.connection import Connection, transaction
from reeltune.db.dead_runs import close_dead_runs
from reeltune.db.experiments import (
    last_completion_number,
)
from reeltune.db.tuning_runs import (
    load_run,
    save_run,
    set_run_process,
    set_run_status,
    start_run,
)
from reeltune.domain.clock import stamp
from reeltune.domain.errors import InputError
from reeltune.domain.experiment import FINISHED, Measurement, TuningRun
from reeltune.domain.limits import Limits
from reeltune.domain.objectives import SECONDS
from reeltune.domain.space import Configuration
from reeltune.domain.study import StudyConfig
from reeltune.executors import Batches, Executor, make_executor
from reeltune.tasks.guarded import guard_of
from reeltune.tasks.registry import described, subject_of, task_kind
from reeltune.tasks.task import Evaluator, Guard, Task, directions
from reeltune.tracking.progress import SilentWatcher, Watcher
from reeltune.tuning.fold_racing import FoldPruner, has_folds
from reeltune.tuning.grid_centre import with_centre
from reeltune.tuning.initial_design import InitialDesign, record_source
from reeltune.tuning.interrupts import stoppable
from reeltune.tuning.ledger import Ledger
from reeltune.tuning.loop import Loop
from reeltune.tuning.measuring import Measurer
from reeltune.tuning.plan import Plan
from reeltune.tuning.proposer import Proposer, check_method, check_way
from reeltune.tuning.pruning import Pruner
from reeltune.tuning.result import RunResult, run_result
from reeltune.tuning.resume import check_resumable, seconds_left, set_aside, take_back_previews
from reeltune.tuning.run_end import recorded_end
from reeltune.views.summary import Summary, summarise

TOLD_AGAIN_SECONDS = 0.25  # after time was up, where an evaluation may have missed it


class Orchestrator:
    """Orchestrator that puts every candidate of a run through the full retraining pipeline.

    Args:
        conn: the database; whoever calls holds its lock.
        task: what is tuned.
        study: for which objectives.
        jobs: cores to use; changes how long a run takes, and nothing else.
        timeout_seconds: an experiment that takes longer fails.
        watch: is told of each step.
    """

    def __init__(
        self,
        conn: Connection,
        task: Task,
        study: StudyConfig | None = None,
        *,
        jobs: int = 1,
        timeout_seconds: float | None = None,
        watch: Watcher | None = None,
    ) -> None:
        self.conn = conn
        self.task = task
        self.study = study or StudyConfig()
        self.jobs = jobs
        self.timeout_seconds = timeout_seconds
        self.watcher = watch or SilentWatcher()
        self.tuner = Proposer(conn, task, self.study)

    def test_configuration(self, hyperparameters: Configuration) -> Measurement:
        """Return what one configuration is worth on the validation part; nothing is recorded."""
        measurer = Measurer(self.task.evaluator(), self.study.objective)
        return measurer(self.tuner.space.checked(hyperparameters))

    def run_full_tuning(self, method: str = "bayesian", n_configs: int = 20) -> RunResult:
        """Try the deployed configuration and `n_configs` candidates.

        Candidates that were stored for this method are tried first and count; of a method that
        learns these are the first guesses.
        """
        plan = Plan(method=method, n_configs=n_configs, timeout_seconds=self.timeout_seconds)
        return self.run(plan)

    def run(self, plan: Plan) -> RunResult:
        """Try the deployed configuration, and candidates as `plan` says.

        Candidates that were stored for its method are tried first and count, unless the plan has
        a name, limits or a centre of its own. Of a method that learns these are the first guesses:
        what it had proposed without results is proposed anew, unless the plan says `as_stored`.
        """
        check_method(plan.method)
        _check_units(self.task, plan)
        check_way(
            self.study,
            plan.method,
            progressive=plan.grid.progressive,
            prunes=plan.pruner is not None,
        )
        self._check_measurable()
        plan = with_centre(self.tuner, plan)
        close_dead_runs(self.conn)
        planned = self._planned(plan)
        design = InitialDesign(
            self.tuner, self._started(plan, planned), self.tuner.get_current_hyperparameters()
        )
        with stoppable(), self.watcher:
            with transaction(self.conn):
                if planned is not None:
                    set_aside(self.tuner, design.run)
                    take_back_previews(self.conn, design.run)
                    start_run(self.conn, design.run)
                else:
                    save_run(self.conn, design.run)
                design.save(self.conn, with_candidates=planned is None)
                set_run_process(self.conn, design.run.tuning_run_id, os.getpid())
            return self._finish(design.run, plan.stop.timeout_seconds)

    def resume(self, run_id: str, more_seconds: float | None = None) -> RunResult:
        """Go on with a run that was interrupted, as if it had not been.

        Args:
            run_id: the run.
            more_seconds: work on it for so long; by default as long as its own time limit leaves.

        Raises:
            NotFoundError: there is no such run.
            InputError: it was never started, or data or code have changed since.
        """
        run = load_run(self.conn, run_id)
        check_resumable(self.tuner, run)
        close_dead_runs(self.conn)
        seconds = more_seconds or seconds_left(self.conn, run)
        with stoppable(), self.watcher:
            with transaction(self.conn):
                set_run_status(self.conn, run_id, "running")
                set_run_process(self.conn, run_id, os.getpid())
            return self._finish(run, seconds)

    def generate_tuning_summary(self, run_id: str | None = None) -> Summary:
        """Return what was tried and found: all runs, and one in detail (default: the latest)."""
        return summarise(self.conn, run_id=run_id, subject_of=subject_of)

    def _check_measurable(self) -> None:
        """Refuse a run of which every experiment would fail, for want of what is measured."""
        reason = self.task.unmeasurable(self.study.objective)
        if reason is not None:
            raise InputError(reason)

    def _planned(self, plan: Plan) -> TuningRun | None:
        """Return the run of the candidates that were stored for the plan, if there is one."""
        is_plain = plan.name is None and plan.around is None and plan.limits == Limits()
        return self.tuner.planned_run(plan.method) if is_plain else None

    def _started(self, plan: Plan, planned: TuningRun | None) -> TuningRun:
        """Return the run that begins now."""
        key = self.task.key(self.study.objective)
        return replace(
            planned or self.tuner.new_run(plan.method, plan.n_configs),
            started_at=stamp(),
            n_configs=plan.n_configs,
            settings=described(self.task)
            | plan.settings()
            | {
                "baseline": self.tuner.deployed().source,
                "further_objectives": list(self.study.further_objectives),
                "directions": list(directions(self.task, self.study.objectives)),
            },
            data_fingerprint=key.data_fingerprint,
            code_version=key.code_versions[0],
            history_cutoff=last_completion_number(self.conn),
            status="running",
        )

    def _finish(self, run: TuningRun, seconds: float | None) -> RunResult:
        """Try what is left to try of a run that has begun, for `seconds` at most."""
        began = time.perf_counter()
        plan = Plan.of(run)
        again = TOLD_AGAIN_SECONDS if task_kind(self.task.name).is_interruptible else 0.0
        with recorded_end(self.conn, run, seconds) as end, stoppable(seconds, again):
            ledger = Ledger(self.conn, run)
            self.watcher.started(run, run.n_configs + 1, ledger.count(*FINISHED))
            earlier = self.tuner.earlier_trials(run)
            evaluator = self.task.evaluator(n_units=plan.panel)
            guard = guard_of(self.task, self.study.objective, plan.panel)
            for each in (evaluator, guard):
                if each is not None:
                    each.prepare()  # here, once, for the workers to find it cached
            with self._executor(plan, evaluator, guard, run.seed, seconds) as executor:
                loop = Loop(ledger, plan, self.tuner, earlier, executor, self.watcher)
                end.status, end.stop = loop.run()
        self.watcher.ended(end.stop.message)
        if end.status == "completed":
            record_source(self.conn, self.task, run)
        found = Ledger(self.conn, run)  # as stored: time may have run out between two writes
        seconds_taken = time.perf_counter() - began
        return run_result(found, self.tuner.space, end.status, end.stop, seconds_taken)

    def _executor(
        self,
        plan: Plan,
        evaluator: Evaluator,
        guard: Guard | None,
        seed: int,
        seconds: float | None,
    ) -> Executor[Any, Any]:
        """Return batches in this process where the evaluator is made for them, else workers.

        Code of our own without limits needs no process of its own, uses as many cores by threads,
        and is faster with many configurations at a time. A batch does not say what each of it
        took, though.
        """
        here, objective = evaluator.on_threads(self.jobs), self.study.objective
        guard = None if guard is None else guard.on_threads(self.jobs)
        start: Callable[[], Measurer | Pruner] = partial(Measurer, here, objective, guard)
        if plan.pruner is not None:
            pruner = FoldPruner if plan.pruner == "paired" and has_folds(here) else Pruner
            start = partial(pruner, here, objective, seed, guard)
        has_limits = plan.timeout_seconds is not None or plan.memory_bytes is not None
        is_timed = SECONDS in self.study.objectives
        if evaluator.is_batched and not (has_limits or is_timed):
            return Batches[Any, Any](start().measure_many)
        return make_executor(
            self.jobs,
            start,
            timeout_seconds=plan.timeout_seconds,
            memory_bytes=plan.memory_bytes,
            is_stopped=seconds is not None and not task_kind(self.task.name).is_interruptible,
        )


def _check_units(task: Task, plan: Plan) -> None:
    """Refuse to measure some of the units where a task can only measure all.

    Raises:
        InputError: the plan asks for it.
    """
    asked = {"--pruner": plan.pruner, "--panel": plan.panel}
    named = [name for name, given in asked.items() if given is not None]
    if named and not task.has_units:
        raise InputError(
            f"{' and '.join(named)} measures some of the units first, and {task.model} cannot: "
            "declare its n_units, or leave that out"
        )


def study_of(run: TuningRun) -> StudyConfig:
    """Return the study that a stored run belongs to."""
    return StudyConfig(
        task=run.task,
        model=run.model,
        split=run.split,
        objective=run.objective,
        further_objectives=run.objectives[1:],
        seed=run.seed,
    )
