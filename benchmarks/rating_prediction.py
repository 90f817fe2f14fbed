"""Errors of predicted stars: biased means, ridge, boosted trees, factorization, two towers.

    python -m benchmarks.rating_prediction --db movies.db [--part PART] [--model NAME]
                                            [--tune N] [--no-lists] [--json FILE]

Each model that is installed, or those named, with its defaults, or with `--tune N` with the best in
RMSE on validation of N configurations drawn at random beside them (seed 0). Beside RMSE, MAE and
calibration: the paired 95 % interval of the difference from biased means in squared error, over
users; and accuracy and NDCG@10 of the order by predicted stars. Take `--part test` once,
at the end.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np
from rich.console import Console
from rich.table import Table

from reeltune.db.connection import connection
from reeltune.db.dataset import load_dataset
from reeltune.domain.arrays import Floats
from reeltune.domain.evaluation import Part
from reeltune.domain.space import Configuration
from reeltune.metrics.evaluate import evaluate
from reeltune.metrics.rating_errors import RatingErrors, rating_errors
from reeltune.rating_models.registry import model_class
from reeltune.ratings.dataset import Dataset
from reeltune.ratings.shared_fits import SharedFits
from reeltune.ratings.splits import SPLITS
from reeltune.ratings.table import RatingTable
from reeltune.stats.paired_tests import paired_difference
from reeltune.tasks.rating_prediction import installed_models, measure_predictions

LISTS = ("accuracy", "ndcg@10")
OF_STARS = ("RMSE", "MAE", "calibration", "slope")


@dataclass(frozen=True)
class Quality:
    """Figures of one model; the difference is of the users' mean squared errors."""

    model: str
    hyperparameters: Configuration
    errors: RatingErrors
    lists: dict[str, float]
    difference: float
    low: float
    high: float


def tuned(data: Dataset, name: str, split: str, n: int) -> Configuration:
    """Return the configuration with the least RMSE on validation: the defaults, or one of n."""
    space, rng = model_class(name).space, np.random.default_rng(0)
    if n == 0:
        return space.defaults()
    points = rng.random((n, len(space.dimensions)))
    tried = [space.defaults(), *(space.decode(point) for point in points)]
    found = measure_predictions(data, [(name, each) for each in tried], split)
    errors = []
    for each in found:
        errors.append(each.errors.rmse)
        click.echo(f"  {name} {len(errors)}: {each.errors.rmse:.4f}", err=True)
    return tried[int(np.argmin(errors))]


def squared_errors(predicted: Floats, held_out: RatingTable) -> Floats:
    """Return each user's mean squared error, (U,), NaN for those without a rating."""
    squares = (predicted - held_out.ratings) ** 2
    n = np.bincount(held_out.users, minlength=held_out.n_users)
    total = np.bincount(held_out.users, squares, held_out.n_users)
    found: Floats = np.full(len(n), np.nan)
    return np.divide(total, n, out=found, where=n > 0)


def compare_all(
    data: Dataset, names: list[str], split: str, part: Part, n_tuned: int, *, with_lists: bool
) -> list[Quality]:
    """Measure every model, and compare it with the first."""
    parts = SPLITS[split](data.ratings)
    fitting, held_out = parts.fitting_for(part), parts.held_out_for(part)
    users, movies = held_out.users.astype(np.int64), held_out.movies.astype(np.int64)
    found: list[Quality] = []
    reference: Floats | None = None
    shared = SharedFits()
    for name in names:
        values = tuned(data, name, split, n_tuned)
        kind: Any = model_class(name)
        model = kind(values).fit(fitting, data.catalogue, shared=shared)
        predicted = model.predict(users, movies)
        of_users = squared_errors(predicted, held_out)
        reference = of_users if reference is None else reference
        paired = paired_difference(of_users, reference)
        lists: dict[str, float] = {}
        if with_lists:
            found_lists = evaluate(model.score, fitting, held_out, data.catalogue, metrics=LISTS)
            lists = dict(found_lists.values)
        errors = rating_errors(predicted, held_out.ratings)
        bounds = paired.difference, paired.low, paired.high
        found.append(Quality(name, values, errors, lists, *bounds))
        click.echo(f"{name}: {errors.rmse:.4f}", err=True)
    return found


def render(found: list[Quality]) -> None:
    """Print the table."""
    of_lists = [name for name in LISTS if found and name in found[0].lists]
    names = ("model", *OF_STARS, *of_lists, "squared error against the first")
    table = Table(*names, box=None)
    for each in found:
        e = each.errors
        figures = [f"{x:.4f}" for x in (e.rmse, e.mae, e.calibration_error, e.slope)]
        figures += [f"{each.lists[name]:.4f}" for name in of_lists]
        against = f"{each.difference:+.4f} ({each.low:+.4f} to {each.high:+.4f})"
        table.add_row(each.model, *figures, against)
    Console(width=120).print(table)


@click.command(help=(__doc__ or "").split("\n\n")[0])
@click.option("--db", "db_path", type=click.Path(path_type=Path), default="movies.db")
@click.option("--split", type=click.Choice(list(SPLITS)), default="user-time")
@click.option("--part", type=click.Choice(["validation", "test"]), default="validation")
@click.option("--model", "models", multiple=True)
@click.option("--tune", "n_tuned", type=click.IntRange(0), default=0)
@click.option("--lists/--no-lists", "with_lists", default=True)
@click.option("--json", "target", type=click.Path(path_type=Path), help="Write the figures.")
def main(
    db_path: Path,
    split: str,
    part: Part,
    models: tuple[str, ...],
    n_tuned: int,
    with_lists: bool,
    target: Path | None,
) -> None:
    """Compare the models on one data set."""
    with connection(db_path) as conn:
        data = load_dataset(conn)
    names = list(models) or installed_models()
    found = compare_all(data, names, split, part, n_tuned, with_lists=with_lists)
    render(found)
    if target is not None:
        target.write_text(json.dumps([asdict(each) for each in found], indent=1) + "\n")


if __name__ == "__main__":
    main()
