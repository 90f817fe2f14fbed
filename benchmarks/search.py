"""How much each way of proposing finds with how many experiments, and what a proposal costs.

    python -m benchmarks.search [--quick] [--seeds 15] [--methods gp,tpe] [--json FILE]

Every search begins with the same configuration, drawn at random for its seed, which counts as its
first experiment. The incumbent is the best by the values a search saw, with noise; what counts is
its value without. Regret is 0 at the optimum and 1 at what random search has after 10 experiments.
"""

import json
import os
import time
from collections.abc import Sequence
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # CPU time is the measure

import click
import numpy as np

from benchmarks.search_methods import PEERS, Method, methods
from benchmarks.search_objectives import OBJECTIVES, Objective
from benchmarks.search_tables import print_costs, print_regrets
from domain.space import Configuration
from search import STRATEGIES, Problem, Strategy, Trial, propose

STOPS = (10, 20, 30, 50, 100, 200)
HISTORIES = (100, 1_000, 5_000)
SEEDS_FROM = 0  # strategies are developed on seeds from 500
NOISE_STREAM = 1
CPU_REPEATS = 5

Regrets = dict[str, dict[str, list[list[float]]]]  # method -> objective -> seed -> stop


def search_regrets(method: Method, objective: Objective, seed: int, n: int) -> list[float]:
    """Normalised regret of the incumbent at each of `STOPS` up to `n` experiments."""
    current = objective.random(np.random.default_rng([seed, 0]))
    noise = np.random.default_rng([seed, NOISE_STREAM])
    searcher = method(objective.space, current, seed)
    scale = objective.scale()
    true: list[float] = []
    seen: list[float] = []
    while len(true) < n and (configuration := searcher.ask()) is not None:
        assert objective.space.faults(configuration) == []
        true.append(objective.value(configuration))
        seen.append(true[-1] + scale * objective.noise_share * noise.standard_normal())
        searcher.tell(configuration, seen[-1])
    stops = [stop for stop in STOPS if stop <= n]
    best = [true[int(np.argmax(seen[:stop]))] for stop in stops]
    return [(objective.optimum - value) / scale for value in best]


def all_regrets(
    chosen: dict[str, Method], objectives: Sequence[Objective], seeds: range, n: int, peer_n: int
) -> Regrets:
    """Every chosen method on every objective, one search per seed."""
    found: Regrets = {}
    for name, method in chosen.items():
        found[name] = {}
        for objective in objectives:
            began = time.process_time()
            most = min(n, peer_n) if name in PEERS else n
            runs = [search_regrets(method, objective, seed, most) for seed in seeds]
            found[name][objective.name] = runs
            used = time.process_time() - began
            click.echo(f"{name} on {objective.name}: {used:.0f} s of CPU", err=True)
    return found


def proposal_cost(strategy: Strategy, n: int) -> float:
    """Median CPU milliseconds of one proposal after `n` experiments; nothing is kept between."""
    objective = OBJECTIVES["recommender19"]
    rng = np.random.default_rng(n)
    drawn: list[Configuration] = [objective.random(rng) for _ in range(n)]
    values = rng.normal(0.8, 0.03, n)  # the history's values do not change what a proposal costs
    if n <= max(HISTORIES[:2]):
        values = np.array([objective.value(c) for c in drawn])
    trials = [Trial(c, float(v)) for c, v in zip(drawn, values, strict=True)]
    costs = []
    for repeat in range(CPU_REPEATS):
        problem = Problem(
            space=objective.space,
            current=objective.space.defaults(),
            seed=repeat,
            number=n + 1,
            trials=trials,
        )
        began = time.process_time()
        propose(strategy, problem)
        costs.append(1000 * (time.process_time() - began))
    return float(np.median(costs))


@click.command(help=__doc__.split("\n\n")[0])
@click.option("--quick", is_flag=True, help="3 seeds, 50 experiments, our strategies only.")
@click.option("--seeds", default=15, show_default=True, help="Searches per method and objective.")
@click.option("--first-seed", default=SEEDS_FROM, show_default=True, help="The first of them.")
@click.option("--experiments", default=200, show_default=True, help="Per search.")
@click.option("--peer-experiments", default=200, show_default=True, help="Per search of a peer.")
@click.option("--methods", "names", default="", help="Comma-separated; all by default.")
@click.option("--objectives", "wanted", default="", help="Comma-separated; all by default.")
@click.option("--json", "target", type=click.Path(path_type=Path), help="Write all figures here.")
def main(
    quick: bool,
    seeds: int,
    first_seed: int,
    experiments: int,
    peer_experiments: int,
    names: str,
    wanted: str,
    target: Path | None,
) -> None:
    """Run the benchmark, print its tables, and write its figures."""
    known = methods()
    chosen = {n: known[n] for n in (names.split(",") if names else known)}
    if quick:
        seeds, experiments = 3, 50
        chosen = {n: m for n, m in chosen.items() if n not in PEERS}
    objectives = [OBJECTIVES[n] for n in (wanted.split(",") if wanted else OBJECTIVES)]
    span = range(first_seed, first_seed + seeds)
    regrets = all_regrets(chosen, objectives, span, experiments, peer_experiments)
    costs = {
        name: {n: proposal_cost(STRATEGIES[name], n) for n in HISTORIES}
        for name in chosen
        if name in STRATEGIES
    }
    print_regrets(regrets, STOPS)
    print_costs(costs)
    if target is not None:
        target.write_text(json.dumps({"stops": STOPS, "regret": regrets, "cpu_ms": costs}) + "\n")


if __name__ == "__main__":
    main()
