"""Command: predict-ratings. Measures how well models predict the stars of held-out ratings."""

from pathlib import Path

import click
from rich.console import Console

from reeltune.cli.command import Command, option
from reeltune.cli.console import print_json, result_console
from reeltune.cli.options import option_db, option_format, option_json, option_quiet
from reeltune.cli.tables import plain_table, print_table
from reeltune.db.connection import connection
from reeltune.db.dataset import load_dataset
from reeltune.ratings.splits import SPLITS
from reeltune.reports.cells import outside_text, seconds_cell
from reeltune.tasks.rating_prediction import (
    RatingPrediction,
    installed_models,
    measure_predictions,
)


@click.command(
    "predict-ratings",
    cls=Command,
    examples=("", "--model ridge --model two-tower", "--split calendar --json"),
)
@option(
    "Model",
    "--model",
    "models",
    multiple=True,
    metavar="NAME",
    help="Model to measure; may be repeated.",
)
@option(
    "Model",
    "--split",
    type=click.Choice(list(SPLITS)),
    default="user-time",
    show_default=True,
    metavar="NAME",
    help="What is held out.",
)
@option_db
@option_json
@option_format
@option_quiet
def predict_ratings(
    models: tuple[str, ...], split: str, db_path: Path, as_json: bool, quiet: bool
) -> None:
    """Measure the stars that models predict.

    Each is fitted with its defaults to the training set, and predicts the ratings of the validation
    set. Without --model, every one whose packages are installed.
    """
    wanted = list(models) or installed_models()
    with connection(db_path) as conn:
        data = load_dataset(conn)
    found = []
    for each in measure_predictions(data, [(name, None) for name in wanted], split):
        found.append(each)
        if not quiet and not as_json:
            click.echo(f"{each.model}: RMSE {each.errors.rmse:.4f}", err=True)
    if as_json:
        print_json([each.as_dict() for each in found])
    else:
        render_predictions(result_console(), found)


def render_predictions(console: Console, found: list[RatingPrediction]) -> None:
    """Print one line per model."""
    headings = (">RMSE", ">MAE", ">calibration error", ">slope", ">ratings", ">fit")
    table = plain_table("!model", *headings, drop=("ratings", "slope"))
    for each in found:
        errors = each.errors
        table.add_row(
            outside_text(console, each.model),
            f"{errors.rmse:.4f}",
            f"{errors.mae:.4f}",
            f"{errors.calibration_error:.4f}",
            f"{errors.slope:.3f}",
            f"{errors.n_ratings:,}",
            seconds_cell(each.seconds),
        )
    print_table(console, "Predicted stars of held-out ratings", table)
