"""Tuning session: hold the database, tune, change or renew production if asked to, print."""

import time
from collections.abc import Callable, Collection, Mapping
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
from reeltune.commands.study_options import following_production
from reeltune.db.connection import Connection, connection
from reeltune.db.tuning_runs import load_run
from reeltune.db.versions import load_production
from reeltune.domain.errors import BusyError, GateError, InputError, InterruptedRunError
from reeltune.domain.experiment import Experiment
from reeltune.domain.study import StudyConfig
from reeltune.executors import physical_cores
from reeltune.ratings.dataset import Dataset
from reeltune.reports.cells import outside_text
from reeltune.reports.tuning_tables import render_found, render_next
from reeltune.storage.run_lock import run_lock
from reeltune.tasks.ratings import RatingsTask, suited
from reeltune.tasks.registry import TaskKind, task_kind
from reeltune.tracking.progress import watcher
from reeltune.tracking.steps import steps_shown
from reeltune.tuning.orchestrator import Orchestrator, study_of
from reeltune.tuning.plan import Plan
from reeltune.tuning.result import RunResult
from reeltune.versioning.finalists import load_finalists
from reeltune.versioning.night import Night, NightReport, decide_night, renew, report_night
from reeltune.versioning.request import NOBODY, RetrainingRequest

Search = Callable[[Orchestrator], RunResult]


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

    def run(self, study: StudyConfig, plan: Plan, given: Collection[str] = ("model",)) -> None:
        """Do a new run, and print what it found.

        Without the model among the options that were `given`, it is of that in production.
        """
        self._do(
            lambda conn: following_production(conn, study, given),
            lambda orchestrator: orchestrator.run(plan),
            create=not task_kind(study.task).needs_data,
        )

    def resume(self, run_id: str, more_seconds: float | None = None) -> None:
        """Continue a run that was interrupted, and print what it found."""
        self._do(
            lambda conn: study_of(load_run(conn, run_id)),
            lambda orchestrator: orchestrator.resume(run_id, more_seconds),
        )

    def _do(
        self,
        study: Callable[[Connection], StudyConfig],
        search: Search,
        *,
        create: bool = False,
    ) -> None:
        began = time.perf_counter()
        with logged(self.db_path, "tune", self.notify) as record, self._connected(create) as conn:
            with run_lock(self.db_path, self.wait):
                orchestrator = self._orchestrator(conn, study(conn))
                result = self._searched(orchestrator, search, began)
                night = self._night(orchestrator, result)
            report = self._report(orchestrator, night, _failure(result), began)
            record |= _as_dict(result, night, report)
            self._show(orchestrator, result, night, report)

    def _searched(
        self,
        orchestrator: Orchestrator,
        search: Search,
        began: float,
    ) -> RunResult:
        """Search; where that ends with an error, renew production all the same, and raise it."""
        try:
            return search(orchestrator)
        except (BusyError, InterruptedRunError):
            raise
        except Exception as error:
            if self.promotes:
                self._renew_after(orchestrator, error, began)
            raise

    def _renew_after(self, orchestrator: Orchestrator, error: Exception, began: float) -> None:
        conn, study = orchestrator.conn, orchestrator.study
        with self._steps_shown():
            night = Night(renewal=renew(conn, _data(orchestrator), study))
        report = self._report(orchestrator, night, str(error), began)
        if report is not None and night.renewal is not None:
            if self.as_json:
                self.output(night.as_dict() | {"night": report.as_dict()})
            else:
                render_retraining(result_console(), night.renewal)
                print_night(report)

    def _connected(self, create: bool = False) -> AbstractContextManager[Connection]:
        return connection(self.db_path, create=create, wait_seconds=self.wait)

    def _orchestrator(self, conn: Connection, study: StudyConfig) -> Orchestrator:
        kind = self._kind(study)
        with self._steps_shown():
            task = kind.of(conn, study)
        if isinstance(task, RatingsTask):
            print_remarks(remark_console(quiet=self.quiet), task.data, study)
            study = suited(study, task.data)
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

    def _night(self, orchestrator: Orchestrator, result: RunResult) -> Night:
        """Change production to the run's best finalist, or renew it; nothing if not asked to."""
        if not self.promotes:
            return Night()
        conn, study = orchestrator.conn, orchestrator.study
        finalists = load_finalists(conn, result.tuning_run_id, study.objective, self.finalists)
        is_first = load_production(conn) is None
        requests = [
            RetrainingRequest(
                study=study,
                hyperparameters=finalist.hyperparameters,
                experiment_id=finalist.experiment_id,
                reason=_reason(finalist, result, len(finalists), is_first=is_first),
                unattended=True,
                accuracy_threshold=self.accuracy_threshold,
            )
            for finalist in finalists
        ]
        with self._steps_shown():
            return decide_night(conn, _data(orchestrator), study, requests)

    def _report(
        self, orchestrator: Orchestrator, night: Night, failure: str | None, began: float
    ) -> NightReport | None:
        if not self.promotes:
            return None
        seconds = time.perf_counter() - began
        return report_night(orchestrator.conn, night, orchestrator.study, failure, seconds)

    def _show(
        self,
        orchestrator: Orchestrator,
        result: RunResult,
        night: Night,
        report: NightReport | None,
    ) -> None:
        """Print what a run found; what failed or was refused ends with its own exit status."""
        if self.as_json:
            self.output(_as_dict(result, night, report))
        else:
            console = result_console()
            summary = orchestrator.generate_tuning_summary(result.tuning_run_id)
            render_found(console, summary)
            for each in night.decisions:
                render_retraining(console, each)
            if all(each.verdict != NOBODY for each in night.decisions):
                render_next(console, summary)
            if report is not None:
                print_night(report)
        _check_ended_well(result, night)


def print_night(report: NightReport) -> None:
    """Print the report of a night on one line."""
    console = result_console()
    console.print(outside_text(console, report.line), soft_wrap=True)


def _data(orchestrator: Orchestrator) -> Dataset:
    task = orchestrator.task
    assert isinstance(task, RatingsTask)  # the only one that is deployed as yet
    return task.data


def _failure(result: RunResult) -> str | None:
    return result.stop_reason if result.status == "failed" else None


def _check_ended_well(result: RunResult, night: Night) -> None:
    """Raise what ends a night with another exit status than 0.

    Raises:
        GateError: the gate refused, and production was not renewed.
        InputError: the search failed, or nobody could be measured.
    """
    if result.status == "failed":
        raise InputError(f"run {result.tuning_run_id} failed: {result.stop_reason}")
    if night.refused is not None:
        raise GateError(f"not promoted: {night.refused.said}")
    deciding = night.deciding
    if deciding is not None and deciding.verdict == NOBODY:
        raise InputError(f"not promoted: {deciding.said}")


def _as_dict(result: RunResult, night: Night, report: NightReport | None) -> dict[str, Any]:
    about = {"night": None if report is None else report.as_dict()}
    return result.as_dict() | night.as_dict() | about


def _reason(finalist: Experiment, result: RunResult, n_finalists: int, *, is_first: bool) -> str:
    """Return why it is this experiment of the run that is retrained."""
    name, run_id, best = finalist.experiment_id, result.tuning_run_id, result.best_experiment_id
    if n_finalists > 1:
        return f"{name}: of {n_finalists} finalists of run {run_id} the best on the test set"
    if name == best:
        return f"{name}: the best of run {run_id}"
    if is_first:
        return f"{name}: the best of run {run_id}; no guardrail is asked of a first version"
    return (
        f"{name}: the best of run {run_id} that loses no guarded metric on the validation set, "
        f"which the first of the table, {best}, does"
    )


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
