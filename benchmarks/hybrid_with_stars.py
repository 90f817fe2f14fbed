"""Worth of each rating predictor as a component of the hybrid.

    python -m benchmarks.hybrid_with_stars --db movies.db --with ridge [--with NAME] [--json FILE]

The hybrid with its defaults, and with each of the named predictors as one more component: its
weights are then fitted as those of all others. Measured on the validation part; intervals are 95 %
confidence intervals of the paired difference from the hybrid as it is, over users.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import click

from reeltune.components.learned import LEARNED_COMPONENTS
from reeltune.components.rating_predictors import RATING_PREDICTORS
from reeltune.db.connection import connection
from reeltune.db.dataset import load_dataset
from reeltune.domain.evaluation import Evaluation
from reeltune.metrics.evaluate import evaluate
from reeltune.ratings.dataset import Dataset
from reeltune.ratings.splits import SPLITS
from reeltune.stats.paired_tests import paired_difference

METRICS = ("accuracy", "ndcg@10", "recall@20")


@dataclass(frozen=True)
class Worth:
    """Metrics of the hybrid with a component, and their paired differences from it without."""

    component: str
    values: dict[str, float]
    differences: dict[str, tuple[float, float, float]]  # difference, low, high


def measured(data: Dataset, split: str) -> Evaluation:
    """Fit the hybrid with the components that are registered now, and evaluate it."""
    # Here: the hybrid takes its components when it is imported.
    from reeltune.rating_models.hybrid import Hybrid

    parts = SPLITS[split](data.ratings)
    fitting, held_out = parts.fitting_for("validation"), parts.held_out_for("validation")
    model = Hybrid(Hybrid.space.defaults()).fit(fitting, data.catalogue)
    return evaluate(model.score, fitting, held_out, data.catalogue, metrics=METRICS)


@click.command(help=(__doc__ or "").split("\n\n")[0])
@click.option("--db", "db_path", type=click.Path(path_type=Path), default="movies.db")
@click.option("--split", type=click.Choice(list(SPLITS)), default="user-time")
@click.option("--with", "names", multiple=True, type=click.Choice(list(RATING_PREDICTORS)))
@click.option("--json", "target", type=click.Path(path_type=Path), help="Write the figures.")
def main(db_path: Path, split: str, names: tuple[str, ...], target: Path | None) -> None:
    """Measure the hybrid as it is, and in a process for each with one more component."""
    with connection(db_path) as conn:
        data = load_dataset(conn)
    plain = _in_a_process(data, split, None)
    found = [Worth("none", dict(plain.values), {})]
    for name in names:
        other = _in_a_process(data, split, name)
        paired = {m: paired_difference(other.per_unit[m], plain.per_unit[m]) for m in METRICS}
        bounds = {m: (each.difference, each.low, each.high) for m, each in paired.items()}
        found.append(Worth(name, dict(other.values), bounds))
    for each in found:
        click.echo(f"{each.component}: {asdict(each)}")
    if target is not None:
        target.write_text(json.dumps([asdict(each) for each in found], indent=1) + "\n")


def _in_a_process(data: Dataset, split: str, name: str | None) -> Evaluation:
    """Measure in a fork, in which one more component is registered before the hybrid is made."""
    from multiprocessing import get_context

    with get_context("fork").Pool(1) as pool:
        return pool.apply(_with_one_more, (data, split, name))


def _with_one_more(data: Dataset, split: str, name: str | None) -> Evaluation:
    if name is not None:
        LEARNED_COMPONENTS[name] = RATING_PREDICTORS[name]
    return measured(data, split)


if __name__ == "__main__":
    main()
