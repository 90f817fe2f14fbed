"""Ways of proposing what to try next, one file each, and the registry that names them."""

from search.cmaes import CovarianceAdaptation
from search.evolution import Evolution
from search.gp import GaussianProcessSearch
from search.grid import Grid
from search.latin_hypercube import LatinHypercube
from search.nsga2 import NonDominatedSorting
from search.random import Random
from search.sobol import Sobol
from search.strategy import Problem, Proposal, Strategy, Trial, propose
from search.tpe import TreeParzenEstimator

STRATEGIES: dict[str, Strategy] = {
    strategy.name: strategy
    for strategy in (
        Grid(),
        Random(),
        GaussianProcessSearch("bayesian"),  # the best at small budgets, as measured
        GaussianProcessSearch(),
        TreeParzenEstimator(),
        Evolution(),
        CovarianceAdaptation(),
        NonDominatedSorting(),
        LatinHypercube(),
        Sobol(),
    )
}

ONE_OBJECTIVE = ("cmaes",)  # cannot go after several at once

__all__ = ["ONE_OBJECTIVE", "STRATEGIES", "Problem", "Proposal", "Strategy", "Trial", "propose"]
