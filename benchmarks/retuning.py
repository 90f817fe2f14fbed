"""Retuning every night, every week or once: what it is worth on the ratings after each night.

    python -m benchmarks.retuning --db movies.db [--objective NAME] [--split NAME] [--keep FILE]

Nights as in benchmarks.replay, without a gate: each searches anew by 20 experiments, from the
defaults and what earlier searches found, and is fitted to all that is known. The configurations of
one search in seven nights are those of retuning weekly, that of the first night alone of tuning
once. So all ways of retuning see the same searches.
"""

import json
import os
import tempfile
from pathlib import Path
from typing import Any

for _threads in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_threads, "1")

import click
import numpy as np
from rich.console import Console

from benchmarks.replay_measure import measure
from benchmarks.replay_models import Offer
from benchmarks.replay_pieces import Piece
from benchmarks.replay_tables import print_gains, print_means
from benchmarks.replay_world import World
from reeltune.components.hyperparameters import SPACE
from reeltune.db.connection import connection
from reeltune.db.dataset import load_dataset
from reeltune.domain.space import Configuration
from reeltune.domain.study import StudyConfig
from reeltune.rating_models.hand_weighted import HandWeighted
from reeltune.tuning.ratings import TuningOrchestrator

WAYS = {"every night": 1, "every 3 nights": 3, "every week": 7, "every 2 weeks": 14, "once": 10**6}
WIDTH = 200


def search_nights(world: World, nights: int, study: StudyConfig, keep: Path | None) -> list[Any]:
    """Return the best configuration of each night's search; those kept are not searched again."""
    found: list[Any] = json.loads(keep.read_text()) if keep and keep.exists() else []
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "movies.db"
        world.begin(path)
        for night in range(1, nights + 1):
            world.add(path, night)
            if night <= len(found):
                continue
            with connection(path) as conn:
                run = TuningOrchestrator(conn, load_dataset(conn), study, jobs=1).run_full_tuning()
            found.append(run.best_hyperparameters)
            click.echo(f"night {night}: {run.best_value}", err=True)
            if keep is not None:
                keep.write_text(json.dumps(found))
    return found


def pieces_of(world: World, name: str, configurations: list[Configuration]) -> list[Piece]:
    """Return what configurations are worth, one a night, each fitted at its night."""
    found = []
    for night, values in enumerate(configurations, 1):
        known = world.before(night)
        model = HandWeighted(values).fit(known, world.catalogue)
        measured = measure(world, night, Offer(model.score, np.diff(known.starts) > 0))
        found.append(
            Piece(world="", name=name, command="", night=night, program="", measured=measured)
        )
    return found


@click.command(help=__doc__.split("\n\n")[0])
@click.option("--db", "db_path", type=click.Path(path_type=Path), default="movies.db")
@click.option("--share", default=0.6, show_default=True, help="Of the ratings, at the start.")
@click.option("--nights", type=click.IntRange(1), default=30, show_default=True)
@click.option("--objective", default="accuracy", show_default=True)
@click.option("--split", default="user-time", show_default=True)
@click.option("--keep", type=click.Path(path_type=Path), help="Where finished searches are kept.")
def main(
    db_path: Path, share: float, nights: int, objective: str, split: str, keep: Path | None
) -> None:
    """Search, and print what each way of retuning is worth."""
    world = World.of(db_path, share, nights)
    study = StudyConfig(objective=objective, split=split, seed=1)
    best = search_nights(world, nights, study, keep)
    pieces = pieces_of(world, "never (defaults)", [SPACE.defaults()] * nights)
    for name, every in WAYS.items():
        pieces += pieces_of(world, name, [best[k // every * every] for k in range(nights)])
    console = Console(width=WIDTH)
    print_means(console, pieces)
    for name in ("every week", "once"):
        print_gains(console, pieces, name)


if __name__ == "__main__":
    main()
