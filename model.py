"""The hand-weighted recommender, for use from Python: `HandWeighted`, `recommend`.

Commands that use it: retrain_model.py (fit and deploy), tune_orchestrator.py (tune),
model_versioning.py show --user ID (recommendations of the version in production).
"""

from reeltune.domain.study import BUILT_IN
from reeltune.rating_models.hand_weighted import HandWeighted
from reeltune.rating_models.recommend import recommend, top_movies
from reeltune.rating_models.registry import model_class
from reeltune.ratings.recommender import Recommendation, Recommender

__all__ = [
    "BUILT_IN",
    "HandWeighted",
    "Recommendation",
    "Recommender",
    "model_class",
    "recommend",
    "top_movies",
]

if __name__ == "__main__":
    from reeltune.commands.library import library_command

    library_command(__doc__)(prog_name="model.py")
