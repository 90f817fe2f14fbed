"""Calls of recommenders, with as much as their methods accept: older ones accept less."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from reeltune.domain.arrays import AnyArray
from reeltune.ratings.catalogue import Catalogue
from reeltune.ratings.recommender import Recommender
from reeltune.ratings.shared_fits import SharedFits
from reeltune.ratings.table import RatingTable

Model = TypeVar("Model", bound=Recommender)


def fit_recommender(
    model: Model,
    ratings: RatingTable,
    catalogue: Catalogue,
    measured: RatingTable | None = None,
    shared: SharedFits | None = None,
) -> Model:
    """Fit a recommender to `ratings`, with what its `fit` accepts of the rest.

    Args:
        model: made with its hyperparameters.
        ratings: what it learns from.
        catalogue: of the same movies.
        measured: only users with a rating there will be scored; None: all will.
        shared: of the experiments on these ratings; None: there are no others.
    """
    offered = {"measured": measured, "shared": shared}
    given = {n: v for n, v in offered.items() if v is not None and accepts(model.fit, n)}
    fitted: Model = model.fit(ratings, catalogue, **given)
    return fitted


def load_recommender(
    model: Model, arrays: Mapping[str, AnyArray], ratings: Callable[[], RatingTable]
) -> Model:
    """Load a recommender from its arrays, with the ratings where its `load` accepts them.

    `ratings` gives those of the users and movies of the fit, at the positions of the fit.
    """
    load: Callable[..., Model] = model.load
    return load(arrays, ratings=ratings()) if accepts(load, "ratings") else load(arrays)


def accepts(method: Callable[..., Any], name: str) -> bool:
    """Return if a method has a parameter of that name, or takes any by name.

    >>> accepts(lambda a, ratings=None: None, "ratings"), accepts(lambda a: None, "ratings")
    (True, False)
    """
    try:
        parameters = inspect.signature(method).parameters
    except (TypeError, ValueError):  # a built-in one says nothing
        return False
    positional_only, anything = inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.VAR_KEYWORD
    if any(each.kind is anything for each in parameters.values()):
        return True
    return name in parameters and parameters[name].kind is not positional_only
