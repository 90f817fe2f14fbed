"""Gain of a run from an earlier one on a related world, and loss by a misleading one.

    python -m benchmarks.search_warm [--worlds 4] [--seeds 4] [--json FILE]

In each made-up recommender's world users have tastes of their own. An earlier world is related if
its tastes differ a little (each by about 3 % of its range) and its users and films are others, and
misleading if they have nothing to do with each other. `gp` spends 200 experiments there; what a
run begins with is chosen from them as in a real run. Regret as in benchmarks.search.
"""

import json
import os
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import click
import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.search_methods import Ours
from benchmarks.search_objectives import Objective
from benchmarks.search_runs import NOISE_STREAM, search_regrets
from benchmarks.search_world import RECOMMENDER, World
from reeltune.domain.clock import stamp
from reeltune.domain.experiment import Experiment, TuningRun
from reeltune.domain.space import Configuration
from reeltune.search import STRATEGIES, Trial
from reeltune.tuning.proposer import new_experiment
from reeltune.tuning.warm_start import MetaFeatures, source_of, warm_start_candidates

MOVED = 0.03  # deviation of related tastes, along each axis of the cube
NOISE = 0.03
EARLIER = 200  # experiments
STOPS = (10, 20, 30, 50, 100)
CLIMBS = 1_500
WORLDS_FROM = 100  # strategies are developed on others


@dataclass(frozen=True, slots=True)
class Setting:
    """World, and what a run there is to begin with, by what the earlier world was."""

    objective: Objective
    starts: dict[str, tuple[Configuration, ...]]


def setting(number: int) -> Setting:
    """Return the world of that number, after runs on two earlier ones."""
    rng = np.random.default_rng([number, 1])
    n_axes = len(RECOMMENDER.dimensions)
    point = rng.random(n_axes)
    near = np.clip(point + MOVED * rng.standard_normal(n_axes), 0, 1)
    objective = world(f"world {number}", 3 * number, point)
    starts: dict[str, tuple[Configuration, ...]] = {"cold": ()}
    for place, (name, tastes) in enumerate(
        {"related": near, "misleading": rng.random(n_axes)}.items(), 1
    ):
        earlier = world(name, 3 * number + place, tastes)
        starts[name] = tuple(starts_after(earlier, number, objective.first(number)))
    return Setting(objective, starts)


def world(name: str, seed: int, point: np.ndarray) -> Objective:
    """Return the world of users with tastes at `point`; its highest value is sought from there."""
    made = World(seed, RECOMMENDER.decode(point))
    rng = np.random.default_rng(seed)
    best, value, step = point, made.accuracy(RECOMMENDER.decode(point)), 0.1
    for _ in range(CLIMBS):
        mask = rng.random(len(point)) < rng.choice([0.1, 0.3, 1.0])
        tried = np.clip(best + mask * step * rng.standard_normal(len(point)), 0, 1)
        found = made.accuracy(RECOMMENDER.decode(tried))
        if found >= value:
            best, value = tried, found
        step *= 0.998
    return Objective(
        name, RECOMMENDER, made.accuracy, value, NOISE, reference_seeds=range(9_000, 9_040)
    )


def starts_after(earlier: Objective, seed: int, current: Configuration) -> list[Configuration]:
    """Return what a new run begins with after `EARLIER` experiments on an earlier world."""
    run = TuningRun(
        tuning_run_id="earlier",
        created_at=stamp(),
        method="gp",
        objective="accuracy",
        model="made up",
        split="user-time",
        space_fingerprint=RECOMMENDER.fingerprint,
        seed=seed,
        n_configs=EARLIER,
        status="completed",
    )
    profile = {"n_users": 1.0}
    source = source_of(run, profile, experiments_on(earlier, run))
    found = warm_start_candidates(
        [source], run, MetaFeatures(profile, profile), RECOMMENDER, current, []
    )
    return [candidate.hyperparameters for candidate in found]


def experiments_on(objective: Objective, run: TuningRun) -> list[Experiment]:
    """`EARLIER` experiments of `gp`."""
    searcher = Ours(STRATEGIES["gp"], objective, run.seed, 1)
    noise = np.random.default_rng([run.seed, NOISE_STREAM])
    found: list[Trial] = []
    for number in range(EARLIER):
        configuration = searcher.ask()
        assert configuration is not None
        value = objective.value(configuration)
        value += objective.scale() * NOISE * noise.standard_normal()
        searcher.tell(number, value)
        found.append(Trial(configuration, value, number))
    baseline = found[0].value or 0.0
    return [_experiment(run, trial, (trial.value or 0.0) - baseline) for trial in found]


def _experiment(run: TuningRun, trial: Trial, gain: float) -> Experiment:
    assert trial.number is not None
    made = new_experiment(run, trial.number, trial.configuration, "explore")
    return replace(
        made, status="completed", objective_value=trial.value, improvement_from_baseline=gain
    )


@click.command(help=__doc__.split("\n\n")[0])
@click.option("--worlds", default=4, show_default=True, help="How many.")
@click.option("--seeds", default=4, show_default=True, help="Searches in each.")
@click.option("--json", "target", type=click.Path(path_type=Path), help="Write all figures here.")
def main(worlds: int, seeds: int, target: Path | None) -> None:
    """Run it and print the mean over worlds of the medians over seeds."""
    found: dict[str, list[list[list[float]]]] = {}
    for number in range(WORLDS_FROM, WORLDS_FROM + worlds):
        each = setting(number)
        for name, starts in each.starts.items():
            method = partial(Ours, STRATEGIES["gp"], guesses=starts)
            runs = [search_regrets(method, each.objective, k, max(STOPS)) for k in range(seeds)]
            found.setdefault(name, []).append(runs)
        click.echo(f"world {number} is done", err=True)
    table = Table("earlier world", *map(str, STOPS), title="Regret of gp: mean of medians")
    for name, regrets in found.items():
        means = np.median(np.array(regrets), axis=1).mean(axis=0)
        table.add_row(name, *(f"{value:.3f}" for value in means))
    Console(width=100).print(table)
    if target is not None:
        target.write_text(json.dumps({"stops": STOPS, "regret": found}) + "\n")


if __name__ == "__main__":
    main()
