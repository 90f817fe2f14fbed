"""False alarms of `monitor`: nights of a world in which nothing changes.

    python -m benchmarks.alarms --db movies.db [--seeds 5] [--nights 20]

Each user's ratings keep their order and their distances in time, and begin at a moment drawn at
random: who comes when is chance, and no time differs from another. The defaults are in production,
fitted at each night, and are checked after one night more and after seven. An alarm is accuracy
that has degraded, or a feature that has drifted: each is false here.
"""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import click
import numpy as np

from benchmarks.replay_world import World
from reeltune.components.hyperparameters import SPACE
from reeltune.db.connection import connection
from reeltune.db.dataset import load_dataset
from reeltune.metrics.segments import Score
from reeltune.monitoring.degradation import MetricChange, accuracy_since, metric_change
from reeltune.monitoring.drift import find_drift
from reeltune.rating_models.hand_weighted import HandWeighted
from reeltune.ratings.dataset import Dataset
from reeltune.ratings.splits import split_by_calendar
from reeltune.ratings.table import RatingTable

WAITS = (1, 7)  # nights between the fit and the check


def shuffled_starts(ratings: RatingTable, seed: int) -> RatingTable:
    """Return the ratings with each user's first one at a random moment of all there are."""
    rng = np.random.default_rng(seed)
    first = ratings.rated_at[ratings.starts[:-1]]
    begins = rng.integers(int(ratings.rated_at.min()), int(ratings.rated_at.max()), len(first))
    return replace(ratings, rated_at=ratings.rated_at + (begins - first)[ratings.users])


def check(world: World, night: int, wait: int) -> tuple[MetricChange, list[str]]:
    """Return what is told of a version that was fitted at a night, so many nights later."""
    known, ratings = world.before(night), world.before(night + wait)
    since = int(known.rated_at.max())
    split = split_by_calendar(known)
    before = int(split.fitting_for("test").rated_at.max())
    then = accuracy_since(_fitted(world, split.fitting_for("test")), known, world.catalogue, before)
    now = accuracy_since(_fitted(world, known), ratings, world.catalogue, since)
    drift = find_drift(Dataset(ratings, world.catalogue), since)
    return metric_change(then, now), [each.name for each in drift if each.drifted]


@click.command(help=__doc__.split("\n\n")[0])
@click.option("--db", "db_path", type=click.Path(path_type=Path), default="movies.db")
@click.option("--seeds", type=click.IntRange(1), default=5, show_default=True)
@click.option("--nights", type=click.IntRange(1), default=20, show_default=True)
def main(db_path: Path, seeds: int, nights: int) -> None:
    """Print how many of the checks raised an alarm, and which."""
    with connection(db_path) as conn:
        data = load_dataset(conn)
    for wait in WAITS:
        n_checks, told, alarms = 0, 0, Counter[str]()
        nights_with = 0
        for seed in range(seeds):
            ratings = shuffled_starts(data.ratings, seed)
            world = World.cut(db_path, replace(data, ratings=ratings), 0.6, 30)
            for night in np.linspace(0, 31 - wait, nights).astype(int):
                change, drifted = check(world, int(night), wait)
                found = [*drifted, *(["accuracy"] if change.fallen else [])]
                alarms.update(found)
                n_checks += 1
                told += bool(np.isfinite(change.difference))
                nights_with += bool(found)
        share = nights_with / n_checks
        print(
            f"after {wait} nights: {nights_with} of {n_checks} checks with an alarm ({share:.1%}), "
            f"{told} could tell of accuracy; {dict(alarms) or 'none'}"
        )


def _fitted(world: World, ratings: RatingTable) -> Score:
    return HandWeighted(SPACE.defaults()).fit(ratings, world.catalogue).score


if __name__ == "__main__":
    main()
