"""Comparisons of two models by every metric, in each segment, with confidence intervals."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import scipy  # its parts are imported when first used

from reeltune.domain.arrays import Bools, Floats
from reeltune.domain.evaluation import Evaluation
from reeltune.metrics.evaluate import mean
from reeltune.metrics.ranking_metrics import METRICS
from reeltune.metrics.segments import MIN_SEGMENT_USERS
from reeltune.stats.paired_tests import FULL_EFFORT, QUICK_EFFORT, Comparison, paired_difference

EVERYONE = "all users"


@dataclass(frozen=True, eq=False)
class SegmentedEvaluation:
    """Evaluation of one model on one held-out part, as a whole and by segment."""

    evaluation: Evaluation
    by_users: Mapping[str, Bools]  # (U,) who belongs to a segment of users
    by_movies: Mapping[str, Floats]  # (U,) accuracies over pairs with movies of a segment


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricComparison:
    """Deployed model and candidate by one metric in one segment."""

    split: str
    metric: str
    segment: str
    deployed: float  # mean over the users who have a value; NaN where none has
    candidate: float
    compared: Comparison | None  # gain of the candidate; None for a metric without users

    @property
    def difference(self) -> float:
        """Gain of the candidate; over the users who have both values, if it has users."""
        if self.compared is None:
            return METRICS[self.metric].direction.gain(self.candidate, self.deployed)
        return self.compared.difference


def compare_models(
    split: str, deployed: SegmentedEvaluation, candidate: SegmentedEvaluation, objective: str
) -> list[MetricComparison]:
    """Compare by every metric for all users, by the objective and by accuracy in segments.

    The objective is compared in segments of users, accuracy in segments of movies.
    """
    was, now = deployed.evaluation, candidate.evaluation
    found = [_all_users(split, name, was, now, objective) for name in METRICS]
    a, b = now.per_unit.get(objective), was.per_unit.get(objective)
    if a is None or b is None:
        return found
    for name, users in candidate.by_users.items():
        found += _in_segment(
            split, objective, name, np.where(users, b, np.nan), np.where(users, a, np.nan)
        )
    for name in candidate.by_movies.keys() & deployed.by_movies.keys():
        found += _in_segment(
            split, "accuracy", name, deployed.by_movies[name], candidate.by_movies[name]
        )
    order = {
        name: n for n, name in enumerate((EVERYONE, *candidate.by_users, *candidate.by_movies))
    }
    return sorted(found, key=lambda comparison: order[comparison.segment])


def p_below(found: Comparison, bound: float) -> float:
    """Return the one-sided p-value that the true difference is at least `bound`, by the t-test.

    Small where the difference is below. 1 with fewer than two users. Paired, over users.

    Source: Student 1908, "The probable error of a mean".
    """
    if found.n_users < 2:
        return 1.0
    if found.standard_error == 0:
        return 0.0 if found.difference < bound else 1.0
    return float(
        scipy.special.stdtr(found.n_users - 1, (found.difference - bound) / found.standard_error)
    )


def p_above(found: Comparison, bound: float) -> float:
    """Return the one-sided p-value that the true difference is at most `bound`.

    Small where the difference is above.
    """
    if found.n_users < 2:
        return 1.0
    if found.standard_error == 0:
        return 0.0 if found.difference > bound else 1.0
    return float(
        scipy.special.stdtr(found.n_users - 1, (bound - found.difference) / found.standard_error)
    )


def _all_users(
    split: str, metric: str, was: Evaluation, now: Evaluation, objective: str
) -> MetricComparison:
    compared = None
    if METRICS[metric].per_unit:
        upwards = METRICS[metric].direction.upwards
        compared = paired_difference(
            upwards(now.per_unit[metric]),
            upwards(was.per_unit[metric]),
            effort=FULL_EFFORT if metric == objective else QUICK_EFFORT,
        )
    return MetricComparison(
        split=split,
        metric=metric,
        segment=EVERYONE,
        deployed=was.values[metric],
        candidate=now.values[metric],
        compared=compared,
    )


def _in_segment(
    split: str, metric: str, segment: str, was: Floats, now: Floats
) -> list[MetricComparison]:
    """Return the comparison, if enough users have both values."""
    upwards = METRICS[metric].direction.upwards
    compared = paired_difference(upwards(now), upwards(was), effort=QUICK_EFFORT)
    if compared.n_users < MIN_SEGMENT_USERS or not math.isfinite(compared.difference):
        return []
    return [
        MetricComparison(
            split=split,
            metric=metric,
            segment=segment,
            deployed=mean(was),
            candidate=mean(now),
            compared=compared,
        )
    ]
