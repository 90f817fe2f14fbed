"""The names that the scripts of the root, and the package, promise to Python."""

import ast
import importlib
import inspect
from pathlib import Path

import pytest

import reeltune

PROMISED = {
    "hyperparameter_tuner": ["HyperparameterTuner"],
    "tune_orchestrator": ["TuningOrchestrator"],
    "retrain_model": ["apply_hyperparameters", "run_hyperparameter_tuning"],
    "model": ["HandWeighted", "Recommender", "recommend"],
    "model_versioning": ["load_model", "promote", "register", "rollback", "verify"],
    "reeltune": [
        "HyperparameterTuner",
        "TuningOrchestrator",
        "apply_hyperparameters",
        "run_hyperparameter_tuning",
    ],
}
METHODS = {
    "HyperparameterTuner": [
        "get_current_hyperparameters",
        "generate_grid_search_space",
        "generate_random_search_space",
        "generate_bayesian_search_space",
        "save_experiment",
        "get_best_experiment",
        "get_tuning_statistics",
    ],
    "TuningOrchestrator": [
        "test_configuration",
        "run_full_tuning",
        "run_phase_2_tuning",
        "generate_tuning_summary",
    ],
}


@pytest.mark.parametrize("module", PROMISED)
def test_a_door_has_the_names_it_promises(module: str) -> None:
    found = importlib.import_module(module)
    for name in PROMISED[module]:
        assert callable(getattr(found, name)), name
        assert name in found.__all__


@pytest.mark.parametrize("name", METHODS)
def test_a_class_has_the_methods_it_promises_with_a_docstring(name: str) -> None:
    found = getattr(reeltune, name)
    for method in METHODS[name]:
        assert inspect.isfunction(getattr(found, method)), method
        assert getattr(found, method).__doc__, method


@pytest.mark.parametrize("name", reeltune.__all__)
def test_every_public_name_of_the_package_is_there(name: str) -> None:
    assert getattr(reeltune, name) is not None


def test_type_checkers_see_what_is_imported() -> None:
    tree = ast.parse(Path(reeltune.__file__).read_text(encoding="utf-8"))
    shown = {
        alias.asname: f"{node.module}"
        for block in tree.body
        if isinstance(block, ast.If)
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert shown == {name: f"reeltune.{module}" for name, module in reeltune._PUBLIC.items()}


def test_what_the_scripts_call_by_one_name_is_one_thing() -> None:
    for module, names in PROMISED.items():
        for name in set(names) & set(reeltune.__all__):
            found = getattr(importlib.import_module(module), name)
            assert found is getattr(reeltune, name)


def test_a_name_that_is_not_there_is_told_as_usual() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        reeltune.Nothing  # noqa: B018
