"""Comparison of a run's best experiment with its baseline: is it better beyond noise?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from reeltune.db.connection import Connection
from reeltune.db.experiments import load_group_gains
from reeltune.db.user_values import load_user_values
from reeltune.domain.arrays import Floats
from reeltune.domain.experiment import BASELINE, Experiment
from reeltune.domain.space import Space
from reeltune.domain.subject import Subject
from reeltune.stats.paired_tests import CONFIDENCE, Comparison, paired_difference
from reeltune.views.selection_bias import completed_candidates, more_helps, selection_bias_of_best
from reeltune.views.trade_off import trade_off

RECOMMENDER = Subject(Space(()), deploys=True)

Verdict = Literal["better", "cannot tell", "worse"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Gain of the best over the baseline in the objective, user by user; above 0: better.

    The figures are None where they cannot be had; `reason` then says why.
    """

    metric: str
    confidence: float = CONFIDENCE
    n_users: int = 0  # with a value for both
    difference: float | None = None  # the mean over these users
    low: float | None = None  # ends of the confidence interval of that mean
    high: float | None = None
    p_value: float | None = None  # two-sided
    standard_error: float | None = None  # of the mean
    corrected: float | None = None  # the difference less its selection bias
    n_tried: int = 0  # candidates it was picked out of
    last_half_gain: float | None = None  # what the last half of them added to the corrected one
    last_half_luck: float | None = None  # and to the selection bias
    more_helps: bool | None = None  # is the former more than the latter?
    verdict: Verdict | None = "cannot tell"  # None where there are no two to compare
    reason: str | None = None  # why there is no interval

    @property
    def _excludes_zero(self) -> bool:
        return self.low is not None and self.high is not None and not self.low <= 0 <= self.high

    @property
    def sentence(self) -> str:
        """Verdict in plain language."""
        if self.reason is not None:
            return self.reason if self.verdict is None else f"{self.verdict}: {self.reason}"
        assert self.verdict is not None
        if self.verdict == "cannot tell" and self._excludes_zero:
            return (
                "cannot tell: the interval does not contain 0, but the p-value is above "
                f"{1 - self.confidence:.2g}"
            )
        return {
            "better": "better beyond noise: the whole interval is above 0",
            "cannot tell": "cannot tell: the interval contains 0, the difference may be chance",
            "worse": "worse beyond noise: the whole interval is below 0",
        }[self.verdict]


def compare_with_baseline(
    conn: Connection,
    metric: str,
    best: Experiment | None,
    baseline: Experiment | None,
    tried: Sequence[Experiment] = (),
    subject: Subject = RECOMMENDER,
) -> Difference:
    """Return the paired difference over users, from the values stored of both experiments.

    Args:
        conn: the database.
        metric: the objective.
        best: the experiment with the best value; None if none was completed.
        baseline: the experiment with the deployed configuration.
        tried: all completed experiments that `best` was picked out of.
        subject: what the run tuned, for the words.
    """
    if best is None:
        return Difference(metric=metric, verdict=None, reason="no experiment was completed")
    if best.number == BASELINE:
        return Difference(metric=metric, verdict=None, reason=_not_beaten(tried, subject))
    if not subject.has_baseline:
        return Difference(metric=metric, verdict=None, reason="a study has no baseline")
    if baseline is None or baseline.status != "completed":
        return Difference(metric=metric, reason=f"{subject.baseline} was not measured")
    a = load_user_values(conn, best.experiment_id, metric)
    b = load_user_values(conn, baseline.experiment_id, metric)
    if a is None or b is None:
        which = "the best experiment" if a is None else subject.baseline
        return Difference(metric=metric, reason=_no_values(which, subject))
    if not (len(a) or len(b)):
        return Difference(metric=metric, reason=_no_values("either", subject))
    groups = load_group_gains(conn, best.tuning_run_id)
    upwards = best.direction.upwards
    return _bias_corrected(_compared(metric, upwards(a), upwards(b), subject.unit), tried, groups)


def _no_values(which: str, subject: Subject) -> str:
    return f"no values per {subject.unit} are stored of {which}"


def _not_beaten(tried: Sequence[Experiment], subject: Subject) -> str:
    """Return why the baseline is the best."""
    found = trade_off(tried)
    if found is not None:
        return found.sentence
    gains = [e.improvement_from_baseline or 0.0 for e in tried if e.number != BASELINE]
    if not gains or max(gains) <= 0:
        return f"nothing beat {subject.baseline}"
    return (
        f"nothing beat {subject.baseline} beyond noise: no gain has a 95 % lower bound above 0, "
        f"the largest gain is {max(gains):{'.4f' if subject.deploys else '.4g'}}"
    )


def _compared(metric: str, a: Floats, b: Floats, unit: str) -> Difference:
    if a.shape != b.shape:
        return Difference(metric=metric, reason=f"the two were measured on different {unit}s")
    found = paired_difference(a, b)
    if found.n_users < 2:
        return Difference(
            metric=metric,
            n_users=found.n_users,
            difference=found.difference if found.n_users else None,
            reason=f"fewer than two {unit}s have a value for both",
        )
    return Difference(
        metric=metric,
        n_users=found.n_users,
        difference=found.difference,
        low=found.low,
        high=found.high,
        p_value=found.p_value,
        standard_error=found.standard_error,
        verdict=compared_verdict(found),
    )


def _bias_corrected(
    found: Difference, tried: Sequence[Experiment], groups: Mapping[str, Floats]
) -> Difference:
    """Return `found` with its difference corrected for selection bias."""
    if found.difference is None or found.standard_error is None:
        return found
    chance = selection_bias_of_best(tried, groups, found.standard_error)
    if chance is None:
        return found
    n = len(completed_candidates(tried))
    helps = more_helps(chance, n)
    return replace(
        found,
        corrected=found.difference - chance.of_best,
        n_tried=n,
        more_helps=helps,
        last_half_gain=None if helps is None else chance.gain_of_last_half,
        last_half_luck=None if helps is None else chance.of_last_half,
    )


def compared_verdict(found: Comparison) -> Verdict:
    """Return what interval and p-value say where they agree; they are of two procedures."""
    if not found.p_value <= 1 - CONFIDENCE:
        return "cannot tell"
    if found.low > 0:
        return "better"
    return "worse" if found.high < 0 else "cannot tell"
