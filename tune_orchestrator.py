"""Tuning runs: apply, retrain, record, for every candidate; resume; summary."""

from dataclasses import replace
from pathlib import Path

import click

from cli.console import print_json, remark_console, result_console
from cli.exits import Command
from cli.options import option_db, option_json, option_quiet, option_wait
from db.connection import Connection, connection
from db.dataset import load_dataset
from db.lock import run_lock
from db.tuning_runs import load_run
from domain.errors import GateError, InputError
from executors import physical_cores
from hyperparameter_tuner import DEFAULT_CONFIGS, Study
from reports.summary import summarise
from reports.tuning_tables import render_summary
from search import STRATEGIES
from tracking.progress import watcher
from training.options import option_study
from training.plan import Plan
from training.plan_options import option_plan
from training.result import RunResult
from training.retraining import Order, Retraining, retrain
from training.tables import render_retraining
from training.tuning import TuningOrchestrator, study_of

__all__ = ["RunResult", "TuningOrchestrator", "main"]


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
@option_plan
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
    plan: Plan,
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
                watch=watcher(remark_console(), quiet=quiet or as_json),
            )
            if resume:
                result = orchestrator.resume(resume, plan.stop.timeout_seconds)
            elif method:
                n_configs = configs or DEFAULT_CONFIGS[method]
                result = orchestrator.run(replace(plan, method=method, n_configs=n_configs))
            else:
                orchestrator.run_phase_2_tuning()
            deployed = deploy_best(orchestrator, result) if promotes else None
        _show(orchestrator, result, deployed, as_json)


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
