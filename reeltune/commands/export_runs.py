"""Command: export. Writes a run for other programs: a study of Optuna, a Parquet file."""

from pathlib import Path

import click

from reeltune.cli.command import Command, Group, option
from reeltune.cli.options import argument, option_db
from reeltune.db.connection import connection
from reeltune.db.experiments import load_experiments
from reeltune.db.tuning_runs import load_run
from reeltune.domain.errors import InputError
from reeltune.studies.optuna_studies import write_optuna_study
from reeltune.tasks.registry import subject_of
from reeltune.views.frames import run_columns, write_parquet

_run_argument = argument("run_id", "Id of the run, as `runs list` shows it.", metavar="RUN")


@click.group(
    cls=Group,
    examples=("optuna random_1", "optuna random_1 --out study.db", "parquet random_1"),
)
def export() -> None:
    """Write a run for other programs: Optuna, Parquet."""


@click.command("optuna", cls=Command, examples=("random_1", "random_1 --out s.db", "v_1 --db x.db"))
@_run_argument
@option(
    "Output",
    "--out",
    default="optuna.db",
    show_default=True,
    metavar="FILE",
    help="SQLite file, .log journal, or URL.",
)
@option_db
def optuna_command(run_id: str, out: str, db_path: Path) -> None:
    """Write a run as a study of Optuna, which optuna-dashboard opens."""
    with connection(db_path) as conn:
        run, experiments = load_run(conn, run_id), load_experiments(conn, run_id)
    space = subject_of(run).space
    if not space.hyperparameters:
        raise InputError(f"the space of run {run_id} is not known any more: its model is gone")
    n = write_optuna_study(run, experiments, space, out)
    click.echo(f"wrote {n:,} trials of study {run_id} to {out}")


@click.command("parquet", cls=Command, examples=("random_1", "random_1 --out r.parquet", "r_1"))
@_run_argument
@option(
    "Output",
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write it here.  [default: RUN.parquet]",
)
@option_db
def parquet_command(run_id: str, out: Path | None, db_path: Path) -> None:
    """Write the experiments of a run as a Parquet file."""
    with connection(db_path) as conn:
        columns = run_columns(conn, run_id)
    target = out or Path(f"{run_id}.parquet")
    write_parquet(columns, target)
    click.echo(f"wrote {len(columns['number']):,} experiments to {target}")


export.add_command(optuna_command)
export.add_command(parquet_command)
