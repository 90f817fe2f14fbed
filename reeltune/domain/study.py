"""Configuration of a study: what is tuned, and for which objectives."""

import re
from dataclasses import dataclass

RATINGS = "ratings"  # the task of tuning a recommender
FUNCTION = "function"  # the task of tuning whatever a function of the user's measures
TABULAR = "tabular"  # the task of tuning models of a table
STUDY = "study"  # of trials that are asked for and told from outside
_TABLE = re.compile(r"\?(?:.*&)?task=(classification|regression)(?:&|$)")  # of a table's name
NO_SPLIT = "none"  # of a task that holds out no data of its own
BUILT_IN = "hand-weighted"  # the recommender that is tuned if no other is named
HYBRID = "hybrid"  # the recommender with learned components and fitted weights
STAR_MODELS = {  # recommenders by predicted stars, and the classes that they are
    "biased-means": "BiasedMeansModel",
    "ridge": "RidgeModel",
    "boosted-trees": "BoostedTreesModel",
    "boosted-ranking": "BoostedRankingModel",
    "matrix-factorization": "FactorizationModel",
    "two-tower": "TwoTowerNetwork",
}


def comparable_model(model: str) -> str:
    """Return by what a model's best configurations are worth trying for another one.

    That is the model itself; of a table what kind of target it has, whichever table it is.

    >>> comparable_model("hybrid"), comparable_model("/a.csv?target=y&task=regression")
    ('hybrid', 'table of regression')
    """
    found = _TABLE.search(model)
    return model if found is None else f"table of {found[1]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyConfig:
    """Choices that a run's results depend on, beside its plan."""

    task: str = RATINGS
    model: str = BUILT_IN  # what the task tunes: a recommender, or a function of the user's
    split: str = "user-time"
    objective: str = "accuracy"  # decides which is best
    further_objectives: tuple[str, ...] = ()  # to be good at as well: then a front is looked for
    seed: int | None = None  # None: the number of runs before this one, so that nights differ

    @property
    def objectives(self) -> tuple[str, ...]:
        """Names of all objectives, the deciding one first."""
        return (self.objective, *self.further_objectives)
