"""Ways of proposing what to try next, one file each, and the registry that names them."""

from importlib.util import find_spec

from search.cmaes import CovarianceAdaptation
from search.evolution import Evolution
from search.gp import GaussianProcessSearch
from search.grid import Grid
from search.latin_hypercube import LatinHypercube
from search.nsga2 import NonDominatedSorting
from search.optuna_engines import OptunaCmaEs, OptunaSearch
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
        OptunaSearch("optuna-tpe", "TPESampler"),
        OptunaSearch("optuna-gp", "GPSampler", needs_torch=True),
        OptunaCmaEs(),
    )
}

ONE_OBJECTIVE = ("cmaes", "optuna-cmaes")  # cannot go after several at once
NEEDS = {  # libraries beside those of the main job
    "optuna-tpe": ("optuna",),
    "optuna-gp": ("optuna", "torch"),
    "optuna-cmaes": ("optuna", "cmaes"),
}


def missing_libraries(name: str) -> list[str]:
    """What a strategy needs and is not installed."""
    return [library for library in NEEDS.get(name, ()) if find_spec(library) is None]


__all__ = [
    "NEEDS",
    "ONE_OBJECTIVE",
    "STRATEGIES",
    "Problem",
    "Proposal",
    "Strategy",
    "Trial",
    "missing_libraries",
    "propose",
]
