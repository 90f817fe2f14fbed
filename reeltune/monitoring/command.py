"""Command for cron that measures production and exits with a status of its own."""

import sys
from pathlib import Path

import click

from reeltune.cli.console import print_json, result_console
from reeltune.cli.exits import EXIT_FALLEN, Command
from reeltune.cli.notify import alarmed, option_notify
from reeltune.cli.options import option_db, option_json, option_quiet
from reeltune.db.connection import connection
from reeltune.db.versions import load_production
from reeltune.domain.errors import NotFoundError
from reeltune.domain.version import TrainingRun
from reeltune.ratings.catalogue import Catalogue
from reeltune.ratings.recommender import Recommender
from reeltune.ratings.table import RatingTable


@click.command("monitor", cls=Command)
@option_notify("if it has degraded or cannot be measured")
@option_db
@option_json
@option_quiet
def monitor_command(notify: str | None, db_path: Path, as_json: bool, quiet: bool) -> None:
    """Measure production on the newest ratings; exit with status 5 if it has degraded."""
    from reeltune.db.dataset import load_dataset  # here: a rollback need not wait for what measures
    from reeltune.monitoring.monitor import measure_degradation, render_degradation

    with alarmed("monitor", db_path, notify) as told:
        with connection(db_path) as conn:
            production = load_production(conn)
            if production is None:
                raise NotFoundError("no version is in production: run `retrain_model.py` first")
            found = measure_degradation(conn, production, load_dataset(conn), fit_version)
        told |= found.as_dict()
        if as_json:
            print_json(found.as_dict())
        elif not quiet or found.health == "fallen":
            render_degradation(result_console(), found)
        if found.health == "fallen":
            click.echo(f"error: version {found.version} has degraded: {found.said}", err=True)
            sys.exit(EXIT_FALLEN)


def fit_version(training: TrainingRun, ratings: RatingTable, catalogue: Catalogue) -> Recommender:
    """Fit a model with the configuration of `training` to `ratings`."""
    from reeltune.rating_models.registry import model_class

    return model_class(training.model)(training.hyperparameters).fit(ratings, catalogue)
