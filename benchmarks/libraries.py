"""Cost of one configuration with other libraries, on the same split.

    python -m benchmarks.libraries --db movies.db [--json FILE]

Each pipeline fits on the train part, scores every user for the whole catalogue and is measured by
the same metrics. CPU seconds of this process for one configuration, the median of several; a
library that is not installed is left out. Ours is measured in the same run: one configuration at
a time by the plain reference, and many at once as a tuning run does.
"""

import importlib.util
import json
import os
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

for _threads in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_threads, "1")  # CPU seconds are compared

import click
import numpy as np
from rich.console import Console
from rich.table import Table
from scipy.sparse import csr_matrix

from reeltune.components.hyperparameters import SPACE
from reeltune.db.connection import connection
from reeltune.db.dataset import load_dataset
from reeltune.domain.arrays import Floats, Ints
from reeltune.domain.evaluation import Evaluation
from reeltune.domain.space import Configuration
from reeltune.domain.study import StudyConfig
from reeltune.metrics.evaluate import evaluate
from reeltune.ratings.dataset import Dataset
from reeltune.tasks.ratings import RatingsEvaluator
from reeltune.tuning.measuring import Measurer

Score = Callable[[Ints], Floats]


@dataclass(frozen=True)
class Cost:
    """Cost and quality of one configuration."""

    pipeline: str
    cpu_seconds: float
    accuracy: float | None
    ndcg: float | None


def interactions(trainer: RatingsEvaluator) -> csr_matrix:
    """(U, M) the ratings of the fitting part."""
    table = trainer.fitting
    return csr_matrix((table.ratings, (table.users, table.movies)), (table.n_users, table.n_movies))


def implicit_als(trainer: RatingsEvaluator) -> Score:
    """Alternating least squares, 64 factors, 15 iterations."""
    from implicit.als import AlternatingLeastSquares

    model = AlternatingLeastSquares(factors=64, iterations=15, num_threads=1, random_state=1)
    model.fit(interactions(trainer), show_progress=False)
    return lambda users: np.asarray(model.user_factors[users] @ model.item_factors.T, np.float64)


def implicit_bm25(trainer: RatingsEvaluator) -> Score:
    """Item similarity with BM25 weights, 100 neighbours."""
    from implicit.nearest_neighbours import BM25Recommender

    ratings = interactions(trainer)
    model = BM25Recommender(K=100, num_threads=1)
    model.fit(ratings, show_progress=False)
    return lambda users: (ratings[users] @ model.similarity).toarray().astype(np.float64)


def lenskit_item_knn(trainer: RatingsEvaluator) -> Score:
    """Item-based nearest neighbours on ratings, 20 neighbours."""
    import pandas
    from lenskit.data import ItemList, RecQuery, from_interactions_df
    from lenskit.knn import ItemKNNScorer

    table = trainer.fitting
    frame = pandas.DataFrame(
        {"user_id": table.users, "item_id": table.movies, "rating": table.ratings}
    )
    data = from_interactions_df(frame)
    scorer = ItemKNNScorer(max_nbrs=20, min_nbrs=1, feedback="explicit")
    scorer.train(data)
    everything = ItemList(item_ids=np.arange(table.n_movies))

    def score(users: Ints) -> Floats:
        rows = np.full((len(users), table.n_movies), float(table.ratings.mean()))
        for place, user in enumerate(users):
            query = RecQuery(user_id=int(user), user_items=data.user_row(int(user)))
            found = scorer(query, everything).scores()
            rows[place] = np.where(np.isnan(found), rows[place], found)
        return rows

    return score


def plain_pandas(trainer: RatingsEvaluator) -> Score:
    """Score by the hand-weighted idea as a first version is written: data frames, user by user."""
    import pandas

    table, catalogue = trainer.fitting, trainer.catalogue
    ratings = pandas.DataFrame(
        {"user": table.users, "movie": table.movies, "rating": table.ratings.astype(np.float64)}
    )
    genres = pandas.DataFrame(
        {
            "movie": np.repeat(np.arange(catalogue.n_movies), np.diff(catalogue.genre_starts)),
            "genre": catalogue.genres,
        }
    )
    by_movie = ratings.groupby("movie")["rating"].agg(["mean", "count"])
    quality = by_movie["mean"].reindex(range(catalogue.n_movies)).fillna(3.5) / 5
    popularity = by_movie["count"].reindex(range(catalogue.n_movies)).fillna(0)
    popularity = np.log1p(popularity) / np.log1p(popularity.max())
    liked = ratings.merge(genres, on="movie").groupby(["user", "genre"])["rating"].mean()

    def score(users: Ints) -> Floats:
        rows = []
        for user in users:
            taste = liked.loc[user] if user in liked.index else pandas.Series(dtype=float)
            match = genres.assign(taste=genres["genre"].map(taste).fillna(3.5) / 5)
            by_genre = match.groupby("movie")["taste"].mean().reindex(quality.index).fillna(0.7)
            rows.append(0.4 * by_genre + 0.5 * quality + 0.1 * popularity)
        return np.array(rows)

    return score


PIPELINES: dict[str, tuple[str, Callable[[RatingsEvaluator], Score]]] = {
    "implicit BM25": ("implicit", implicit_bm25),
    "implicit ALS": ("implicit", implicit_als),
    "LensKit item-kNN": ("lenskit", lenskit_item_knn),
    "plain pandas": ("pandas", plain_pandas),
}


def timed(
    trainer: RatingsEvaluator, name: str, fit: Callable[[RatingsEvaluator], Score], repeats: int
) -> Cost:
    """Median CPU seconds of fitting, scoring everybody and measuring, once warm."""
    found: Evaluation | None = None
    seconds = []
    for _ in range(repeats + 1):
        began = time.process_time()
        score = fit(trainer)
        found = evaluate(score, trainer.fitting, trainer.held_out, trainer.catalogue)
        seconds.append(time.process_time() - began)
    assert found is not None
    return _cost(name, median(seconds[1:]), found.values["accuracy"], found.values["ndcg@10"])


def ours_one(trainer: RatingsEvaluator, repeats: int) -> Cost:
    """Measure by the plain reference, one configuration at a time."""
    seconds = []
    configurations = random_configurations(repeats + 1)
    for configuration in configurations:
        began = time.process_time()
        found = trainer.evaluate_by_reference(configuration)
        seconds.append(time.process_time() - began)
    return _cost(
        "ours, plain reference",
        median(seconds[1:]),
        found.values["accuracy"],
        found.values["ndcg@10"],
    )


def ours_many(trainer: RatingsEvaluator, n: int) -> Cost:
    """Measure a run's batch, every hyperparameter different in each configuration."""
    Measurer(trainer, "accuracy").measure_many(random_configurations(2))
    began = time.process_time()
    found = Measurer(trainer, "accuracy").measure_many(random_configurations(n))
    seconds = (time.process_time() - began) / n
    best = max(found, key=lambda m: m.objective_value)
    return _cost(
        f"ours, best of {n} at once", seconds, best.metrics["accuracy"], best.metrics["ndcg@10"]
    )


def random_configurations(n: int) -> list[Configuration]:
    """`n` configurations from the whole space."""
    rng = np.random.default_rng(1)
    return [SPACE.decode(rng.random(len(SPACE.dimensions))) for _ in range(n)]


def _cost(name: str, seconds: float, accuracy: float | None, ndcg: float | None) -> Cost:
    return Cost(name, seconds, accuracy, ndcg)


def measure_all(data: Dataset, repeats: int, n: int) -> list[Cost]:
    """Every pipeline that is installed, and ours."""
    trainer = RatingsEvaluator.of(data, StudyConfig())
    found = [ours_many(trainer, n), ours_one(trainer, repeats)]
    for name, (package, fit) in PIPELINES.items():
        if importlib.util.find_spec(package) is None:
            click.echo(f"{name} is left out: {package} is not installed", err=True)
            continue
        found.append(timed(trainer, name, fit, repeats))
        click.echo(f"{name}: {found[-1].cpu_seconds:.2f} s", err=True)
    return found


def render(console: Console, costs: list[Cost]) -> None:
    """Print a table, the cheapest first, in multiples of ours."""
    ours = costs[0].cpu_seconds
    table = Table("pipeline", box=None, title="One configuration: fit and exact evaluation")
    for heading in ("CPU seconds", "times ours", "accuracy", "NDCG@10"):
        table.add_column(heading, justify="right")
    for cost in sorted(costs, key=lambda c: c.cpu_seconds):
        table.add_row(
            cost.pipeline,
            f"{cost.cpu_seconds:.4f}",
            f"{cost.cpu_seconds / ours:.1f}",
            "" if cost.accuracy is None else f"{cost.accuracy:.4f}",
            "" if cost.ndcg is None else f"{cost.ndcg:.4f}",
        )
    console.print(table)


@click.command()
@click.option("--db", "db_path", type=click.Path(path_type=Path), default="movies.db")
@click.option("--repeats", type=click.IntRange(1), default=3, show_default=True)
@click.option("--configs", type=click.IntRange(1), default=100, show_default=True)
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="Write the figures.")
def main(db_path: Path, repeats: int, configs: int, json_path: Path | None) -> None:
    """Compare what one configuration costs."""
    with connection(db_path) as conn:
        data = load_dataset(conn)
    costs = measure_all(data, repeats, configs)
    render(Console(), costs)
    if json_path is not None:
        machine = {"python": platform.python_version(), "load": os.getloadavg()[0]}
        figures = [vars(cost) for cost in costs]
        json_path.write_text(json.dumps({"machine": machine, "costs": figures}, indent=2))


if __name__ == "__main__":
    main()
