"""Evaluation of one model on one held-out part, in bounded memory."""

from collections.abc import Callable, Iterable

import numpy as np

from reeltune.domain.arrays import Floats, Floats32, Ints
from reeltune.domain.errors import InputError
from reeltune.domain.evaluation import Evaluation
from reeltune.metrics.ranking import SCORES_BYTES, join, rank, tie_order
from reeltune.metrics.ranking_metrics import LIST_LENGTH, METRICS, Outcome
from reeltune.ratings.catalogue import Catalogue
from reeltune.ratings.table import RatingTable


def evaluate(
    score: Callable[[Ints], Floats | Floats32],
    fitting: RatingTable,
    held_out: RatingTable,
    catalogue: Catalogue,
    *,
    metrics: Iterable[str] | None = None,
    chunk: int | None = None,
) -> Evaluation:
    """Measure a model by every metric, over all users with a held-out rating.

    Args:
        score: gives (u, M) finite scores for the positions (u,) of u users.
        fitting: what the model was fitted on.
        held_out: what it has not seen; shares its id columns with `fitting`.
        catalogue: of the same M movies.
        metrics: names of those to measure by; None: all.
        chunk: users scored at a time, 1 or more; by default as many as 64 MiB of scores hold. It
            changes no result.

    Raises:
        InputError: the arguments do not fit together, or a score is NaN or infinite.
    """
    _check_same_world(fitting, held_out, catalogue)
    chunk = max(1, SCORES_BYTES // (8 * max(1, held_out.n_movies))) if chunk is None else chunk
    places = tie_order(held_out.movie_ids)
    users = np.flatnonzero(np.diff(held_out.starts))
    rankings = []
    for start in range(0, len(users), chunk):
        some = users[start : start + chunk]
        scores = _checked(score(some), len(some), held_out.n_movies)
        rankings.append(rank(scores, some, fitting, held_out, places, LIST_LENGTH))
    outcome = Outcome(join(rankings, LIST_LENGTH), fitting, held_out, catalogue)
    return measure(outcome, METRICS if metrics is None else metrics)


def measure(outcome: Outcome, metrics: Iterable[str]) -> Evaluation:
    """Compute the metrics of these names."""
    measured = {name: METRICS[name].measure(outcome) for name in metrics}
    return Evaluation(
        values={name: mean(values) for name, values in measured.items()},
        per_unit={name: values for name, values in measured.items() if METRICS[name].per_unit},
        n_units=len(outcome.users),
    )


def mean(values: Floats) -> float:
    """Return the mean of the values that are not NaN; NaN if there are none.

    >>> mean(np.array([1.0, np.nan, 2.0]))
    1.5
    """
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("nan")


def _checked(scores: Floats | Floats32, n_users: int, n_movies: int) -> Floats:
    if np.shape(scores) != (n_users, n_movies):
        raise InputError(
            f"scores must have one row per user and one column per movie, "
            f"{(n_users, n_movies)}, got {np.shape(scores)}; mend the recommender's score"
        )
    return np.asarray(scores, dtype=np.float64)


def _check_same_world(fitting: RatingTable, held_out: RatingTable, catalogue: Catalogue) -> None:
    same = np.array_equal(fitting.user_ids, held_out.user_ids) and (
        np.array_equal(fitting.movie_ids, held_out.movie_ids)
        and np.array_equal(catalogue.movie_ids, held_out.movie_ids)
    )
    if not same:
        raise InputError(
            "fitting part, held-out part and catalogue must share users and movies: take the "
            "parts from one split of one table over this catalogue"
        )
