"""Searches of the benchmark: each is a piece that can be kept, so that a long run can stop."""

import hashlib
import importlib.metadata
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from benchmarks.search_methods import GUESSED, PEERS, SLOW, Method
from benchmarks.search_objectives import Objective

STOPS = (10, 20, 30, 50, 100, 200)
NOISE_STREAM = 1
_ROOT = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One search: what it was of, and its regret at the first of `STOPS`."""

    method: str
    objective: str
    seed: int
    asynchronous_delay: int
    experiments: int
    program: str  # of the method
    regrets: tuple[float, ...] = ()

    @property
    def key(self) -> tuple[str, str, int, int, int, str]:
        """Return all but what was found."""
        return (
            self.method,
            self.objective,
            self.seed,
            self.asynchronous_delay,
            self.experiments,
            self.program,
        )


def search_regrets(
    method: Method, objective: Objective, seed: int, n: int, asynchronous_delay: int = 1
) -> list[float]:
    """Normalised regret of the incumbent at each of `STOPS` up to `n` experiments.

    Proposal k sees the results up to k - `asynchronous_delay`.
    """
    noise = np.random.default_rng([seed, NOISE_STREAM])
    searcher = method(objective, seed, asynchronous_delay)
    scale = objective.scale()
    true: list[float] = []
    seen: list[float] = []
    while len(true) < n and (configuration := searcher.ask()) is not None:
        assert objective.space.faults(configuration) == []
        true.append(objective.value(configuration))
        seen.append(true[-1] + scale * objective.noise_share * noise.standard_normal())
        if len(true) >= asynchronous_delay:
            told = len(true) - asynchronous_delay
            searcher.tell(told, seen[told])
    stops = [stop for stop in STOPS if stop <= n]
    best = [true[int(np.argmax(seen[:stop]))] for stop in stops]
    return [(objective.optimum - value) / scale for value in best]


def wanted(
    methods: Iterable[str],
    objectives: Iterable[Objective],
    seeds: range,
    asynchronous_delay: Iterable[int],
    most: Mapping[str, int],
) -> Iterator[Piece]:
    """Return the pieces of a benchmark, a seed of everything before the next seed.

    Args:
        most: experiments, by objective; slow peers have fewer.
    """
    methods, asynchronous_delay = list(methods), list(asynchronous_delay)
    objectives = list(objectives)
    for seed in seeds:
        for objective in objectives:
            for at_once in asynchronous_delay:
                for method in methods:
                    if method == GUESSED and objective.guesses is None:
                        continue
                    n = most[objective.name]
                    yield Piece(
                        method=method,
                        objective=objective.name,
                        seed=seed,
                        asynchronous_delay=at_once,
                        experiments=min(n, SLOW.get(method, n)),
                        program=program_of(method),
                    )


def program_of(method: str) -> str:
    """Return what a piece of this method depends on: Optuna's version, or our strategies' hash."""
    if method in PEERS:
        return "optuna " + importlib.metadata.version("optuna")
    files = sorted((_ROOT / "reeltune" / "search").glob("*.py"))
    files += [_ROOT / "reeltune" / "tasks" / "initial_guesses.py"] if method == GUESSED else []
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:16]


def load_pieces(path: Path | None) -> dict[tuple[str, str, int, int, int, str], Piece]:
    """Return the pieces kept in a file of one JSON object a line, by their keys."""
    if path is None or not path.exists():
        return {}
    lines = path.read_text(encoding="utf-8").splitlines()
    pieces = [
        Piece(**{**found, "regrets": tuple(found["regrets"])}) for found in map(json.loads, lines)
    ]
    return {piece.key: piece for piece in pieces}


def keep_piece(path: Path | None, piece: Piece) -> None:
    """Add a piece to the file."""
    if path is not None:
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(piece)) + "\n")
