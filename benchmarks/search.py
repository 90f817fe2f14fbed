"""Regret of each strategy by number of experiments, and the cost of a proposal.

    python -m benchmarks.search [--quick] [--db FILE ...] [--keep FILE] [--chart FILE] ...

Every search begins with the same configuration: the deployed one of a database, else one drawn at
random for its seed. It counts as the first experiment. The incumbent is the best by the values a
search saw, with noise; what counts is its value without. Regret is 0 at the optimum and 1 at what
random search has after 10 experiments. With --keep, finished searches are kept in a file, and a run
that was stopped goes on where it was; a changed program starts anew.
"""

import json
import os
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # CPU time is the measure

import click

from benchmarks.search_chart import chart
from benchmarks.search_costs import costs
from benchmarks.search_data import data_objective
from benchmarks.search_methods import PEERS, methods
from benchmarks.search_objectives import OBJECTIVES, Objective
from benchmarks.search_runs import (
    STOPS,
    Piece,
    keep_piece,
    load_pieces,
    search_regrets,
    wanted,
)
from benchmarks.search_tables import medians, print_costs, print_regrets, suite_means
from reeltune.search import STRATEGIES

HISTORIES = "100,1000,5000"
SEEDS_FROM = 0  # strategies are developed on seeds from 500


def all_pieces(
    pieces: Sequence[Piece], objectives: Sequence[Objective], keep: Path | None, seconds: float
) -> list[Piece]:
    """Return the pieces with their regrets; those that are kept already are not run again.

    None is begun after so many seconds.
    """
    known, by_name = load_pieces(keep), {objective.name: objective for objective in objectives}
    chosen, ends, found = methods(), time.monotonic() + seconds, []
    for place, piece in enumerate(pieces, 1):
        done = known.get(piece.key)
        if done is None and time.monotonic() < ends:
            regrets = search_regrets(
                chosen[piece.method],
                by_name[piece.objective],
                piece.seed,
                piece.experiments,
                piece.asynchronous_delay,
            )
            done = replace(piece, regrets=tuple(regrets))
            keep_piece(keep, done)
            click.echo(f"{place} of {len(pieces)}: {piece.method} on {piece.objective}", err=True)
        found += [] if done is None else [done]
    return found


@click.command(help=__doc__.split("\n\n")[0])
@click.option("--quick", is_flag=True, help="3 seeds, 50 experiments, our strategies only.")
@click.option("--seeds", default=15, show_default=True, help="Searches per method and objective.")
@click.option("--first-seed", default=SEEDS_FROM, show_default=True, help="The first of them.")
@click.option("--experiments", default=200, show_default=True, help="Per search.")
@click.option("--data-experiments", default=100, show_default=True, help="The same of a database.")
@click.option(
    "--in-flight",
    "asynchronous_delay",
    default="1",
    show_default=True,
    help="At once; comma-separated.",
)
@click.option("--methods", "names", default="", help="Comma-separated; all by default.")
@click.option(
    "--objectives", "objective_names", default="", help="Comma-separated; all by default."
)
@click.option("--db", "databases", multiple=True, type=click.Path(path_type=Path), help="As well.")
@click.option("--keep", type=click.Path(path_type=Path), help="Where finished searches are kept.")
@click.option(
    "--histories",
    default=HISTORIES,
    show_default=True,
    help="Results before proposals that are timed; comma-separated, empty for none.",
)
@click.option("--seconds", default=1e9, help="Begin no search after so long.")
@click.option("--chart", "picture", type=click.Path(path_type=Path), help="Draw an SVG.")
@click.option("--json", "target", type=click.Path(path_type=Path), help="Write all figures here.")
def main(
    quick: bool,
    seeds: int,
    first_seed: int,
    experiments: int,
    data_experiments: int,
    asynchronous_delay: str,
    names: str,
    objective_names: str,
    databases: tuple[Path, ...],
    keep: Path | None,
    histories: str,
    seconds: float,
    picture: Path | None,
    target: Path | None,
) -> None:
    """Run the benchmark, print its tables, and write its figures."""
    chosen = names.split(",") if names else list(methods())
    if quick:
        seeds, experiments, data_experiments = 3, 50, 50
        chosen = [name for name in chosen if name not in PEERS]
    made_up = [
        OBJECTIVES[n] for n in (objective_names.split(",") if objective_names else OBJECTIVES)
    ]
    objectives = [*made_up, *map(data_objective, databases)]
    most = {o.name: experiments if o in made_up else data_experiments for o in objectives}
    at_once = [int(n) for n in asynchronous_delay.split(",")]
    span = range(first_seed, first_seed + seeds)
    pieces = list(wanted(chosen, objectives, span, at_once, most))
    found = all_pieces(pieces, objectives, keep, seconds)
    strategies = {n: STRATEGIES[n] for n in chosen if n in STRATEGIES and n not in PEERS}
    costly = {int(n): costs(strategies, int(n)) for n in filter(None, histories.split(","))}
    for n in at_once:
        print_regrets(found, n)
    if costly:
        print_costs(costly)
    if picture is not None:
        first = [piece for piece in found if piece.asynchronous_delay == at_once[0]]
        shown = [o.name for o in objectives if o is objectives[0] or o not in made_up]
        panels = {name: medians(first, name) for name in shown}
        picture.write_text(chart({**panels, "mean of all": suite_means(first)}))
    if target is not None:
        figures = {
            "stops": STOPS,
            "searches": [asdict(piece) for piece in found],
            "cpu_ms": {n: {k: asdict(v) for k, v in each.items()} for n, each in costly.items()},
        }
        target.write_text(json.dumps(figures) + "\n")


if __name__ == "__main__":
    main()
