"""Search benchmark's figures as tables on the terminal."""

from collections.abc import Mapping, Sequence

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.search_costs import Cost
from benchmarks.search_runs import STOPS, Piece
from reeltune.domain.arrays import Floats

Medians = dict[str, list[float]]  # by method; as many of `STOPS` as it went to


def runs_of(pieces: Sequence[Piece], method: str, objective: str) -> Floats:
    """(seeds, stops) the regrets of a method on an objective."""
    rows = [p.regrets for p in pieces if (p.method, p.objective) == (method, objective)]
    stops = min(map(len, rows), default=0)
    return np.array([row[:stops] for row in rows], dtype=np.float64).reshape(len(rows), stops)


def print_regrets(pieces: Sequence[Piece], asynchronous_delay: int) -> None:
    """One table per objective, median and quartiles over seeds, and one of the mean of medians."""
    chosen = [piece for piece in pieces if piece.asynchronous_delay == asynchronous_delay]
    console = Console(width=120)
    for objective in _names(chosen, "objective"):
        title = f"Regret on {objective}, {asynchronous_delay} in flight: median (quartiles)"
        table = _table(title)
        for method in _names(chosen, "method"):
            runs = runs_of(chosen, method, objective)
            if runs.size:
                quartiles = np.quantile(runs, [0.25, 0.5, 0.75], axis=0).T
                cells = [f"{m:.2f} ({a:.2f}-{b:.2f})" for a, m, b in quartiles]
                table.add_row(method, str(len(runs)), *_filled(cells))
        console.print(table)
    objectives = _names(chosen, "objective")
    table = _table(
        f"Mean of the medians over {', '.join(objectives)}, {asynchronous_delay} in flight"
    )
    for method, means in suite_means(chosen).items():
        seeds = min(len(runs_of(chosen, method, objective)) for objective in objectives)
        table.add_row(method, str(seeds), *_filled([f"{value:.3f}" for value in means]))
    console.print(table)


def medians(pieces: Sequence[Piece], objective: str) -> Medians:
    """Of each method on one objective."""
    found = {m: runs_of(pieces, m, objective) for m in _names(pieces, "method")}
    return {m: np.median(runs, axis=0).tolist() for m, runs in found.items() if runs.size}


def suite_means(pieces: Sequence[Piece]) -> Medians:
    """Mean over objectives of each method's medians; of methods that ran on all of them."""
    by_objective = [medians(pieces, objective) for objective in _names(pieces, "objective")]
    found: Medians = {}
    for method in _names(pieces, "method"):
        rows = [each[method] for each in by_objective if method in each]
        if len(rows) == len(by_objective):
            stops = min(map(len, rows))
            found[method] = np.mean([row[:stops] for row in rows], axis=0).tolist()
    return found


def print_costs(found: Mapping[int, Mapping[str, Cost]]) -> None:
    """CPU of a proposal and of its record, by the length of the history."""
    table = Table("", *(f"{n:,}" for n in found), title="CPU ms: proposal + durable record")
    for method in next(iter(found.values())):
        each = [costs[method] for costs in found.values()]
        table.add_row(method, *(f"{cost.proposal:.1f} + {cost.record:.1f}" for cost in each))
    Console(width=110).print(table)


def _names(pieces: Sequence[Piece], field: str) -> list[str]:
    """Return what they have in a field, each once, in order."""
    return list(dict.fromkeys(getattr(piece, field) for piece in pieces))


def _filled(cells: list[str]) -> list[str]:
    return [*cells, *["-"] * (len(STOPS) - len(cells))]


def _table(title: str) -> Table:
    return Table("", "seeds", *(str(stop) for stop in STOPS), title=title)
