"""The search benchmark's figures as tables on the terminal."""

from collections.abc import Mapping, Sequence

import numpy as np
from rich.console import Console
from rich.table import Table

Regrets = Mapping[str, Mapping[str, Sequence[Sequence[float]]]]


def print_regrets(regrets: Regrets, stops: Sequence[int]) -> None:
    """One table per objective, median and quartiles over seeds, and one of the mean of medians."""
    console = Console(width=110)
    objectives = list(next(iter(regrets.values())))
    for objective in objectives:
        table = _table(f"Regret on {objective}: median (quartiles)", stops)
        for method, found in regrets.items():
            runs = np.array(found[objective])  # (seeds, stops)
            low, middle, high = np.quantile(runs, [0.25, 0.5, 0.75], axis=0)
            cells = [
                f"{m:.2f} ({a:.2f}-{b:.2f})" for m, a, b in zip(middle, low, high, strict=True)
            ]
            table.add_row(method, *cells)
        console.print(table)
    table = _table(f"Mean of the medians over {len(objectives)} objectives", stops)
    for method, found in regrets.items():
        medians = np.array([np.median(found[objective], axis=0) for objective in objectives])
        table.add_row(method, *(f"{value:.3f}" for value in medians.mean(axis=0)))
    console.print(table)


def print_costs(costs: Mapping[str, Mapping[int, float]]) -> None:
    """CPU per proposal by the length of the history."""
    if not costs:
        return
    lengths = list(next(iter(costs.values())))
    table = Table("", *(f"{n:,}" for n in lengths), title="CPU per proposal, ms, by history")
    for method, found in costs.items():
        table.add_row(method, *(f"{found[n]:.1f}" for n in lengths))
    Console(width=110).print(table)


def _table(title: str, stops: Sequence[int]) -> Table:
    return Table("", *(str(stop) for stop in stops), title=title)
