"""Nights replayed: real ratings in the order of time, each night measured on what comes after it.

    python -m benchmarks.replay --db movies.db [--keep FILE] [--chart FILE] [--json FILE] ...

The first part of the ratings is there at the start, with the defaults in production. Then, night by
night, as many ratings come as any other night, and the documented nightly command runs in a process
of its own on a database of its own. What is in production after it is measured on the ratings
before the next night, as a user is served that day; so are defaults, popularity and other
libraries, fitted to the same ratings. With --keep, finished nights are kept in a file, their
databases in a directory beside it, and a replay that was stopped goes on; a changed program starts
anew. `--tool "lists=--objective ndcg@10"` adds options to the nightly command, `--tool "weekly/7="`
searches every seventh night and renews in the others; several are replayed side by side.
"""

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

for _threads in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_threads, "1")  # CPU seconds are told

import click
from rich.console import Console

from benchmarks.replay_chart import chart
from benchmarks.replay_measure import measure
from benchmarks.replay_models import installed_models, served
from benchmarks.replay_nights import NIGHTLY, begin, forget, load_night, run_night
from benchmarks.replay_pieces import Piece, keep_piece, load_pieces, program
from benchmarks.replay_tables import print_gains, print_means, print_nights, print_shares
from benchmarks.replay_world import World

THIS_TOOL = "this tool"
WIDTH = 200  # of the tables, which have an interval in most cells


class Replay:
    """Replay under way: a world, where it keeps what is done, and what nights it replays."""

    def __init__(self, world: World, nights: int, keep: Path | None, home: Path) -> None:
        self.world, self.nights, self.keep, self.home = world, nights, keep, home
        self.name = f"{world.ratings.fingerprint[:16]} {world.cuts.tolist()}"
        self.program, self.known = program(), load_pieces(keep)

    def models(self) -> Iterator[Piece]:
        """Yield the pieces of the models that need no command."""
        for name, model in installed_models().items():
            for night in range(1, self.nights + 1):
                done = self._known(name, "", night)
                if done is None:
                    measured = measure(self.world, night, model(self.world, night))
                    done = self._kept(name, "", night, measured)
                yield done

    def tool(self, name: str, options: str) -> Iterator[Piece]:
        """Yield the pieces of the nightly command with these options."""
        command = f"{NIGHTLY} {options}".strip()
        every = int(name.partition("/")[2] or 0)
        home = self.home / "".join(c if c.isalnum() else "-" for c in name)
        if self._known(name, command, 1) is None:  # another program, or other options
            shutil.rmtree(home, ignore_errors=True)
        for night in range(1, self.nights + 1):
            done = self._known(name, command, night)
            if done is None:
                begin(self.world, home)
                report = run_night(self.world, home, night, command + _retuned(night, every))
                offer = served(self.world, night, load_night(home, night))
                measured = measure(self.world, night, offer)
                done = self._kept(name, command, night, measured, report)
                forget(home, night - 1)
                click.echo(f"{name}, night {night}: {report['line']}", err=True)
            yield done

    def _known(self, name: str, command: str, night: int) -> Piece | None:
        return self.known.get((self.name, name, command, night, self.program))

    def _kept(
        self,
        name: str,
        command: str,
        night: int,
        measured: dict[str, object],
        report: dict[str, object] | None = None,
    ) -> Piece:
        piece = Piece(
            world=self.name,
            name=name,
            command=command,
            night=night,
            program=self.program,
            measured=measured,
            night_report=report,
        )
        keep_piece(self.keep, piece)
        return piece


def _retuned(night: int, every: int) -> str:
    """Return the option that searches every so many nights; nothing where the command decides."""
    if not every:
        return ""
    return " --retune always" if (night - 1) % every == 0 else " --retune never"


def show(console: Console, pieces: list[Piece], first_tool: str) -> None:
    """Print all tables."""
    print_means(console, pieces)
    print_gains(console, pieces, first_tool)
    print_shares(console, pieces)
    print_nights(console, pieces)


@click.command(help=__doc__.split("\n\n")[0])
@click.option("--db", "db_path", type=click.Path(path_type=Path), default="movies.db")
@click.option("--share", default=0.6, show_default=True, help="Of the ratings, at the start.")
@click.option("--nights", type=click.IntRange(1), default=30, show_default=True)
@click.option("--tool", "tools", multiple=True, metavar="NAME=OPTIONS", help="Nightly options.")
@click.option("--keep", type=click.Path(path_type=Path), help="Where finished nights are kept.")
@click.option("--json", "target", type=click.Path(path_type=Path), help="Write all figures.")
@click.option("--chart", "picture", type=click.Path(path_type=Path), help="Draw an SVG.")
def main(
    db_path: Path,
    share: float,
    nights: int,
    tools: tuple[str, ...],
    keep: Path | None,
    target: Path | None,
    picture: Path | None,
) -> None:
    """Replay, print the tables, and write the figures."""
    asked = [tool.partition("=")[::2] for tool in tools] or [(THIS_TOOL, "")]
    world = World.of(db_path, share, nights)
    with tempfile.TemporaryDirectory() as scratch:
        home = Path(scratch) if keep is None else keep.with_name(keep.name + ".nights")
        replay = Replay(world, nights, keep, home)
        pieces = list(replay.models())
        for name, options in asked:
            pieces += replay.tool(name, options)
    show(Console(width=WIDTH), pieces, asked[0][0])
    if picture is not None:
        picture.write_text(chart(pieces), encoding="utf-8")
    if target is not None:
        target.write_text(json.dumps([asdict(piece) for piece in pieces]) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
