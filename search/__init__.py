"""Ways of proposing what to try next, one file each, and the registry that names them."""

from search.gp import GaussianProcessSearch
from search.grid import Grid
from search.random import Random
from search.strategy import Problem, Proposal, Strategy, Trial, propose

STRATEGIES: dict[str, Strategy] = {
    strategy.name: strategy
    for strategy in (
        Grid(),
        Random(),
        GaussianProcessSearch("bayesian"),  # the best at small budgets, as measured
        GaussianProcessSearch(),
    )
}

__all__ = ["STRATEGIES", "Problem", "Proposal", "Strategy", "Trial", "propose"]
