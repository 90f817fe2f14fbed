"""Tuning session: hold the database, tune, change or renew production if asked to, print."""

import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import click

from reeltune.cli.command import option, options
from reeltune.cli.console import print_json, remark_console, result_console
from reeltune.cli.options import (
    RESOURCES,
    RESULT,
    option_db,
    option_format,
    option_json,
    option_log_format,
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
from reeltune.monitoring.retuning import RetuneMode, RetuningDecision, decide_retuning
from reeltune.monitoring.retuning_facts import gather_retuning_facts
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


@dataclass
class _Opened:
    """Database that a session has opened."""

    conn: Connection
    record: dict[str, Any]  # what the command log gets as the result
    began: float  # seconds, of the session


@dataclass
class _Search:
    """Search of a session: what it is done with, and what it found."""

    orchestrator: Orchestrator
    began: float  # seconds, of the session
    retuning: RetuningDecision | None = None  # None: it searches whatever there is
    result: RunResult | None = None  # set by whoever searches


@dataclass(frozen=True, slots=True, kw_only=True)
class TuningSession:
    """Settings of a session, which change neither experiments nor their results."""

    db_path: Path
    jobs: int = 1
    wait: float = 0.0
    promotes: bool = False
    retune: RetuneMode = "always"  # when production is not only renewed but searched for
    finalists: int = 1  # measured together on the test part
    accuracy_threshold: float | None = None  # of the gate; None: the hyperparameter's
    notify: str | None = None  # a user's command that gets the result
    as_json: bool = False
    quiet: bool = False

    output: Callable[[dict[str, Any]], None] = print_json  # takes a result as JSON
    reported: Callable[[NightReport], None] | None = None  # of a night, that then shows the rest

    @classmethod
    def from_click(cls, given: Mapping[str, Any]) -> "TuningSession":
        """Return the session that the values of `session_options` describe."""
        return cls(**{f.name: given[f.name] for f in fields(cls) if f.name in given})

    def run(self, study: StudyConfig, plan: Plan, given: Collection[str] = ("model",)) -> None:
        """Do a new run, and print what it found.

        Without the model among the options that were `given`, it is of that in production.
        """
        create = not task_kind(study.task).needs_data
        with self._opened(create=create) as opened:
            study = following_production(opened.conn, study, given)
            with self._search(opened, study) as search:
                search.retuning = self._retuning(search.orchestrator)
                if search.retuning is None or search.retuning.searches:
                    search.result = search.orchestrator.run(plan)

    def resume(self, run_id: str, more_seconds: float | None = None) -> None:
        """Continue a run that was interrupted, and print what it found."""
        with self._opened() as opened:
            study = study_of(load_run(opened.conn, run_id))
            with self._search(opened, study) as search:
                search.result = search.orchestrator.resume(run_id, more_seconds)

    @contextmanager
    def _opened(self, *, create: bool = False) -> Iterator[_Opened]:
        """Open the database; record how the block ends, and send it to the user's command."""
        began = time.perf_counter()
        with (
            logged(self.db_path, "tune", self.notify) as record,
            connection(self.db_path, create=create, wait_seconds=self.wait) as conn,
        ):
            yield _Opened(conn, record, began)

    @contextmanager
    def _search(self, opened: _Opened, study: StudyConfig) -> Iterator[_Search]:
        """Hold the database for the search in the block; then change production, and print all."""
        with nullcontext() if self.reported else run_lock(self.db_path, self.wait):
            search = _Search(self._orchestrator(opened.conn, study), opened.began)
            with self._renewal_after_error(search):
                yield search
            result = search.result
            if result is None:
                opened.record |= self._renew_only(search)
                return
            night = self._night(search, result)
        report = self._report(search, night, _failure(result))
        opened.record |= _as_dict(result, night, report)
        self._show(search, result, night, report)

    @contextmanager
    def _renewal_after_error(self, search: _Search) -> Iterator[None]:
        """Renew production all the same where the search in the block ends with an error."""
        try:
            yield
        except (BusyError, InterruptedRunError):
            raise
        except Exception as error:
            if self.promotes:
                self._renew(search, failure=str(error))
            raise

    def _retuning(self, orchestrator: Orchestrator) -> RetuningDecision | None:
        """Decide whether to search; None where every run does."""
        if not self.promotes or self.retune == "always":
            return None
        with self._steps_shown():
            facts = gather_retuning_facts(
                orchestrator.conn, _data(orchestrator), orchestrator.study
            )
        return decide_retuning(self.retune, facts)

    def _renew_only(self, search: _Search) -> dict[str, Any]:
        """Renew without a search, and return what is recorded of it.

        Raises:
            GateError: the renewal was refused.
            InputError: nothing is in production.
        """
        night, recorded = self._renew(search)
        if night.renewal is None:
            raise InputError(
                "nothing is in production that could be renewed: run `retrain_model.py` first, or "
                "leave out --retune never"
            )
        if night.refused is not None:
            raise GateError(f"not promoted: {night.refused.said}")
        return recorded

    def _renew(self, search: _Search, failure: str | None = None) -> tuple[Night, dict[str, Any]]:
        """Renew production and print that; return the night, and what is recorded of it."""
        orchestrator = search.orchestrator
        with self._steps_shown():
            renewal = renew(orchestrator.conn, _data(orchestrator), orchestrator.study)
        night = Night(renewal=renewal)
        report = self._report(search, night, failure)
        if report is None or renewal is None:
            return night, {}
        recorded = night.as_dict() | {"night": report.as_dict()}
        if self.as_json:
            self.output(recorded)
        else:
            render_retraining(result_console(), renewal)
            print_night(report)
        return night, recorded

    def _orchestrator(self, conn: Connection, study: StudyConfig) -> Orchestrator:
        kind = self._kind(study)
        with self._steps_shown():
            task = kind.of(conn, study)
        if isinstance(task, RatingsTask):
            print_remarks(remark_console(quiet=self.quiet), task.data, study)
            study = suited(study, task.data)
        watch = watcher(remark_console(), quiet=self._is_silent)
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
        return steps_shown(remark_console(), quiet=self._is_silent)

    @property
    def _is_silent(self) -> bool:
        """True where no progress is shown."""
        return self.quiet or (self.as_json and self.reported is None)

    def _night(self, search: _Search, result: RunResult) -> Night:
        """Change production to the run's best finalist, or renew it; nothing if not asked to."""
        if not self.promotes:
            return Night()
        orchestrator = search.orchestrator
        conn, study = orchestrator.conn, orchestrator.study
        finalists = load_finalists(conn, result.tuning_run_id, self.finalists)
        is_first = load_production(conn) is None
        margins = load_run(conn, result.tuning_run_id).margins
        requests = [
            RetrainingRequest(
                study=study,
                hyperparameters=finalist.hyperparameters,
                experiment_id=finalist.experiment_id,
                reason=_reason(finalist, result, len(finalists), is_first=is_first),
                unattended=True,
                accuracy_threshold=self.accuracy_threshold,
                margins=margins,
            )
            for finalist in finalists
        ]
        with self._steps_shown():
            night = decide_night(conn, _data(orchestrator), study, requests)
        return replace(night, trade_off=result.trade_off)

    def _report(self, search: _Search, night: Night, failure: str | None) -> NightReport | None:
        if not self.promotes:
            return None
        orchestrator, seconds = search.orchestrator, time.perf_counter() - search.began
        report = report_night(
            orchestrator.conn, night, orchestrator.study, failure, seconds, search.retuning
        )
        if self.reported is not None:
            self.reported(report)
        return report

    def _show(
        self, search: _Search, result: RunResult, night: Night, report: NightReport | None
    ) -> None:
        """Print what a run found; what failed or was refused ends with its own exit status."""
        if self.as_json:
            self.output(_as_dict(result, night, report))
        else:
            console = result_console()
            summary = search.orchestrator.generate_tuning_summary(result.tuning_run_id)
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


night_options = options(
    option(
        RESOURCES,
        "--jobs",
        setting="search.jobs",
        type=click.IntRange(1, 256),
        metavar="N",
        default=physical_cores,
        help="Cores to use, same results.  [default: all]",
    ),
    option_wait,
    option(
        RESULT,
        "--finalists",
        setting="gate.finalists",
        type=click.IntRange(1, 10),
        default=1,
        show_default=True,
        metavar="N",
        help="Compare N on the test set.",
    ),
    option(
        RESULT,
        "--accuracy-threshold",
        setting="gate.accuracy_threshold",
        type=click.FloatRange(0, 1),
        metavar="X",
        help="Least test accuracy of what is new.",
    ),
    option_notify("afterwards"),
    option_db,
    option_log_format,
    option_json,
    option_quiet,
)
"""The options of a session that deploys, for `TuningSession.from_click`."""

session_options = options(
    option(
        RESULT,
        "--promote",
        "promotes",
        is_flag=True,
        help="Retrain with the best, gate, promote.",
    ),
    night_options,
    option_format,
)
"""The options of a session, for `TuningSession.from_click`."""
