"""What the search benchmark compares: our strategies and, where installed, Optuna's samplers."""

import importlib
import importlib.util
import warnings
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from domain.space import Configuration, Space
from search import STRATEGIES, Problem, Strategy, Trial, propose


class Searcher(Protocol):
    """One search under way."""

    def ask(self) -> Configuration | None:
        """What to try next; None where nothing is left."""

    def tell(self, configuration: Configuration, value: float) -> None:
        """What the configuration asked for was worth."""


Method = Callable[[Space, Configuration, int], Searcher]  # space, first configuration, seed


class Ours:
    """A strategy of ours, asked in order."""

    def __init__(self, strategy: Strategy, space: Space, current: Configuration, seed: int) -> None:
        self.strategy, self.space, self.current, self.seed = strategy, space, current, seed
        self.trials: list[Trial] = []

    def ask(self) -> Configuration | None:
        """The current configuration first; then what the strategy proposes."""
        if not self.trials:
            return self.current
        problem = Problem(
            space=self.space,
            current=self.current,
            seed=self.seed,
            number=len(self.trials),
            trials=self.trials,
        )
        proposal = propose(self.strategy, problem)
        return None if proposal is None else proposal.configuration

    def tell(self, configuration: Configuration, value: float) -> None:
        """Add to the history."""
        self.trials.append(Trial(configuration, value, len(self.trials)))


class Peer:
    """One of Optuna's samplers, in memory, on the axes of the same cube."""

    def __init__(self, sampler: str, space: Space, current: Configuration, seed: int) -> None:
        optuna: Any = importlib.import_module("optuna")

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        warnings.simplefilter("ignore")
        make = getattr(optuna.samplers, sampler)
        self.study: Any = optuna.create_study(direction="maximize", sampler=make(seed=seed))
        self.space = space
        first = dict(zip(space.dimensions, space.encode(current), strict=True))
        self.study.enqueue_trial({name: float(unit) for name, unit in first.items()})
        self.asked: Any = None

    def ask(self) -> Configuration:
        """The current configuration first; then what the sampler draws."""
        self.asked = self.study.ask()
        point = [self.asked.suggest_float(name, 0.0, 1.0) for name in self.space.dimensions]
        return self.space.decode(np.array(point))

    def tell(self, configuration: Configuration, value: float) -> None:
        """Hand the value to the study."""
        self.study.tell(self.asked, value)


PEERS = {
    "optuna-gp": "GPSampler",
    "optuna-tpe": "TPESampler",
    "optuna-cmaes": "CmaEsSampler",
    "optuna-random": "RandomSampler",
}


def methods() -> dict[str, Method]:
    """Every method that can run here, by name."""
    found: dict[str, Method] = {name: _ours(name) for name in STRATEGIES if name != "grid"}
    if importlib.util.find_spec("optuna") is not None:
        found |= {name: _peer(sampler) for name, sampler in PEERS.items()}
    return found


def _ours(name: str) -> Method:
    return lambda space, current, seed: Ours(STRATEGIES[name], space, current, seed)


def _peer(sampler: str) -> Method:
    return lambda space, current, seed: Peer(sampler, space, current, seed)
