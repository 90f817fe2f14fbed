"""Registry of families, and the space of all of them together."""

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

from reeltune.domain.errors import InputError
from reeltune.domain.parameters import CategoricalParameter, Configuration, when
from reeltune.domain.space import Space
from reeltune.table_models.family import REQUIREMENTS_OF_TABLES, Family, library
from reeltune.table_models.forest_families import ExtraTrees, RandomForest
from reeltune.table_models.histogram_family import HistogramBoosting
from reeltune.table_models.lightgbm_family import LightGbm
from reeltune.table_models.linear_families import Lasso, Logistic, Ridge
from reeltune.table_models.xgboost_family import XgBoost
from reeltune.tabular.target import Prediction

FAMILIES: Mapping[str, Family] = {
    family.name: family
    for family in (
        LightGbm(),
        XgBoost(),
        HistogramBoosting(),
        ExtraTrees(),
        RandomForest(),
        Logistic(),
        Ridge(),
        Lasso(),
    )
}
"""Families by name; the first is the default."""

FAMILY = "family"


def families_for(prediction: Prediction) -> list[Family]:
    """Return the families that predict classes, or numbers."""
    return [family for family in FAMILIES.values() if prediction in family.predictions]


def load_libraries(prediction: Prediction) -> None:
    """Import the libraries of all families, before time is measured.

    Raises:
        InputError: one is missing; all of them are named.
    """
    needed = {family.library.partition(".")[0] for family in families_for(prediction)}
    missing = sorted(name for name in needed if find_spec(name) is None)
    if missing:
        raise InputError(f"models of tables need {', '.join(missing)}: {REQUIREMENTS_OF_TABLES}")
    for family in families_for(prediction):
        library(family.library, family.title)


def table_space(prediction: Prediction) -> Space:
    """Return the space of all families: which one, and the hyperparameters of that one alone."""
    families = families_for(prediction)
    chosen = CategoricalParameter(
        name=FAMILY,
        default=families[0].name,
        choices=tuple(family.name for family in families),
        meaning="of models",
    )
    parameters = [
        parameter
        for family in families
        for parameter in family.parameters(prediction, when(**{FAMILY: family.name}))
    ]
    return Space.of(chosen, *parameters)


def family_of(configuration: Configuration) -> tuple[Family, dict[str, Any]]:
    """Return the family of a configuration, and its hyperparameters without the family's name."""
    family = FAMILIES[configuration[FAMILY]]
    prefix = f"{family.name}."
    return family, {
        name.removeprefix(prefix): value
        for name, value in configuration.items()
        if name.startswith(prefix)
    }
