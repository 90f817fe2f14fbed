"""Test of whether older ratings help to choose what is best on the latest ones.

    python -m benchmarks.earlier_windows --db movies.db

The test part stays out of it. Random configurations are fitted before, and measured on, each of
three windows of a user's history: the 10 % before the test part (what is to be foretold), the
10 % before these, and the 10 % before those; and on the latest days of what is before the first
window. Told is how the mean gains over the defaults agree with those of the first window, and
what the surest of random forties gains there.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np

from reeltune.components.hyperparameters import SPACE
from reeltune.db.connection import connection
from reeltune.db.dataset import load_dataset
from reeltune.domain.arrays import Bools, Floats
from reeltune.domain.experiment import LOWER_BOUND_ERRORS
from reeltune.domain.study import StudyConfig
from reeltune.ratings.dataset import Dataset
from reeltune.ratings.splits import MIN_SPLIT_RATINGS, split_by_calendar
from reeltune.ratings.table import RatingTable
from reeltune.tasks.ratings import RatingsEvaluator

OF_RUN, DRAWS = 40, 400


def from_end(table: RatingTable, percent: int) -> Bools:
    """(N,) the last `percent` of each user with ratings enough to be split."""
    n = np.diff(table.starts)
    n = np.where(n < MIN_SPLIT_RATINGS, 0, n) * percent // 100  # (U,)
    place = table.starts[1:][table.users] - np.arange(len(table))  # (N,) 1 = the user's last
    return np.asarray(place <= n[table.users])


def windows(table: RatingTable) -> dict[str, tuple[RatingTable, RatingTable]]:
    """Return what is fitted and what is measured, by name; the first is to be predicted."""
    found = {
        f"{low} to {low + 10} % from the end": (
            table.where(~from_end(table, low + 10)),
            table.where(from_end(table, low + 10) & ~from_end(table, low)),
        )
        for low in (20, 30, 40)
    }
    days = split_by_calendar(table.where(~from_end(table, 30)))
    return found | {"latest days": (days.fitting_for("test"), days.test)}


def gains(data: Dataset, objective: str, n: int) -> list[Floats]:
    """(n, U) gains over the defaults on each window."""
    study = StudyConfig(objective=objective)
    rng, defaults = np.random.default_rng(11), SPACE.defaults()
    points = [rng.random(len(SPACE.dimensions)) for _ in range(n)]
    fixed = {m.name: defaults[m.name] for m in SPACE.hyperparameters.values() if not m.searched}
    tried = [defaults, *({**SPACE.decode(point), **fixed} for point in points)]
    trainer = replace(RatingsEvaluator.of(data, study), cache_key=None)
    found = []
    for fitting, held_out in windows(data.ratings).values():
        part = replace(trainer, fitting=fitting, held_out=held_out)
        values = np.stack([each.per_unit[objective] for each in part.evaluate_many(tried)])
        found.append(values[1:] - values[0])
    return found


def bounds(values: Floats) -> Floats:
    """(n,) lower bounds of mean gains (n, U); users without a value are left out."""
    n = np.isfinite(values).sum(axis=1)
    return np.asarray(
        np.nanmean(values, axis=1)
        - LOWER_BOUND_ERRORS * np.nanstd(values, axis=1, ddof=1) / np.sqrt(n)
    )


def main() -> None:
    """Print a line per objective and way of choosing."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--db", type=Path, default=Path("movies.db"))
    parser.add_argument("--configs", type=int, default=200)
    asked = parser.parse_args()
    with connection(asked.db) as conn:
        data = load_dataset(conn)
    for objective in ("accuracy", "ndcg@10"):
        latest, before, earlier, days = gains(data, objective, asked.configs)
        truth = np.nanmean(latest, axis=1)
        both = np.where(np.isfinite(before), before, earlier)
        both = np.where(np.isfinite(before + earlier), (before + earlier) / 2, both)
        for name, values in (("window before", before), ("both before", both), ("days", days)):
            rng, score = np.random.default_rng(0), bounds(values)
            drawn = [rng.choice(len(truth), OF_RUN, replace=False) for _ in range(DRAWS)]
            chosen = np.mean([truth[each[np.argmax(score[each])]] for each in drawn])
            agreement = np.corrcoef(truth, np.nanmean(values, axis=1))[0, 1]
            print(f"{objective:9s}  {name:14s}  {agreement:.3f}  {chosen:+.4f}")
        print(
            f"{objective:9s}  the best there        {np.mean([truth[i].max() for i in drawn]):+.4f}"
        )


if __name__ == "__main__":
    main()
