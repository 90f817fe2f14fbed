"""One sitting at a tuning run: hold the database, run, deploy the best if asked to, print."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any

import click

from reeltune.cli.console import print_json, remark_console, result_console
from reeltune.cli.notify import option_notify
from reeltune.cli.options import option_db, option_json, option_quiet, option_wait
from reeltune.commands.command_log import reported
from reeltune.commands.remarks import print_remarks
from reeltune.commands.retraining_tables import render_retraining
from reeltune.db.connection import connection
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
from reeltune.versioning.request import NOBODY, Order, Retraining
from reeltune.versioning.retraining import retrain_best

Work = Callable[[Orchestrator], RunResult]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sitting:
    """How one is run and shown: what changes neither its experiments nor their results."""

    db_path: Path
    jobs: int = 1
    wait: float = 0.0
    promotes: bool = False
    finalists: int = 1  # looked at together on the test part
    accuracy_threshold: float | None = None  # of the gate; None: the hyperparameter's
    notify: str | None = None  # a command of the user's that is told how it ended
    as_json: bool = False
    quiet: bool = False

    tell: Callable[[dict[str, Any]], None] = print_json  # what is done with a result as JSON

    def tune(self, study: StudyConfig, plan: Plan) -> None:
        """A new run."""
        self._hold(lambda _run: study, None, lambda orchestrator: orchestrator.run(plan))

    def resume(self, run_id: str, more_seconds: float | None = None) -> None:
        """A run that was interrupted, gone on with."""
        self._hold(study_of, run_id, lambda orchestrator: orchestrator.resume(run_id, more_seconds))

    def _hold(self, study: Callable[[Any], StudyConfig], run_id: str | None, work: Work) -> None:
        with (
            reported(self.db_path, "tune", self.notify) as told,
            connection(
                self.db_path, create=self._creates(study, run_id), wait_seconds=self.wait
            ) as conn,
        ):
            with run_lock(self.db_path, self.wait):
                config = study(None if run_id is None else load_run(conn, run_id))
                kind = self._kind(config)
                with self._steps_shown():
                    task = kind.of(conn, config)
                if isinstance(task, RatingsTask):
                    print_remarks(remark_console(quiet=self.quiet), task.data, config)
                orchestrator = Orchestrator(
                    conn,
                    task,
                    config,
                    jobs=self.jobs,
                    watch=watcher(remark_console(), quiet=self.quiet or self.as_json),
                )
                result = work(orchestrator)
                with self._steps_shown():
                    deployed = self._deploy(orchestrator, result) if self.promotes else None
            promotion = None if deployed is None else deployed.as_dict()
            told |= result.as_dict() | {"promotion": promotion}
            self._show(orchestrator, result, deployed)

    def _creates(self, study: Callable[[Any], StudyConfig], run_id: str | None) -> bool:
        """True where the database is made if it is missing: a new run that needs no data in it."""
        return run_id is None and not task_kind(study(None).task).needs_data

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

    def _deploy(self, orchestrator: Orchestrator, result: RunResult) -> Retraining | None:
        """Retrain with the run's best finalist, if the gate lets it; None if none completed."""
        conn, study = orchestrator.conn, orchestrator.study
        finalists = load_finalists(conn, result.tuning_run_id, study.objective, self.finalists)
        orders = [
            Order(
                study=study,
                hyperparameters=finalist.hyperparameters,
                experiment_id=finalist.experiment_id,
                reason=_reason(finalist, result),
                unattended=True,
                accuracy_threshold=self.accuracy_threshold,
            )
            for finalist in finalists
        ]
        task = orchestrator.task
        assert isinstance(task, RatingsTask)  # the only one that is deployed as yet
        return retrain_best(conn, task.data, orders) if orders else None

    def _show(
        self, orchestrator: Orchestrator, result: RunResult, deployed: Retraining | None
    ) -> None:
        """Print what a run came to; what failed or was refused ends with its own exit code."""
        if self.as_json:
            promotion = None if deployed is None else deployed.as_dict()
            self.tell(result.as_dict() | {"promotion": promotion})
        else:
            console = result_console()
            summary = orchestrator.generate_tuning_summary(result.tuning_run_id)
            render_found(console, summary)
            if deployed is not None:
                render_retraining(console, deployed)
            if deployed is None or deployed.verdict != NOBODY:
                render_next(console, summary)
        if result.status == "failed":
            raise InputError(f"run {result.tuning_run_id} failed: {result.stop_reason}")
        if deployed is not None and deployed.verdict == "refused":
            raise GateError(f"not promoted: {deployed.said}")
        if deployed is not None and deployed.verdict == NOBODY:
            raise InputError(f"not promoted: {deployed.said}")


def _reason(finalist: Experiment, result: RunResult) -> str:
    is_best = finalist.experiment_id == result.best_experiment_id
    kind = "best" if is_best else "finalist"
    return f"{kind} of run {result.tuning_run_id}"


def option_sitting(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add what says how a run is held and shown; handed on as one `sitting`."""

    @wraps(function)
    def with_sitting(
        *args: Any,
        db_path: Path,
        jobs: int,
        wait: float,
        promotes: bool,
        finalists: int,
        notify: str | None,
        as_json: bool,
        quiet: bool,
        **rest: Any,
    ) -> Any:
        sitting = Sitting(
            db_path=db_path,
            jobs=jobs,
            wait=wait,
            promotes=promotes,
            finalists=finalists,
            notify=notify,
            as_json=as_json,
            quiet=quiet,
        )
        return function(*args, sitting=sitting, **rest)

    decorated: Callable[..., Any] = with_sitting
    for option in (
        option_quiet,
        option_json,
        option_db,
        option_wait,
        option_notify("afterwards"),
        _FINALISTS,
        _PROMOTE,
        _JOBS,
    ):
        decorated = option(decorated)
    return decorated


_JOBS = click.option(
    "--jobs",
    type=click.IntRange(1, 256),
    metavar="N",
    default=physical_cores,
    help="Cores to use; changes nothing but the time.  [default: the machine's cores]",
)
_FINALISTS = click.option(
    "--finalists",
    type=click.IntRange(1, 10),
    default=1,
    show_default=True,
    metavar="N",
    help="With --promote: take so many to the test part, and judge the one that gains most there.",
)
_PROMOTE = click.option(
    "--promote",
    "promotes",
    is_flag=True,
    help="Then retrain with the best, gate, and put it into production.",
)
