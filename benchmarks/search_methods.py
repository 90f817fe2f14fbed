"""Methods that the search benchmark compares: our strategies, and Optuna's if installed."""

import importlib
import importlib.metadata
import importlib.util
import warnings
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from benchmarks.search_objectives import Objective
from reeltune.domain.space import Configuration
from reeltune.search import STRATEGIES, Problem, Strategy, Trial, propose

GUESSED = "gp-guessed"  # `gp` after a surrogate's guesses, where the objective has them


class Searcher(Protocol):
    """One search under way; results are told in the order of the numbers, maybe some asks later."""

    def ask(self) -> Configuration | None:
        """Return what to try next, numbered 0, 1, ...; None where nothing is left."""

    def tell(self, number: int, value: float) -> None:
        """Take the value of the configuration of that number."""


Method = Callable[[Objective, int, int], Searcher]  # objective, seed, in flight


class Ours:
    """Strategy of ours, which sees what is in flight."""

    def __init__(
        self,
        strategy: Strategy,
        objective: Objective,
        seed: int,
        asynchronous_delay: int,
        guesses: tuple[Configuration, ...] = (),
    ) -> None:
        self.strategy, self.space = strategy, objective.space
        self.seed, self.asynchronous_delay = seed, asynchronous_delay
        self.firsts = [objective.first(seed), *guesses]
        self.trials: list[Trial] = []

    def ask(self) -> Configuration | None:
        """Return the first configuration and any guesses; then what the strategy proposes."""
        number = len(self.trials)
        if number < len(self.firsts):
            chosen = self.firsts[number]
        else:
            problem = Problem(
                space=self.space,
                current=self.firsts[0],
                seed=self.seed,
                number=number,
                trials=self.trials,
                asynchronous_delay=self.asynchronous_delay,
            )
            proposal = propose(self.strategy, problem)
            if proposal is None:
                return None
            chosen = proposal.configuration
        self.trials.append(Trial(chosen, None, number))
        return chosen

    def tell(self, number: int, value: float) -> None:
        """Add the result to the history."""
        self.trials[number] = Trial(self.trials[number].configuration, value, number)


class Peer:
    """One of Optuna's samplers, in memory, on the axes of the same cube."""

    def __init__(self, sampler: str, objective: Objective, seed: int) -> None:
        optuna: Any = importlib.import_module("optuna")

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        warnings.simplefilter("ignore")
        make = getattr(optuna.samplers, sampler)
        self.study: Any = optuna.create_study(direction="maximize", sampler=make(seed=seed))
        self.space = objective.space
        point = self.space.encode(objective.first(seed))
        first = dict(zip(self.space.dimensions, map(float, point), strict=True))
        self.study.enqueue_trial(first)
        self.asked: list[Any] = []

    def ask(self) -> Configuration:
        """Return the first configuration; then what the sampler draws."""
        trial = self.study.ask()
        self.asked.append(trial)
        point = [trial.suggest_float(name, 0.0, 1.0) for name in self.space.dimensions]
        return self.space.decode(np.array(point))

    def tell(self, number: int, value: float) -> None:
        """Hand the value to the study."""
        self.study.tell(self.asked[number], value)


PEERS = {
    "optuna-gp": "GPSampler",
    "optuna-tpe": "TPESampler",
    "optuna-cmaes": "CmaEsSampler",
    "optuna-random": "RandomSampler",
}
SLOW = {"optuna-gp": 50}  # experiments at most: beyond, a proposal takes it a second and more


def methods() -> dict[str, Method]:
    """Every method that can run here, by name; `bayesian` is `gp`, and goes by that name."""
    left_out = ("grid", "bayesian", "nsga2", *PEERS)
    found = {name: _ours(name) for name in STRATEGIES if name not in left_out}
    found[GUESSED] = _guessed
    if importlib.util.find_spec("optuna") is not None:
        found |= {name: _peer(sampler) for name, sampler in PEERS.items()}
    return found


def _ours(name: str) -> Method:
    return lambda objective, seed, asynchronous_delay: Ours(
        STRATEGIES[name], objective, seed, asynchronous_delay
    )


def _guessed(objective: Objective, seed: int, asynchronous_delay: int) -> Searcher:
    assert objective.guesses is not None
    guesses = tuple(objective.guesses(seed))
    return Ours(STRATEGIES["gp"], objective, seed, asynchronous_delay, guesses)


def _peer(sampler: str) -> Method:
    return lambda objective, seed, _in_flight: Peer(sampler, objective, seed)
