"""Tuning session: hold the database, tune, promote the best if asked to, print."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import click

from reeltune.cli.command import option, options
from reeltune.cli.console import print_json, remark_console, result_console
from reeltune.cli.options import (
    RESOURCES,
    RESULT,
    option_db,
    option_json,
    option_notify,
    option_quiet,
    option_wait,
)
from reeltune.commands.command_log import logged
from reeltune.commands.remarks import print_remarks
from reeltune.commands.retraining_tables import render_retraining
from reeltune.db.connection import Connection, connection
from reeltune.db.tuning_runs import load_run
from reeltune.domain.errors import GateError, InputError
from reeltune.domain.experiment import Experiment
from reeltune.domain.study import StudyConfig
from reeltune.executors import physical_cores
from reeltune.reports.tuning_tables import render_found, render_next
from reeltune.storage.run_lock import run_lock
from reeltune.tasks.ratings import RatingsTask
from reeltune.tasks.registry import TaskKind, task_kind
from reeltune.tracking.progress import watcher
from reeltune.tracking.steps import steps_shown
from reeltune.tuning.orchestrator import Orchestrator, study_of
from reeltune.tuning.plan import Plan
from reeltune.tuning.result import RunResult
from reeltune.versioning.finalists import load_finalists
from reeltune.versioning.request import NOBODY, Retraining, RetrainingRequest
from reeltune.versioning.retraining import retrain_best


@dataclass(frozen=True, slots=True, kw_only=True)
class TuningSession:
    """Settings of a session, which change neither experiments nor their results."""

    db_path: Path
    jobs: int = 1
    wait: float = 0.0
    promotes: bool = False
    finalists: int = 1  # measured together on the test part
    accuracy_threshold: float | None = None  # of the gate; None: the hyperparameter's
    notify: str | None = None  # a user's command that gets the result
    as_json: bool = False
    quiet: bool = False

    output: Callable[[dict[str, Any]], None] = print_json  # takes a result as JSON

    @classmethod
    def from_click(cls, given: Mapping[str, Any]) -> "TuningSession":
        """Return the session that the values of `session_options` describe."""
        return cls(**{f.name: given[f.name] for f in fields(cls) if f.name in given})

    def run(self, study: StudyConfig, plan: Plan) -> None:
        """Do a new run, and print what it found."""
        create = not task_kind(study.task).needs_data
        with logged(self.db_path, "tune", self.notify) as record, self._connected(create) as conn:
            with run_lock(self.db_path, self.wait):
                orchestrator = self._orchestrator(conn, study)
                result = orchestrator.run(plan)
                promotion = self._promotion(orchestrator, result)
            record |= _as_dict(result, promotion)
            self._show(orchestrator, result, promotion)

    def resume(self, run_id: str, more_seconds: float | None = None) -> None:
        """Continue a run that was interrupted, and print what it found."""
        with logged(self.db_path, "tune", self.notify) as record, self._connected() as conn:
            with run_lock(self.db_path, self.wait):
                orchestrator = self._orchestrator(conn, study_of(load_run(conn, run_id)))
                result = orchestrator.resume(run_id, more_seconds)
                promotion = self._promotion(orchestrator, result)
            record |= _as_dict(result, promotion)
            self._show(orchestrator, result, promotion)

    def _connected(self, create: bool = False) -> AbstractContextManager[Connection]:
        return connection(self.db_path, create=create, wait_seconds=self.wait)

    def _orchestrator(self, conn: Connection, study: StudyConfig) -> Orchestrator:
        kind = self._kind(study)
        with self._steps_shown():
            task = kind.of(conn, study)
        if isinstance(task, RatingsTask):
            print_remarks(remark_console(quiet=self.quiet), task.data, study)
        watch = watcher(remark_console(), quiet=self.quiet or self.as_json)
        return Orchestrator(conn, task, study, jobs=self.jobs, watch=watch)

    def _kind(self, study: StudyConfig) -> TaskKind:
        """Return the kind of task that is tuned.

        Raises:
            InputError: it is to be promoted, and no model comes of it.
        """
        kind = task_kind(study.task)
        if self.promotes and not kind.deploys:
            raise InputError(
                f"--promote puts a model into production, and a {study.task} has none: leave it "
                "out, and take the best configuration from the result"
            )
        return kind

    def _steps_shown(self) -> AbstractContextManager[None]:
        return steps_shown(remark_console(), quiet=self.quiet or self.as_json)

    def _promotion(self, orchestrator: Orchestrator, result: RunResult) -> Retraining | None:
        """Retrain with the run's best finalist; None if not asked to or if none completed."""
        if not self.promotes:
            return None
        conn, study, task = orchestrator.conn, orchestrator.study, orchestrator.task
        assert isinstance(task, RatingsTask)  # the only one that is deployed as yet
        finalists = load_finalists(conn, result.tuning_run_id, study.objective, self.finalists)
        requests = [
            RetrainingRequest(
                study=study,
                hyperparameters=finalist.hyperparameters,
                experiment_id=finalist.experiment_id,
                reason=_reason(finalist, result),
                unattended=True,
                accuracy_threshold=self.accuracy_threshold,
            )
            for finalist in finalists
        ]
        with self._steps_shown():
            return retrain_best(conn, task.data, requests) if requests else None

    def _show(
        self, orchestrator: Orchestrator, result: RunResult, promotion: Retraining | None
    ) -> None:
        """Print what a run found; what failed or was refused ends with its own exit status."""
        if self.as_json:
            self.output(_as_dict(result, promotion))
        else:
            console = result_console()
            summary = orchestrator.generate_tuning_summary(result.tuning_run_id)
            render_found(console, summary)
            if promotion is not None:
                render_retraining(console, promotion)
            if promotion is None or promotion.verdict != NOBODY:
                render_next(console, summary)
        if result.status == "failed":
            raise InputError(f"run {result.tuning_run_id} failed: {result.stop_reason}")
        if promotion is not None and promotion.verdict == "refused":
            raise GateError(f"not promoted: {promotion.said}")
        if promotion is not None and promotion.verdict == NOBODY:
            raise InputError(f"not promoted: {promotion.said}")


def _as_dict(result: RunResult, promotion: Retraining | None) -> dict[str, Any]:
    return result.as_dict() | {"promotion": None if promotion is None else promotion.as_dict()}


def _reason(finalist: Experiment, result: RunResult) -> str:
    is_best = finalist.experiment_id == result.best_experiment_id
    kind = "best" if is_best else "finalist"
    return f"{kind} of run {result.tuning_run_id}"


session_options = options(
    option(
        RESOURCES,
        "--jobs",
        type=click.IntRange(1, 256),
        metavar="N",
        default=physical_cores,
        help="Cores to use, same results.  [default: all]",
    ),
    option_wait,
    option(
        RESULT,
        "--promote",
        "promotes",
        is_flag=True,
        help="Retrain with the best, gate, promote.",
    ),
    option(
        RESULT,
        "--finalists",
        type=click.IntRange(1, 10),
        default=1,
        show_default=True,
        metavar="N",
        help="Compare N on the test set.",
    ),
    option_notify("afterwards"),
    option_db,
    option_json,
    option_quiet,
)
"""The options of a session, for `TuningSession.from_click`."""
