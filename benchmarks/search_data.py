"""Databases as objectives of the search benchmark: accuracy on the validation part."""

from pathlib import Path

import numpy as np

from benchmarks.search_objectives import Objective
from reeltune.components.hyperparameters import SPACE
from reeltune.db.connection import connection
from reeltune.db.dataset import load_dataset
from reeltune.domain.space import Configuration
from reeltune.domain.study import StudyConfig
from reeltune.tasks.initial_guesses import Surrogate
from reeltune.tasks.ratings import RatingsEvaluator
from reeltune.tuning.measuring import Measurer

SEEDS = range(10_000, 10_040)  # of random search, for the scale
ROUNDS, CHILDREN = 40, 40  # of the long search for the highest value
FIRST_STEP, SHRINK = 0.15, 0.93


def data_objective(path: Path) -> Objective:
    """Return the built-in recommender on the data in `path`; a search begins with its defaults."""
    with connection(path) as conn:
        data = load_dataset(conn)
    trainer = RatingsEvaluator.of(data, StudyConfig())
    deployed = SPACE.defaults()

    def guesses(seed: int) -> list[Configuration]:
        made = Surrogate.of(data, "user-time", seed, deployed)
        return [] if made is None else list(made.configurations(SPACE))

    return Objective(
        name=path.stem,
        space=SPACE,
        value=lambda configuration: Measurer(trainer, "accuracy")(configuration).objective_value,
        optimum=highest(trainer, [deployed, *guesses(0)]),
        noise_share=0.0,
        deployed=deployed,
        guesses=guesses,
        reference_seeds=SEEDS,
    )


def highest(trainer: RatingsEvaluator, known: list[Configuration]) -> float:
    """Return the highest value by climbing from the best of `known`: a guess at the optimum."""
    rng = np.random.default_rng(0)
    values = [m.objective_value for m in Measurer(trainer, "accuracy").measure_many(known)]
    best, value = SPACE.encode(known[int(np.argmax(values))]), max(values)
    step = FIRST_STEP
    for _ in range(ROUNDS):
        mask = rng.random((CHILDREN, len(best))) < rng.choice([0.1, 0.3, 1.0], (CHILDREN, 1))
        points = np.clip(best + mask * step * rng.standard_normal(mask.shape), 0, 1)
        tried = Measurer(trainer, "accuracy").measure_many(
            [SPACE.decode(point) for point in points]
        )
        found = [m.objective_value for m in tried]
        if max(found) > value:
            best, value = points[int(np.argmax(found))], max(found)
        step *= SHRINK
    return value
