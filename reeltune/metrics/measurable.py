"""Whether there is anybody to measure a model on: a verdict over nobody is none."""

import numpy as np

from reeltune.metrics.ranking_metrics import RELEVANT
from reeltune.ratings.splits import FEWEST_RATINGS
from reeltune.ratings.table import RatingTable

_NEEDS: dict[str, str] = {
    "user-time": f"of users with at least {FEWEST_RATINGS} ratings",
    "calendar": "with ratings on at least three days",
}


def n_measurable(held_out: RatingTable) -> int:
    """Return how many users have a movie held out that they liked, and one that they did not.

    Without such a pair accuracy says nothing, and the gate needs it whatever the objective.
    """
    liked = held_out.ratings >= RELEVANT
    n_liked = np.bincount(held_out.users[liked], minlength=held_out.n_users)
    n_others = np.bincount(held_out.users[~liked], minlength=held_out.n_users)
    return int(np.count_nonzero((n_liked > 0) & (n_others > 0)))


def nobody(held_out: RatingTable, split: str, part: str) -> str | None:
    """Return why nobody can be measured and what is needed; None where somebody can."""
    if n_measurable(held_out):
        return None
    other = next(name for name in _NEEDS if name != split)
    return (
        f"nobody can be measured: no user has a rating of {RELEVANT:g} or more and a lower one in "
        f"the {part} part of the {split} split, which is taken from the latest {_NEEDS[split]}; "
        f"import more ratings, or try --split {other}"
    )
