"""Margins of the guardrails: what they let through, and what each objective deploys in them.

    python -m benchmarks.guardrails --db movies.db

All on validation sets. Margins: fits of the defaults to 95 % of the ratings, and random
configurations. Objectives: the best of a Bayesian run from the defaults, for several seeds.
"""

import argparse
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from reeltune.components.hyperparameters import SPACE
from reeltune.db.connection import connection
from reeltune.db.dataset import load_dataset
from reeltune.db.experiments import load_experiments
from reeltune.domain.arrays import Floats
from reeltune.domain.evaluation import Evaluation
from reeltune.domain.experiment import LOWER_BOUND_ERRORS
from reeltune.domain.space import Configuration
from reeltune.domain.study import StudyConfig
from reeltune.gate.guardrails import METRIC_GUARDRAILS
from reeltune.rating_models.popular import POPULARITY
from reeltune.ratings.dataset import Dataset
from reeltune.stats.paired_gain import paired_gain
from reeltune.tasks.ratings import RatingsEvaluator
from reeltune.tuning.plan import Plan
from reeltune.tuning.ratings import TuningOrchestrator
from reeltune.views.summary import ranking

OBJECTIVES = ("accuracy", "balanced", "ndcg@10")
SHOWN = ("accuracy", "ndcg@10", "coverage@10")
SHARE_FITTED = 0.95
COUNT_WEIGHT = "popularity_count_weight"


def refits(data: Dataset, n: int) -> dict[str, float]:
    """Return, by metric, the relative standard deviation between fits to 95 % of the ratings."""
    own = RatingsEvaluator.of(data, StudyConfig())
    found = []
    for seed in range(n):
        chosen = np.random.default_rng(seed).random(len(own.fitting)) < SHARE_FITTED
        part = replace(own, fitting=own.fitting.where(chosen), cache_key=None)
        found.append(part.evaluate_by_reference(SPACE.defaults(), SHOWN).values)
    values = {name: np.array([each[name] for each in found]) for name in SHOWN}
    return {name: float(each.std(ddof=1) / each.mean()) for name, each in values.items()}


def random_configurations(n: int) -> list[Configuration]:
    """Return the defaults, and `n` at random."""
    rng = np.random.default_rng(0)
    points = [rng.random(len(SPACE.dimensions)) for _ in range(n)]
    return [SPACE.defaults(), *({**SPACE.defaults(), **SPACE.decode(p)} for p in points)]


def same_for_all() -> dict[str, Configuration]:
    """Return configurations whose lists are the same for all, but for what each has rated."""
    mixed = {name: SPACE.defaults()[name] for name in ("popularity_rating_weight", COUNT_WEIGHT)}
    return {
        "number of ratings": POPULARITY,
        "popularity": {**POPULARITY, **mixed},
        "mean rating": {**POPULARITY, "popularity_weight": 0.0, "rating_weight": 1.0},
    }


def surely_better(found: list[Evaluation], objective: str) -> list[int]:
    """Return the places of those with a lower bound of their gain over the first above 0."""
    values: list[Floats] = [each.per_unit[objective] for each in found]
    places = []
    for place in range(1, len(found)):
        gain = paired_gain(values[place], values[0])
        assert gain is not None
        difference = float(np.nanmean(values[place] - values[0]))
        if difference > LOWER_BOUND_ERRORS * gain.error:
            places.append(place)
    return places


def print_margins(data: Dataset, n_random: int, n_fits: int) -> None:
    """Print, by metric, what fits differ by, and what random configurations lose."""
    spread = refits(data, n_fits)
    found = RatingsEvaluator.of(data, StudyConfig()).evaluate_many(random_configurations(n_random))
    for name in SHOWN:
        values = np.array([each.values[name] for each in found])
        margin = METRIC_GUARDRAILS[name].margin
        loses = float(np.mean(values[1:] < (1 - margin) * values[0]))
        print(f"{name:12} {values[0]:.4f}  fits {spread[name]:.1%}  margin {margin:.0%}", end="")
        print(f"  random that lose more {loses:.0%}")
    for split in ("user-time", "calendar"):
        evaluator = RatingsEvaluator.of(data, StudyConfig(split=split))
        same = same_for_all()
        coverage = [
            each.values["coverage@10"]
            for each in evaluator.evaluate_many([SPACE.defaults(), *same.values()])
        ]
        for name, each in zip(same, coverage[1:], strict=True):
            print(f"coverage of {name} alone, {split}: {each / coverage[0]:.2f} of the defaults'")
    for objective in ("accuracy", "ndcg@10"):
        sure = surely_better(found, objective)
        for margin in (0.2, METRIC_GUARDRAILS["coverage@10"].margin):
            kept_out = [
                found[k].values["coverage@10"] < (1 - margin) * found[0].values["coverage@10"]
                for k in sure
            ]
            print(f"surely better by {objective}: {len(sure)}", end="")
            print(f", coverage within {margin:.0%}: {kept_out.count(False)}")


def print_objectives(db: Path, seeds: int, configs: int) -> None:
    """Print what the best of each run is worth under both splits."""
    for objective in OBJECTIVES:
        for seed in range(1, seeds + 1):
            with tempfile.TemporaryDirectory() as folder:
                path = Path(shutil.copy(db, Path(folder) / "movies.db"))
                print(_best_of(path, StudyConfig(objective=objective, seed=seed), configs))


def _best_of(path: Path, study: StudyConfig, configs: int) -> str:
    with connection(path) as conn:
        data = load_dataset(conn)
        plan = Plan(method="bayesian", n_configs=configs)
        run = TuningOrchestrator(conn, data, study).run(plan)
        experiments = load_experiments(conn, run.tuning_run_id)
    best, worth = ranking(experiments)[0], experiments[0].worth or 0.0
    better = [e for e in experiments[1:] if (e.worth or 0.0) > worth]
    line = f"{study.objective:9} seed {study.seed}: {sum(e.is_feasible for e in better)} of "
    line += f"{len(better)} better ones feasible;"
    for split in ("user-time", "calendar"):
        evaluator = RatingsEvaluator.of(data, StudyConfig(split=split))
        values = evaluator.evaluate(best.hyperparameters).values
        line += f" {split} " + " ".join(f"{name} {values[name]:.4f}" for name in SHOWN)
    return line


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--db", type=Path, default=Path("movies.db"))
    parser.add_argument("--random", type=int, default=400)
    parser.add_argument("--fits", type=int, default=20)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--configs", type=int, default=30)
    given = parser.parse_args()
    with connection(given.db) as conn:
        data = load_dataset(conn)
    print_margins(data, given.random, given.fits)
    print_objectives(given.db, given.seeds, given.configs)


if __name__ == "__main__":
    main()
