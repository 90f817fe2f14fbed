"""Command: import optuna. Reads a study of Optuna in, to go on from its trials."""

from pathlib import Path

import click

from reeltune.cli.command import Command, option
from reeltune.cli.options import argument, option_db
from reeltune.studies.optuna_studies import read_optuna_study


@click.command(
    "optuna",
    cls=Command,
    examples=("study.db", "study.db --study mine --name theirs", "sqlite:///study.db --db x.db"),
)
@argument("storage", "File of the study, or its address.", metavar="FILE|URL")
@option("Study", "--study", "study_name", metavar="NAME", help="Which, where there are several.")
@option("Study", "--name", metavar="NAME", help="Of it here.  [default: the same]")
@option_db
def optuna_command(storage: str, study_name: str | None, name: str | None, db_path: Path) -> None:
    """Read a study of Optuna with its trials.

    `reeltune.Study.load` goes on from them.
    """
    study = read_optuna_study(storage, study_name, db=db_path, name=name)
    click.echo(f"study {study.name} has {len(study.trials()):,} trials")
