"""ReelTune retunes and redeploys a recommender on one SQLite file, and proves that it is better.

The names of `__all__` are the public interface; each is imported when it is first used, so that
`import reeltune` costs nothing.
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_PUBLIC = {
    "Ascending": "domain.space",
    "BooleanParameter": "domain.space",
    "Catalogue": "ratings.catalogue",
    "CategoricalParameter": "domain.space",
    "Dataset": "ratings.dataset",
    "Designer": "studies.designer",
    "FloatParameter": "domain.space",
    "HandWeighted": "rating_models.hand_weighted",
    "Hyperparameter": "domain.space",
    "HyperparameterTuner": "tuning.ratings",
    "IntParameter": "domain.space",
    "Measurement": "studies.trial",
    "Plan": "tuning.plan",
    "ProblemStatement": "studies.designer",
    "RatingTable": "ratings.table",
    "Recommendation": "ratings.recommender",
    "Recommender": "ratings.recommender",
    "ReelTuneError": "domain.errors",
    "ScaleType": "domain.search_space",
    "SearchSpace": "domain.search_space",
    "Simplex": "domain.space",
    "Single": "domain.space",
    "Space": "domain.space",
    "Study": "studies.study",
    "Trial": "studies.trial",
    "TrialStatus": "studies.trial",
    "TrialSuggestion": "studies.trial",
    "TuningOrchestrator": "tuning.ratings",
    "apply_hyperparameters": "commands.from_python",
    "connection": "db.connection",
    "load_dataset": "db.dataset",
    "load_model": "versioning.registry",
    "objective": "tasks.function",
    "recommend": "rating_models.recommend",
    "run_hyperparameter_tuning": "commands.from_python",
    "run_lock": "storage.run_lock",
    "when": "domain.space",
}
"""By name, the module that defines it."""

__all__ = [*_PUBLIC, "__version__"]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used."""
    if name not in _PUBLIC:
        raise AttributeError(f"module 'reeltune' has no attribute {name!r}")
    found = getattr(import_module(f"reeltune.{_PUBLIC[name]}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    """Return the public names."""
    return sorted(__all__)
