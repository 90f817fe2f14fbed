"""Command: versions monitor. Measures production, for cron: it has an exit status of its own."""

import sys
from pathlib import Path

import click

from reeltune.cli.command import Command
from reeltune.cli.console import print_json, result_console
from reeltune.cli.exits import EXIT_DEGRADED
from reeltune.cli.notify import notified_on_failure
from reeltune.cli.options import option_db, option_format, option_json, option_notify, option_quiet
from reeltune.db.columns import snapshot
from reeltune.db.connection import connection
from reeltune.db.versions import load_production
from reeltune.domain.errors import NotFoundError
from reeltune.domain.version import TrainingRun
from reeltune.ratings.catalogue import Catalogue
from reeltune.ratings.recommender import Recommender
from reeltune.ratings.table import RatingTable


@click.command("monitor", cls=Command, examples=("", "--json", "--notify 'cat >&2' --quiet"))
@option_notify("on failure")
@option_db
@option_json
@option_format
@option_quiet
def monitor_command(notify: str | None, db_path: Path, as_json: bool, quiet: bool) -> None:
    """Measure production on the newest ratings, to detect degradation.

    The exit status is 5 if it is worse than it was when it was promoted, beyond noise. --notify
    gets the result then, and if production cannot be measured.
    """
    from reeltune.db.dataset import load_dataset  # here: a rollback need not wait for what measures
    from reeltune.monitoring.monitor import measure_degradation, render_degradation

    with notified_on_failure("monitor", db_path, notify) as result:
        with connection(db_path) as conn, snapshot(conn):  # no user is erased halfway through
            production = load_production(conn)
            if production is None:
                raise NotFoundError("no version is in production: run `retrain_model.py` first")
            found = measure_degradation(conn, production, load_dataset(conn), fit_version)
        result |= found.as_dict()
        if as_json:
            print_json(found.as_dict())
        elif not quiet or found.health == "fallen":
            render_degradation(result_console(), found)
        if found.health == "fallen":
            click.echo(f"error: version {found.version} has degraded: {found.said}", err=True)
            sys.exit(EXIT_DEGRADED)


def fit_version(training: TrainingRun, ratings: RatingTable, catalogue: Catalogue) -> Recommender:
    """Fit a model with the configuration of `training` to `ratings`."""
    from reeltune.rating_models.registry import model_class

    return model_class(training.model)(training.hyperparameters).fit(ratings, catalogue)
