"""Tuning runs: apply, retrain, record, for every candidate; resume; summary."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import FrameType
from typing import NoReturn

import click

from cli.console import print_json, remark_console, result_console
from cli.exits import Command
from cli.options import option_db, option_json, option_quiet, option_wait
from db.connection import Connection, connection, transaction
from db.dataset import load_dataset
from db.experiments import (
    delete_experiment,
    last_completion_number,
    load_experiments,
    release_running,
    save_experiment,
)
from db.lock import run_lock
from db.tuning_runs import load_run, save_run, set_run_status, start_run
from domain.clock import stamp
from domain.dataset import Dataset
from domain.errors import GateError, InputError, InterruptedRunError
from domain.experiment import BASELINE, Measurement, RunStatus, TuningRun
from domain.space import Configuration
from executors import make_executor, physical_cores
from hyperparameter_tuner import (
    DEFAULT_CONFIGS,
    HyperparameterTuner,
    Study,
    check_method,
    new_experiment,
)
from reports.summary import Summary, summarise
from reports.tuning_tables import render_summary
from search import STRATEGIES
from tracking.lineage import code_version
from tracking.progress import SilentWatcher, Watcher, watcher
from training.ledger import Ledger
from training.loop import IN_FLIGHT, Loop
from training.options import option_study
from training.result import RunResult, run_result
from training.retraining import Order, Retraining, retrain
from training.tables import render_retraining
from training.trainer import Trainer


class TuningOrchestrator:
    """Puts every candidate of a run through the full retraining pipeline.

    Args:
        conn: the database; whoever calls holds its lock.
        data: what is trained on.
        study: what is tuned.
        jobs: experiments at once; changes how long a run takes, and nothing else.
        timeout_seconds: an experiment that takes longer fails.
        watch: is told of each step.
    """

    def __init__(
        self,
        conn: Connection,
        data: Dataset,
        study: Study | None = None,
        *,
        jobs: int = 1,
        timeout_seconds: float | None = None,
        watch: Watcher | None = None,
    ) -> None:
        self.conn = conn
        self.data = data
        self.study = study or Study()
        self.jobs = jobs
        self.timeout_seconds = timeout_seconds
        self.watch = watch or SilentWatcher()
        self.tuner = HyperparameterTuner(conn, data, self.study)
        self.trainer = Trainer.of(data, self.study)

    def test_configuration(self, hyperparameters: Configuration) -> Measurement:
        """What one configuration is worth on the validation part; nothing is recorded."""
        return self.trainer(self.tuner.space.checked(hyperparameters))

    def run_full_tuning(self, method: str = "bayesian", n_configs: int = 20) -> RunResult:
        """Try the deployed configuration and `n_configs` candidates.

        Candidates that were stored for this method are tried first and count.
        """
        check_method(method)
        run = self.tuner.planned_run(method)
        stored = run is not None
        run = replace(
            run or self.tuner.new_run(method, n_configs),
            started_at=stamp(),
            n_configs=n_configs,
            settings={"in_flight": IN_FLIGHT, "timeout_seconds": self.timeout_seconds},
            data_fingerprint=self.data.fingerprint,
            code_version=code_version(),
            history_cutoff=last_completion_number(self.conn),
            status="running",
        )
        baseline = new_experiment(
            run, BASELINE, self.tuner.get_current_hyperparameters(), "baseline"
        )
        with transaction(self.conn):
            if stored:
                self._set_aside(run)
                start_run(self.conn, run)
            else:
                save_run(self.conn, run)
            save_experiment(self.conn, baseline)
        return self._drive(run)

    def resume(self, run_id: str) -> RunResult:
        """Go on with a run that was interrupted, as if it had not been.

        Raises:
            NotFoundError: there is no such run.
            InputError: it was never started, or data or code have changed since.
        """
        run = load_run(self.conn, run_id)
        self._check_resumable(run)
        with transaction(self.conn):
            release_running(self.conn, run_id)
            set_run_status(self.conn, run_id, "running")
        return self._drive(run)

    def run_phase_2_tuning(self) -> NoReturn:
        """Tune the hyperparameters of phase 2.

        Raises:
            InputError: always, as long as the model has none.
        """
        raise InputError(
            f"{self.study.model} has no phase 2 hyperparameters to tune yet: all "
            f"{len(self.tuner.space.hyperparameters)} belong to phase 1, which --method tunes"
        )

    def generate_tuning_summary(self, run_id: str | None = None) -> Summary:
        """What was tried and found, of all runs and of one in detail (default: the latest)."""
        return summarise(self.conn, run_id=run_id, space=self.tuner.space)

    def _set_aside(self, run: TuningRun) -> None:
        """Keep stored candidates beyond what this run asks for in a planned run of their own."""
        stored = load_experiments(self.conn, run.tuning_run_id)
        extra = [e for e in stored if e.number > run.n_configs]
        if not extra:
            return
        later = replace(
            self.tuner.new_run(run.method, len(extra)),
            tuning_run_id=f"{run.tuning_run_id}_rest",
            seed=run.seed,
        )
        save_run(self.conn, later)
        for place, old in enumerate(extra, 1):
            delete_experiment(self.conn, old.experiment_id)
            moved = new_experiment(later, place, old.hyperparameters, old.exploration_phase)
            save_experiment(self.conn, moved)

    def _check_resumable(self, run: TuningRun) -> None:
        if run.status == "planned":
            raise InputError(
                f"run {run.tuning_run_id} was never started: start it with "
                f"`tune_orchestrator.py --method {run.method}`"
            )
        changed = [
            what
            for what, then, now in (
                ("the data", run.data_fingerprint, self.data.fingerprint),
                ("the program", run.code_version, code_version()),
                ("the model's space", run.space_fingerprint, self.tuner.space.fingerprint),
            )
            if then != now
        ]
        if changed:
            raise InputError(
                f"{' and '.join(changed)} changed since run {run.tuning_run_id} began, so its "
                "results cannot be compared with new ones: start a new run"
            )

    def _drive(self, run: TuningRun) -> RunResult:
        """Try what is left to try, and record how the run ended."""
        began = time.perf_counter()
        ledger = Ledger(self.conn, run)
        status: RunStatus = "interrupted"
        reason = "stopped by an error"
        try:
            with _stoppable(), self.watch:
                self.watch.started(run, run.n_configs + 1, ledger.count("completed", "failed"))
                status, reason = self._loop(run, ledger)
        except KeyboardInterrupt:
            reason = "interrupted"
            raise InterruptedRunError(
                f"run {run.tuning_run_id} is interrupted after {ledger.count('completed')} of "
                f"{run.n_configs + 1} experiments; go on with: "
                f"python tune_orchestrator.py --resume {run.tuning_run_id}"
            ) from None
        finally:
            self._close(run, status, reason)
        self.watch.ended(reason)
        return run_result(ledger, status, reason, time.perf_counter() - began)

    def _loop(self, run: TuningRun, ledger: Ledger) -> tuple[RunStatus, str]:
        start = partial(_same, self.trainer)
        earlier = self.tuner.earlier_trials(run.history_cutoff or 0)
        with make_executor(self.jobs, start, timeout_seconds=self.timeout_seconds) as executor:
            return Loop(ledger, self.tuner, earlier, executor, self.watch).run()

    def _close(self, run: TuningRun, status: RunStatus, reason: str) -> None:
        with transaction(self.conn):
            release_running(self.conn, run.tuning_run_id)
            set_run_status(
                self.conn, run.tuning_run_id, status, finished_at=stamp(), stop_reason=reason
            )


def _same(trainer: Trainer) -> Trainer:
    """What a worker does: the trainer, called with each configuration."""
    return trainer


@contextmanager
def _stoppable() -> Iterator[None]:
    """Within the block SIGTERM ends a run as Ctrl-C does."""

    def stop(_signal: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@click.command(cls=Command, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--method", type=click.Choice(list(STRATEGIES)), help="Tune, proposing this way.")
@click.option(
    "--configs",
    type=click.IntRange(1, 100_000),
    metavar="N",
    help="How many candidates to try.  [default: grid 63, random 50, bayesian 20]",
)
@click.option(
    "--jobs",
    type=click.IntRange(1, 256),
    metavar="N",
    default=physical_cores,
    help="Experiments at once; changes nothing but the time.  [default: the machine's cores]",
)
@click.option(
    "--timeout-per-experiment",
    "timeout_seconds",
    metavar="SECONDS",
    type=click.FloatRange(0, min_open=True),
    help="An experiment that takes longer fails.",
)
@click.option("--resume", metavar="RUN", help="Go on with an interrupted run.")
@click.option(
    "--promote",
    "promotes",
    is_flag=True,
    help="Then retrain with the best, gate, and put it into production.",
)
@click.option("--summary", is_flag=True, help="Show what was tried and found.")
@click.option("--run", "run_id", metavar="RUN", help="With --summary: that run in detail.")
@click.option("--phase2", is_flag=True, help="Tune the hyperparameters of phase 2.")
@option_study
@option_wait
@option_db
@option_json
@option_quiet
def main(
    method: str | None,
    configs: int | None,
    jobs: int,
    timeout_seconds: float | None,
    resume: str | None,
    promotes: bool,
    summary: bool,
    run_id: str | None,
    phase2: bool,
    study: Study,
    wait: float,
    db_path: Path,
    as_json: bool,
    quiet: bool,
) -> None:
    """Try configurations, each by a full retraining, and say which is best."""
    if sum([bool(method), bool(resume), summary, phase2]) != 1:
        raise click.UsageError("give one of --method, --resume, --summary and --phase2")
    with connection(db_path) as conn:
        if summary:
            _show_summary(conn, study, run_id, as_json)
            return
        with run_lock(db_path, wait):
            orchestrator = TuningOrchestrator(
                conn,
                load_dataset(conn),
                study_of(load_run(conn, resume)) if resume else study,
                jobs=jobs,
                timeout_seconds=timeout_seconds,
                watch=watcher(remark_console(), quiet=quiet or as_json),
            )
            if resume:
                result = orchestrator.resume(resume)
            elif method:
                result = orchestrator.run_full_tuning(method, configs or DEFAULT_CONFIGS[method])
            else:
                orchestrator.run_phase_2_tuning()
            deployed = deploy_best(orchestrator, result) if promotes else None
        _show(orchestrator, result, deployed, as_json)


def study_of(run: TuningRun) -> Study:
    """The study that a stored run belongs to."""
    return Study(model=run.model, split=run.split, objective=run.objective, seed=run.seed)


def deploy_best(orchestrator: TuningOrchestrator, result: RunResult) -> Retraining | None:
    """Retrain with the run's best configuration and let the gate decide; None if none completed."""
    if result.best_hyperparameters is None:
        return None
    return retrain(
        orchestrator.conn,
        orchestrator.data,
        Order(
            study=orchestrator.study,
            hyperparameters=result.best_hyperparameters,
            experiment_id=result.best_experiment_id,
            reason=f"best of run {result.tuning_run_id}",
        ),
    )


def _show_summary(conn: Connection, study: Study, run_id: str | None, as_json: bool) -> None:
    summary = summarise(conn, run_id=run_id, space=study.space)
    if as_json:
        print_json(summary.as_dict())
    else:
        render_summary(result_console(), summary)


def _show(
    orchestrator: TuningOrchestrator,
    result: RunResult,
    deployed: Retraining | None,
    as_json: bool,
) -> None:
    """Print what a run came to; what failed or was refused ends with its own exit code."""
    if as_json:
        promotion = None if deployed is None else deployed.as_dict()
        print_json(result.as_dict() | {"promotion": promotion})
    else:
        console = result_console()
        render_summary(console, orchestrator.generate_tuning_summary(result.tuning_run_id))
        if deployed is not None:
            render_retraining(console, deployed)
    if result.status == "failed":
        raise InputError(f"run {result.tuning_run_id} failed: {result.stop_reason}")
    if deployed is not None and deployed.verdict == "refused":
        raise GateError(f"not promoted: {deployed.said}")


if __name__ == "__main__":
    main()
