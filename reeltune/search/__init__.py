"""Ways of proposing what to try next, one file each, and the registry that names them."""

from importlib.util import find_spec

from reeltune.search.cmaes import CovarianceAdaptation
from reeltune.search.evolution import Evolution
from reeltune.search.gp_search import GaussianProcessSearch
from reeltune.search.grid import Grid
from reeltune.search.latin_hypercube import LatinHypercube
from reeltune.search.nsga2 import NonDominatedSorting
from reeltune.search.optuna_engines import OptunaCmaEs, OptunaSearch
from reeltune.search.random import Random
from reeltune.search.sobol import Sobol
from reeltune.search.strategy import Problem, Proposal, Strategy, Trial, propose
from reeltune.search.tpe import TreeParzenEstimator

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
        OptunaSearch("optuna-tpe", "TPESampler", by_axis=True),
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
    """Return what a strategy needs and is not installed."""
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
