"""Ways of proposing what to try next, one file each, and the registry that names them."""

from search.bayesian import Bayesian
from search.grid import Grid
from search.random import Random
from search.strategy import Problem, Proposal, Strategy, Trial, propose

STRATEGIES: dict[str, Strategy] = {
    strategy.name: strategy for strategy in (Grid(), Random(), Bayesian())
}

__all__ = ["STRATEGIES", "Problem", "Proposal", "Strategy", "Trial", "propose"]
