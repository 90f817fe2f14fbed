"""CPU time and error of the importance of hyperparameters, on functions whose shares are known.

    python -m benchmarks.importance [--results 200] [--results 1000] [--results 10000]

The shares by brute force are those of the function itself at 400,000 draws.
"""

import os
import time
from collections.abc import Callable

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import click
import numpy as np
from rich.console import Console
from rich.table import Table

from reeltune.components.hyperparameters import SPACE
from reeltune.domain.arrays import Floats
from reeltune.domain.space import FloatParameter, Space
from reeltune.search.feature_map import Features
from reeltune.search.importance import importance
from reeltune.stats.variance_shares import bins_of, explained_shares

N_BRUTE, N_BINS = 400_000, 64
NO_EFFECT = 0.003  # shares below, which brute force cannot tell from none

Columns = dict[str, Floats]


def ishigami(p: Columns) -> Floats:
    """Return Ishigami's function of the first three of ten axes."""
    a, b, c = (np.pi * (2 * p[name] - 1) for name in ("p0", "p1", "p2"))
    found: Floats = np.sin(a) + 7 * np.sin(b) ** 2 + 0.1 * c**4 * np.sin(a)
    return found


def of_ratings(p: Columns) -> Floats:
    """Return a function of the recommender's own space: shares of 1, thresholds in order."""
    found: Floats = (
        1.5 * np.sqrt(p["genre_weight"])
        - 2 * (p["rating_weight"] - 0.3) ** 2
        + 0.3 * np.sin(12 * p["genre_boost_high"])
        + 0.5 * p["cast_lead_weight"] * p["cast_supporting_weight"]
        + 0.2 * (p["genre_threshold_medium"] > 0.45)
    )
    return found


TEN = Space.of(
    *(FloatParameter(name=f"p{k}", default=0.5, low=0.0, high=1.0, meaning="") for k in range(10))
)
PROBLEMS: dict[str, tuple[Space, Callable[[Columns], Floats]]] = {
    "Ishigami, 7 of noise": (TEN, ishigami),
    "the recommender's space": (SPACE, of_ratings),
}


def drawn(space: Space, cube: Floats) -> Columns:
    """Return the values of each hyperparameter at points of the cube."""
    return dict(zip(space.hyperparameters, Features(space).values_at(cube)[0].T, strict=True))


def brute_force(space: Space, function: Callable[[Columns], Floats]) -> dict[str, float]:
    """Return the shares by the function itself."""
    columns = drawn(space, np.random.default_rng(8).random((N_BRUTE, len(space.dimensions))))
    values = function(columns)[:, None]
    return {
        name: float(explained_shares(bins_of(column, N_BINS), values)[0])
        for name, column in columns.items()
    }


def _row(
    name: str,
    n: int,
    noise: float,
    expected: dict[str, float],
    shares: dict[str, float],
    cpu: float,
) -> list[str]:
    error = max(abs(shares.get(k, 0.0) - v) for k, v in expected.items())
    nothing = max(shares.get(k, 0.0) for k, v in expected.items() if v < NO_EFFECT)
    return [name, f"{n:,}", f"{noise:.0%}", f"{error:.3f}", f"{nothing:.2%}", f"{cpu:.2f}"]


@click.command(help=__doc__.split("\n\n")[0])
@click.option("--results", multiple=True, type=int, default=(200, 1_000, 10_000), show_default=True)
@click.option("--seed", default=1, show_default=True, help="Of the results.")
def main(results: tuple[int, ...], seed: int) -> None:
    """Measure, and print one line for each problem, number of results and share of noise."""
    headings = ("function", "results", "noise", "largest error", "most of no effect", "CPU s")
    table = Table(*headings, box=None)
    for name, (space, function) in PROBLEMS.items():
        expected = brute_force(space, function)
        for n in results:
            for noise in (0.0, 0.3):
                rng = np.random.default_rng(seed)
                cube = rng.random((n, len(space.dimensions)))
                configurations = [space.decode(point) for point in cube]
                values = function(drawn(space, cube))
                values = values + noise * values.std() * rng.standard_normal(n)
                began = time.process_time()
                found = importance(space, configurations, values)
                cpu = time.process_time() - began
                shares = {} if found is None else {e.name: e.share for e in found.effects}
                table.add_row(*_row(name, n, noise, expected, shares, cpu))
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
