"""Regret of searches under a binding constraint, by number of experiments.

    python -m benchmarks.search_constraints [--seeds 5] [--experiments 100] [--methods gp,tpe]

Two made-up recommenders whose best configuration lists more popular films than is allowed, and
Hartmann's function of six numbers that may sum to 1.5 at most. `gp`, `tpe`, `evolution`, `cmaes`
and Optuna's samplers are told the constraint; "penalty" is `gp` with what is above the limit taken
from the value (a regret of five for each deviation of the constraint), "rejection" `gp` with what
breaks the constraint recorded as failed. The incumbent is the best feasible one by the values a
search saw, with noise; its regret is that of its value without. 1 is what random search has after
10 experiments; 2 stands for nothing feasible.
"""

import importlib
import json
import os
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import click
import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.search_objectives import OBJECTIVES, REFERENCE_EXPERIMENTS
from benchmarks.search_runs import NOISE_STREAM
from benchmarks.search_world import RECOMMENDER, World, world_of_tastes
from reeltune.domain.space import Configuration, Space
from reeltune.search import STRATEGIES, Problem, Trial, propose

STOPS = (10, 20, 30, 50, 100)
TOP = 5  # films of a list
NOTHING = 2.0  # regret as long as nothing feasible is known
PENALTY = 5.0
MAX_SUM = 1.5
REFERENCE_SEEDS = range(9_000, 9_040)
PEERS = {"optuna-tpe": "TPESampler", "optuna-gp": "GPSampler"}
METHODS = ("gp", "penalty", "rejection", "tpe", "evolution", "cmaes", *PEERS)


@dataclass(frozen=True, eq=False)
class ConstrainedObjective:
    """Function of configurations, more is better, where `constraint` is at most 0."""

    name: str
    space: Space
    value: Callable[[Configuration], float]
    constraint: Callable[[Configuration], float]
    optimum: float  # highest feasible value that a long search found
    noise_share: float

    def random(self, rng: np.random.Generator) -> Configuration:
        """Return any valid configuration, with equal chance."""
        return self.space.decode(rng.random(len(self.space.dimensions)))

    @cache  # noqa: B019 - objectives live as long as the program
    def scale(self) -> float:
        """Return the distance from the best feasible of 10 random ones, its median, to the optimum.

        Of those random searches that found any.
        """
        bests = []
        for seed in REFERENCE_SEEDS:
            rng = np.random.default_rng(seed)
            drawn = [self.random(rng) for _ in range(REFERENCE_EXPERIMENTS)]
            feasible = [self.value(each) for each in drawn if self.constraint(each) <= 0]
            bests += [max(feasible)] if feasible else []
        return self.optimum - float(np.median(bests))


@dataclass(frozen=True, slots=True)
class Tried:
    """Configuration that a search tried."""

    configuration: Configuration
    true: float
    seen: float  # with noise
    constraint: float


def exposure(world: World, configuration: Configuration) -> float:
    """Return how popular the films of the lists are, on a log scale: the mean over users."""
    best = np.argsort(-world.scores(configuration), axis=1)[:, :TOP]
    popularity = np.log1p(world.n_ratings) / 8
    return float(np.mean(np.take_along_axis(popularity, best, axis=1)))


def recommender(seed: int, limit: float, optimum: float) -> ConstrainedObjective:
    """Return the recommender of a world with tastes of its own, under a limit of exposure."""
    world = world_of_tastes(seed)
    return ConstrainedObjective(
        f"recommender {seed}",
        RECOMMENDER,
        world.accuracy,
        lambda configuration: exposure(world, configuration) - limit,
        optimum,
        noise_share=0.03,
    )


def hartmann() -> ConstrainedObjective:
    """Return Hartmann's function under a limit of the sum."""
    plain = OBJECTIVES["hartmann6"]
    return ConstrainedObjective(
        plain.name,
        plain.space,
        plain.value,
        lambda configuration: sum(configuration.values()) - MAX_SUM,
        optimum=HARTMANN_OPTIMUM,
        noise_share=plain.noise_share,
    )


# Found by random climbs from the best of some hundred random configurations.
HARTMANN_OPTIMUM = 2.59413
RECOMMENDERS = ((205, 0.42, 0.6601), (212, 0.42, 0.7762))  # seed, limit, optimum


def objectives() -> list[ConstrainedObjective]:
    """Return all objectives."""
    return [*(recommender(*each) for each in RECOMMENDERS), hartmann()]


def tried(method: str, objective: ConstrainedObjective, seed: int, n: int) -> list[Tried]:
    """Return what a search tried in `n` experiments, the first of them drawn by its seed."""
    noise = np.random.default_rng([seed, NOISE_STREAM])
    first = objective.random(np.random.default_rng([seed, 0]))
    ask = _peer(method, objective, seed, first) if method in PEERS else _ours(method, objective)
    found: list[Tried] = []
    while len(found) < n:
        configuration = first if not found else ask(found, seed)
        if configuration is None:
            break
        true = objective.value(configuration)
        seen = true + objective.scale() * objective.noise_share * noise.standard_normal()
        found.append(Tried(configuration, true, seen, objective.constraint(configuration)))
    return found


Ask = Callable[[Sequence[Tried], int], Configuration | None]  # what was tried, the seed


def _ours(method: str, objective: ConstrainedObjective) -> Ask:
    """Return how one of our strategies proposes, as it is told of the constraint."""
    strategy = STRATEGIES["gp" if method in ("penalty", "rejection") else method]

    def trial(number: int, each: Tried) -> Trial:
        if method == "penalty":
            above = max(0.0, each.constraint) / spread
            return Trial(
                each.configuration, each.seen - PENALTY * objective.scale() * above, number
            )
        if method == "rejection" and each.constraint > 0:
            return Trial(each.configuration, None, number, failed=True)
        told = () if method == "rejection" else (each.constraint,)
        return Trial(each.configuration, each.seen, number, constraints=told)

    rng = np.random.default_rng(REFERENCE_SEEDS[0])
    spread = float(np.std([objective.constraint(objective.random(rng)) for _ in range(50)]))

    def ask(found: Sequence[Tried], seed: int) -> Configuration | None:
        problem = Problem(
            space=objective.space,
            current=found[0].configuration,
            seed=seed,
            number=len(found),
            trials=[trial(number, each) for number, each in enumerate(found)],
        )
        proposal = propose(strategy, problem)
        return None if proposal is None else proposal.configuration

    return ask


def _peer(method: str, objective: ConstrainedObjective, seed: int, first: Configuration) -> Ask:
    """Return how one of Optuna's samplers proposes, on the axes of the same cube."""
    optuna: Any = importlib.import_module("optuna")
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.simplefilter("ignore")
    space = objective.space
    sampler = getattr(optuna.samplers, PEERS[method])(
        seed=seed, constraints_func=lambda trial: (trial.user_attrs["constraint"],)
    )
    study: Any = optuna.create_study(direction="maximize", sampler=sampler)
    point = map(float, space.encode(first))
    study.enqueue_trial(dict(zip(space.dimensions, point, strict=True)))
    asked: list[Any] = []

    def ask(found: Sequence[Tried], _: int) -> Configuration | None:
        for each in found[max(0, len(asked) - 1) :]:
            if not asked:
                asked.append(study.ask())
                _suggested(asked[-1], space)
            asked[-1].set_user_attr("constraint", each.constraint)
            study.tell(asked[-1], each.seen)
        asked.append(study.ask())
        return _suggested(asked[-1], space)

    return ask


def _suggested(trial: Any, space: Space) -> Configuration:
    point = [trial.suggest_float(name, 0.0, 1.0) for name in space.dimensions]
    return space.decode(np.array(point))


def regrets(found: Sequence[Tried], objective: ConstrainedObjective, n: int) -> list[float]:
    """Return the regret of the incumbent at each of `STOPS` up to `n`."""
    values = []
    for stop in [stop for stop in STOPS if stop <= n]:
        feasible = [each for each in found[:stop] if each.constraint <= 0]
        if not feasible:
            values.append(NOTHING)
            continue
        best = max(feasible, key=lambda each: each.seen)
        values.append(min(NOTHING, (objective.optimum - best.true) / objective.scale()))
    return values


@click.command(help=__doc__.split("\n\n")[0])
@click.option("--seeds", default=5, show_default=True, help="Searches per method and objective.")
@click.option("--first-seed", default=0, show_default=True, help="The first of them.")
@click.option("--experiments", default=100, show_default=True, help="Per search.")
@click.option("--methods", default=",".join(METHODS), show_default=True, help="Comma-separated.")
@click.option("--json", "target", type=click.Path(path_type=Path), help="Write all figures here.")
def main(seeds: int, first_seed: int, experiments: int, methods: str, target: Path | None) -> None:
    """Run it and print the median over seeds of each objective, and their mean."""
    found: dict[str, dict[str, list[list[float]]]] = {}
    for objective in objectives():
        for method in methods.split(","):
            runs = [
                regrets(tried(method, objective, seed, experiments), objective, experiments)
                for seed in range(first_seed, first_seed + seeds)
            ]
            found.setdefault(objective.name, {})[method] = runs
            click.echo(f"{method} on {objective.name} is done", err=True)
    medians = {
        name: {method: np.median(runs, axis=0) for method, runs in each.items()}
        for name, each in found.items()
    }
    mean = {m: np.mean([each[m] for each in medians.values()], axis=0) for m in methods.split(",")}
    stops = [str(stop) for stop in STOPS if stop <= experiments]
    for name, each in {**medians, "mean": mean}.items():
        table = Table("", *stops, title=f"Regret under the constraint: {name}, {seeds} seeds")
        for method, values in each.items():
            table.add_row(method, *(f"{value:.2f}" for value in values))
        Console(width=100).print(table)
    if target is not None:
        target.write_text(json.dumps({"stops": stops, "regret": found}) + "\n")


if __name__ == "__main__":
    main()
