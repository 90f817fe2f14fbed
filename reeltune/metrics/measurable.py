"""Measurable: whether there is anybody to measure a model on; a verdict over nobody is none."""

import numpy as np

from reeltune.metrics.ranking_metrics import RELEVANT
from reeltune.ratings.splits import MIN_SPLIT_RATINGS
from reeltune.ratings.table import RatingTable

_TAKEN_FROM: dict[str, str] = {
    "user-time": f"the latest ratings of users with at least {MIN_SPLIT_RATINGS}",
    "calendar": "the latest ratings, of at least three days",
    "user-random": f"ratings of users with at least {MIN_SPLIT_RATINGS}",
}


def n_measurable(held_out: RatingTable, *, needs_dislikes: bool = True) -> int:
    """Return how many users have a movie held out that they liked, and one that they did not.

    Without such a pair accuracy says nothing. Where that is not needed, for lists or where no data
    say what is disliked, as with events, a liked movie is enough.
    """
    liked = held_out.ratings >= RELEVANT
    n_liked = np.bincount(held_out.users[liked], minlength=held_out.n_users)
    n_others = np.bincount(held_out.users[~liked], minlength=held_out.n_users)
    return int(np.count_nonzero((n_liked > 0) & ((n_others > 0) | (not needs_dislikes))))


def nobody(
    held_out: RatingTable, split: str, part: str, *, needs_dislikes: bool = True
) -> str | None:
    """Return why nobody can be measured and what is needed; None where somebody can."""
    if n_measurable(held_out, needs_dislikes=needs_dislikes):
        return None
    other = next(name for name in _TAKEN_FROM if name != split)
    pair = " and a lower one" if needs_dislikes else ""
    return (
        f"nobody can be measured: no user has a rating of {RELEVANT:g} or more{pair} in the {part} "
        f"part of the {split} split, which is taken from {_TAKEN_FROM[split]}; "
        f"import more ratings, or try --split {other}"
    )
