"""Degradation of the model in production since it was promoted."""

from dataclasses import dataclass

import numpy as np
import scipy  # its parts are imported when first used

from reeltune.domain.arrays import Floats, Ints
from reeltune.domain.direction import Direction
from reeltune.metrics.evaluate import evaluate
from reeltune.metrics.ranking import Ranking
from reeltune.metrics.ranking_metrics import METRICS, Outcome, accuracy
from reeltune.metrics.segments import Score, held_out_scores
from reeltune.ratings.catalogue import Catalogue
from reeltune.ratings.table import RatingTable

DEGRADATION_LEVEL = 0.001  # one-sided: nightly, some one false alarm in three years
MIN_DEGRADATION = 0.005  # of the metric; less is no matter
MIN_USERS_COMPARED = 30  # then and now


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricChange:
    """Mean of a metric then and now."""

    n_then: int  # users
    n_now: int
    then: float
    now: float
    difference: float  # gain of now over then; NaN with too few users
    low: float  # ends of the 95 % interval
    high: float
    p_value: float  # one-sided, that it is not worse by more than MINIMUM_FALL
    fallen: bool


def newest_rated_at(ratings: RatingTable, until: int) -> int:
    """Return when the newest rating was given of those up to `until`; 0 where there is none."""
    return int(ratings.rated_at[ratings.rated_at <= until].max(initial=0))


def watched_since(ratings: RatingTable, newest: int, n_fitted: int, made_at: int) -> int:
    """Return the moment after which ratings are new to a version that was made at `made_at`.

    Args:
        ratings: all there are by now.
        newest: when the newest rating was given that it was fitted to, as was noted then.
        n_fitted: how many ratings it was fitted to.
        made_at: no rating of a later moment can have been among them. Where one was noted all the
            same, as programs did that believed any time, the ratings of back then are taken to be
            the earliest.
    """
    if newest <= made_at:
        return newest
    rated_at = np.sort(ratings.rated_at)
    believed = rated_at[: int(np.searchsorted(rated_at, made_at, side="right"))]
    n_ahead = len(rated_at) - len(believed)
    last = min(n_fitted - n_ahead, len(believed)) - 1
    return int(believed[last]) if last >= 0 else 0


def accuracy_since(
    score: Score, ratings: RatingTable, catalogue: Catalogue, since: int
) -> tuple[Ints, Floats]:
    """Compute the accuracy of a model over the ratings after `since`, up to which it was fitted.

    Args:
        score: gives (u, M) scores for positions (u,) of users in `ratings`, new ones included.
        ratings: all there are by now.
        catalogue: of the same movies.
        since: the moment up to which the model has seen ratings.

    Returns:
        (E,) ids of the users with a pair of a movie they liked and one they did not, and (E,) the
        shares of such pairs ordered right.
    """
    part = ratings.where(ratings.rated_at > since)
    ranking = Ranking(
        np.empty((0, 0), np.int64), np.empty(0, np.int64), held_out_scores(score, part)
    )
    values = accuracy(Outcome(ranking, ratings, part, catalogue))
    measured = np.isfinite(values)
    return ratings.user_ids[measured], values[measured]


def watched_metric(ratings: RatingTable, objective: str) -> str:
    """Return the metric by which degradation is told: accuracy, where dislikes make it one.

    Where there are none, as of events, it is the objective by which versions are decided; NDCG@10
    if that has no value for each user.
    """
    if ratings.has_dislikes:
        return "accuracy"
    return objective if METRICS[objective].per_unit else "ndcg@10"


def metric_since(
    metric: str, score: Score, ratings: RatingTable, catalogue: Catalogue, since: int
) -> tuple[Ints, Floats]:
    """Compute a metric as `accuracy_since` computes accuracy; of lists over the whole catalogue."""
    if metric == "accuracy":
        return accuracy_since(score, ratings, catalogue, since)
    fitting, part = (
        ratings.where(ratings.rated_at <= since),
        ratings.where(ratings.rated_at > since),
    )
    values = evaluate(score, fitting, part, catalogue, metrics=[metric]).per_unit[metric]
    measured = np.isfinite(values)
    return ratings.user_ids[measured], values[measured]


def metric_change(
    then: tuple[Ints, Floats],
    now: tuple[Ints, Floats],
    direction: Direction = Direction.MAXIMIZE,
) -> MetricChange:
    """Compare two means over users, some of whom may be in both.

    Both are ids (E,) and values (E,). A user in both counts as one observation, so that the
    difference is not taken for noisier, or surer, than it is.

    Source: Liang and Zeger 1986, "Longitudinal data analysis using generalized linear models": the
    variance from sums over clusters, which are users here.
    """
    n_then, n_now = len(then[0]), len(now[0])
    nan = float("nan")
    means = [float(values.mean()) if len(values) else nan for _, values in (then, now)]
    if min(n_then, n_now) < MIN_USERS_COMPARED:
        return MetricChange(
            n_then=n_then,
            n_now=n_now,
            then=means[0],
            now=means[1],
            difference=nan,
            low=nan,
            high=nan,
            p_value=1.0,
            fallen=False,
        )
    ids = np.union1d(then[0], now[0])
    parts = np.zeros(len(ids))  # what each user adds to the difference's error
    parts[np.searchsorted(ids, now[0])] += (now[1] - means[1]) / n_now
    parts[np.searchsorted(ids, then[0])] -= (then[1] - means[0]) / n_then
    error = max(float(np.sqrt((parts**2).sum())), 1e-12)
    difference = direction.gain(means[1], means[0])
    p_value = float(scipy.special.ndtr((difference + MIN_DEGRADATION) / error))
    reach = -float(scipy.special.ndtri(0.025)) * error
    return MetricChange(
        n_then=n_then,
        n_now=n_now,
        then=means[0],
        now=means[1],
        difference=difference,
        low=difference - reach,
        high=difference + reach,
        p_value=p_value,
        fallen=p_value <= DEGRADATION_LEVEL,
    )
