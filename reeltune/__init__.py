"""ReelTune retunes and redeploys a recommender on one SQLite file, and proves that it is better.

The names of `__all__` are the public interface; each is imported when it is first used, so that
`import reeltune` costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reeltune.commands.from_python import apply_hyperparameters as apply_hyperparameters
    from reeltune.commands.from_python import run_hyperparameter_tuning as run_hyperparameter_tuning
    from reeltune.db.connection import connection as connection
    from reeltune.db.dataset import load_dataset as load_dataset
    from reeltune.domain.errors import ReelTuneError as ReelTuneError
    from reeltune.domain.search_space import ScaleType as ScaleType
    from reeltune.domain.search_space import SearchSpace as SearchSpace
    from reeltune.domain.space import Ascending as Ascending
    from reeltune.domain.space import BooleanParameter as BooleanParameter
    from reeltune.domain.space import CategoricalParameter as CategoricalParameter
    from reeltune.domain.space import FloatParameter as FloatParameter
    from reeltune.domain.space import Hyperparameter as Hyperparameter
    from reeltune.domain.space import IntParameter as IntParameter
    from reeltune.domain.space import Simplex as Simplex
    from reeltune.domain.space import Single as Single
    from reeltune.domain.space import Space as Space
    from reeltune.domain.space import when as when
    from reeltune.rating_models.hand_weighted import HandWeighted as HandWeighted
    from reeltune.rating_models.recommend import recommend as recommend
    from reeltune.ratings.catalogue import Catalogue as Catalogue
    from reeltune.ratings.dataset import Dataset as Dataset
    from reeltune.ratings.recommender import Recommendation as Recommendation
    from reeltune.ratings.recommender import Recommender as Recommender
    from reeltune.ratings.table import RatingTable as RatingTable
    from reeltune.serving.recommendations import Recommendations as Recommendations
    from reeltune.storage.run_lock import run_lock as run_lock
    from reeltune.studies.designer import Designer as Designer
    from reeltune.studies.designer import ProblemStatement as ProblemStatement
    from reeltune.studies.study import Study as Study
    from reeltune.studies.trial import Measurement as Measurement
    from reeltune.studies.trial import Trial as Trial
    from reeltune.studies.trial import TrialStatus as TrialStatus
    from reeltune.studies.trial import TrialSuggestion as TrialSuggestion
    from reeltune.tasks.function import objective as objective
    from reeltune.tuning.plan import Plan as Plan
    from reeltune.tuning.ratings import HyperparameterTuner as HyperparameterTuner
    from reeltune.tuning.ratings import TuningOrchestrator as TuningOrchestrator
    from reeltune.versioning.registry import load_model as load_model
    from reeltune.views.frames import to_dataframe as to_dataframe

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
    "Recommendations": "serving.recommendations",
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
    "to_dataframe": "views.frames",
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
