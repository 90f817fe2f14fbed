"""Quality of the recommenders on the same split, by the same metrics, compared user by user.

    python -m benchmarks.quality --db movies.db [--split SPLIT] [--part validation] [--json FILE]

Hand-set weights with their defaults, popularity, EASE with the ridge that is best on validation,
the hybrid with its defaults, with one stage for all places, of content and popularity alone, and
without each of its components. Intervals are 95 % confidence
intervals of the paired difference from EASE in NDCG@10. Take `--part test` once, at the end.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import click
import numpy as np
from rich.console import Console
from rich.table import Table

from reeltune.components.ease import EASE_RIDGE, Ease
from reeltune.components.learned import LEARNED_COMPONENTS, SWITCHES
from reeltune.components.learned_component import History, LearnedComponent
from reeltune.db.connection import connection
from reeltune.db.dataset import load_dataset
from reeltune.domain.arrays import Floats, Ints
from reeltune.domain.evaluation import Evaluation, Part
from reeltune.metrics.evaluate import evaluate
from reeltune.rating_models.hand_weighted import HandWeighted
from reeltune.rating_models.hybrid import LIST_PLACES, Hybrid
from reeltune.ratings.dataset import Dataset
from reeltune.ratings.splits import SPLITS, Split
from reeltune.stats.paired_tests import paired_difference

RIDGES = (20.0, 50.0, 100.0, 140.0, 200.0, 300.0, 500.0, 1_000.0, 2_000.0)
COLLABORATIVE = ("ease", "ease_liked", "sequence")
METRICS = ("accuracy", "ndcg@10", "recall@20", "coverage@10")

Score = Callable[[Ints], Floats]


@dataclass(frozen=True)
class Quality:
    """Metrics of one recommender, and its paired difference from EASE in NDCG@10."""

    model: str
    values: dict[str, float]
    difference: float
    low: float
    high: float


class Without(Hybrid):
    """Hybrid without some of its components."""

    left_out: frozenset[str] = frozenset()

    @classmethod
    def kinds(cls) -> dict[str, type[LearnedComponent]]:
        """Return the other components."""
        return {name: kind for name, kind in LEARNED_COMPONENTS.items() if name not in cls.left_out}


def hybrid_without(*names: str) -> type[Hybrid]:
    """Return the hybrid that leaves out the components of these names."""
    return type("Without", (Without,), {"left_out": frozenset(names)})


def scores(data: Dataset, split: Split, part: Part) -> Iterator[tuple[str, Score]]:
    """Fit each recommender on what is before a part, EASE first; yield its name and scores."""
    fitting, catalogue = split.fitting_for(part), data.catalogue
    yield "EASE", ease_score(History(fitting, catalogue), best_ridge(data, split))
    counts = np.bincount(fitting.movies, minlength=fitting.n_movies).astype(np.float64)
    yield "popularity", lambda users: np.tile(counts, (len(users), 1))
    hand = HandWeighted(HandWeighted.space.defaults()).fit(fitting, catalogue)
    yield "hand-weighted, defaults", hand.score
    defaults = Hybrid.space.defaults()
    yield "hybrid", Hybrid(defaults).fit(fitting, catalogue).score
    one_stage = Hybrid({**defaults, LIST_PLACES.name: 0})
    yield "hybrid, one stage", one_stage.fit(fitting, catalogue).score
    content = hybrid_without(*COLLABORATIVE)(defaults)
    yield "hybrid, content and popularity", content.fit(fitting, catalogue).score
    for name in (name for name in LEARNED_COMPONENTS if name not in SWITCHES):
        model = hybrid_without(name)(defaults)
        yield f"hybrid without {name}", model.fit(fitting, catalogue).score


def ease_score(history: History, ridge: float) -> Score:
    """Fit EASE alone, and return its scores."""
    fitted = Ease.fit(history, Hybrid.space.defaults() | {EASE_RIDGE.name: ridge})
    return lambda users: fitted.score(users)["ease"].astype(np.float64)


def best_ridge(data: Dataset, split: Split) -> float:
    """Return the ridge penalty with which EASE alone has the best NDCG@10 on validation."""
    history = History(split.fitting_for("validation"), data.catalogue)

    def ndcg(ridge: float) -> float:
        return measured(ease_score(history, ridge), data, split, "validation").values["ndcg@10"]

    return max(RIDGES, key=ndcg)


def measured(score: Score, data: Dataset, split: Split, part: Part) -> Evaluation:
    """Evaluate a fitted recommender on a part."""
    fitting, held_out = split.fitting_for(part), split.held_out_for(part)
    return evaluate(score, fitting, held_out, data.catalogue, metrics=METRICS)


def compare_all(data: Dataset, split: Split, part: Part) -> list[Quality]:
    """Measure every recommender, and compare it with EASE user by user."""
    found: list[Quality] = []
    reference: Floats | None = None
    for name, score in scores(data, split, part):
        evaluation = measured(score, data, split, part)
        per_user = evaluation.per_unit["ndcg@10"]
        reference = per_user if reference is None else reference
        paired = paired_difference(per_user, reference)
        values = {metric: evaluation.values[metric] for metric in METRICS}
        found.append(Quality(name, values, paired.difference, paired.low, paired.high))
        click.echo(f"{name}: {values['ndcg@10']:.4f}", err=True)
    return found


def render(found: list[Quality]) -> None:
    """Print the table."""
    table = Table("model", *METRICS, "NDCG@10 against EASE", box=None)
    for each in found:
        against = f"{each.difference:+.4f} ({each.low:+.4f} to {each.high:+.4f})"
        table.add_row(each.model, *(f"{each.values[m]:.4f}" for m in METRICS), against)
    Console().print(table)


@click.command(help=__doc__.split("\n\n")[0])
@click.option("--db", "db_path", type=click.Path(path_type=Path), default="movies.db")
@click.option("--split", "split_name", type=click.Choice(list(SPLITS)), default="user-time")
@click.option("--part", type=click.Choice(["validation", "test"]), default="validation")
@click.option("--json", "target", type=click.Path(path_type=Path), help="Write the figures.")
def main(db_path: Path, split_name: str, part: Part, target: Path | None) -> None:
    """Compare the recommenders on one data set."""
    with connection(db_path) as conn:
        data = load_dataset(conn)
    found = compare_all(data, SPLITS[split_name](data.ratings), part)
    render(found)
    if target is not None:
        target.write_text(json.dumps([asdict(each) for each in found], indent=1) + "\n")


if __name__ == "__main__":
    main()
