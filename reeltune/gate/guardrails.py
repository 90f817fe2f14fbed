"""Guardrails: what a better objective must not cost, as margins of other metrics."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Literal

import numpy as np

from reeltune.gate.comparisons import EVERYONE, MetricComparison, p_above, p_below
from reeltune.metrics.ranking_metrics import METRICS
from reeltune.ratings.splits import SPLITS
from reeltune.stats.multiple_testing import holm
from reeltune.stats.paired_tests import Comparison
from reeltune.stats.power import MIN_GAIN_SHARE, users_needed

GUARDRAIL_LEVEL = 0.05  # one-sided, of each guardrail, and of all segments together

Demand = Literal["value", "proof", "no harm", "nothing"]
"""What a rule asks for: a value of at least the threshold; proof that it is above; no proof that it
is below."""
RuleVerdict = Literal["passed", "cannot tell", "refused"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Rule of the gate with its verdict."""

    name: str
    verdict: RuleVerdict
    figure: float  # the estimate: a value, or a difference
    threshold: float  # what it was held against
    figures: str  # both, for people
    binding: bool = True  # false: shown, but decides nothing
    segment: str = EVERYONE  # whom it is about
    protects: str = ""  # what a guardrail is there for; empty for other rules
    because: str = ""  # why its margin is where it is
    low: float | None = None  # 95 % confidence interval of a difference, where it has one
    high: float | None = None
    asks: Demand = "value"

    @property
    def passed(self) -> bool:
        """True if the candidate passes the rule."""
        return self.verdict == "passed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Guardrail:
    """Share of its deployed value that a metric may lose.

    With `proof` it must be shown to lose less; otherwise it must not be shown to lose more.
    """

    margin: float  # as a share of the deployed value
    proof: bool
    protects: str  # what it is there for
    because: str  # why the margin is where it is: what was measured


METRIC_GUARDRAILS = {
    "accuracy": Guardrail(
        margin=0.02,
        proof=True,
        protects="that what a user likes ranks above what the user does not",
        because="three standard deviations (0.7 %) of fits to 95 % of the ratings",
    ),
    "ndcg@10": Guardrail(
        margin=0.10,
        proof=True,
        protects="that the ten movies shown are movies that the user likes",
        because="three standard deviations (3.3 %) of fits to 95 % of the ratings",
    ),
    "coverage@10": Guardrail(
        margin=0.50,
        proof=True,
        protects="that lists still differ from user to user",
        because="lists that are the same for everybody keep 0.09 to 0.43 of it",
    ),
}
OTHER_SPLIT_GUARDRAIL = Guardrail(
    margin=0.02,
    proof=False,
    protects="that the gain does not come from one way of holding out alone",
    because="as of accuracy; refused is only a loss that is shown",
)
SEGMENT_GUARDRAIL = Guardrail(
    margin=0.05,
    proof=False,
    protects="that no group of users or movies pays for the others' gain",
    because="more than fits to 95 % of the ratings differ in a segment (0.4 to 3.8 %)",
)
SPLIT_MARGIN = "other-split"
SEGMENT_MARGIN = "segments"
NO_MARGINS: Mapping[str, float] = MappingProxyType({})


def margin_names() -> tuple[str, ...]:
    """Return the names by which margins are given.

    >>> margin_names()
    ('accuracy', 'ndcg@10', 'coverage@10', 'other-split', 'segments')
    """
    return (*METRIC_GUARDRAILS, SPLIT_MARGIN, SEGMENT_MARGIN)


def margins_text(margins: Mapping[str, float]) -> str:
    """Return margins as they are given.

    >>> margins_text({"coverage@10": 0.3, "segments": 0.1})
    'coverage@10=30%, segments=10%'
    """
    return ", ".join(f"{name}={100 * share:.10g}%" for name, share in margins.items())


def guardrail_named(name: str, margins: Mapping[str, float] = NO_MARGINS) -> Guardrail:
    """Return a guardrail, with the margin that the owner gave it.

    Args:
        name: a metric, or `OBJECTIVE, WHERE` of the objective under a split or in a segment.
        margins: shares of the deployed value that may be lost, for `margin_names()` other than by
            default.
    """
    metric, _, where = name.partition(", ")
    kind, found = metric, METRIC_GUARDRAILS.get(metric)
    if where:
        kind = SPLIT_MARGIN if where in SPLITS else SEGMENT_MARGIN
        found = OTHER_SPLIT_GUARDRAIL if where in SPLITS else SEGMENT_GUARDRAIL
    assert found is not None, name
    if kind not in margins:
        return found
    because = f"given by the owner; {found.margin:.0%} by default"
    return replace(found, margin=margins[kind], because=because)


def guardrails(
    comparisons: Sequence[MetricComparison],
    split: str,
    objective: str,
    margins: Mapping[str, float] = NO_MARGINS,
) -> list[Rule]:
    """Check each guarded metric, the objective under the other split, and each segment.

    The chance of refusing for any segment where none is hurt is bounded over all of them, by
    Holm's procedure. Segments are not asked for proof: with some twenty of them, one would always
    be too small for it.

    Source: Schultzberg, Ankargren and Frånberg 2024, "Risk-aware product decisions in A/B tests
    with multiple metrics": a change is made if the objective is superior and no guardrail is
    inferior, which needs no correction for the number of guardrails, as all must hold.
    """
    measured = [c for c in comparisons if c.compared is None or c.compared.n_users]
    whole = [c for c in measured if c.segment == EVERYONE]
    rules = [
        _rule(c, guardrail_named(c.metric, margins))
        for c in whole
        if c.split == split and c.metric in METRIC_GUARDRAILS and c.metric != objective
    ]
    other = [c for c in whole if c.split != split and c.metric == objective]
    rules += [_rule(c, guardrail_named(f"{objective}, {c.split}", margins)) for c in other]
    parts = [c for c in comparisons if c.segment != EVERYONE and c.split == split]
    segments = [guardrail_named(f"{objective}, {c.segment}", margins) for c in parts]
    hurt = [_p_hurt(c, each) for c, each in zip(parts, segments, strict=True)]
    adjusted = holm(np.array(hurt))
    return rules + [_rule(*each) for each in zip(parts, segments, adjusted, strict=True)]


def _margin(comparison: MetricComparison, guardrail: Guardrail) -> float:
    """Return the most that may be lost, as a difference of 0 or less."""
    return -guardrail.margin * abs(comparison.deployed)


def _p_hurt(comparison: MetricComparison, guardrail: Guardrail) -> float:
    """Return the one-sided p-value that no more than the margin is lost."""
    assert comparison.compared is not None
    return p_below(comparison.compared, _margin(comparison, guardrail))


def _rule(comparison: MetricComparison, guardrail: Guardrail, p_hurt: float | None = None) -> Rule:
    margin = _margin(comparison, guardrail)
    verdict: RuleVerdict
    if comparison.compared is None:  # one figure for all users, which has no interval
        verdict = "refused" if comparison.difference < margin else "passed"
    else:
        p_hurt = p_below(comparison.compared, margin) if p_hurt is None else p_hurt
        is_kept = p_above(comparison.compared, margin) <= GUARDRAIL_LEVEL
        if p_hurt <= GUARDRAIL_LEVEL:
            verdict = "refused"
        else:
            verdict = "passed" if is_kept or not guardrail.proof else "cannot tell"
    rule = Rule(
        name=_name(comparison),
        verdict=verdict,
        figure=comparison.difference,
        threshold=margin,
        figures=_figures(comparison, guardrail, margin, verdict),
        segment=comparison.segment,
        protects=guardrail.protects,
        because=guardrail.because,
        asks=_demand(comparison, guardrail),
    )
    return with_interval(rule, comparison.compared)


def with_interval(rule: Rule, found: Comparison | None) -> Rule:
    """Return the rule with the confidence interval of what was compared, where it has one."""
    if found is None or not math.isfinite(found.low):
        return rule
    return replace(rule, low=found.low, high=found.high)


def _demand(comparison: MetricComparison, guardrail: Guardrail) -> Demand:
    if comparison.compared is None:
        return "value"
    return "proof" if guardrail.proof else "no harm"


def _name(comparison: MetricComparison) -> str:
    where = "" if comparison.segment == EVERYONE else f", {comparison.segment}"
    return f"{METRICS[comparison.metric].title}{where} ({comparison.split})"


def _figures(
    comparison: MetricComparison, guardrail: Guardrail, margin: float, verdict: RuleVerdict
) -> str:
    found = comparison.compared
    title = METRICS[comparison.metric].gain_title
    where = "" if comparison.segment == EVERYONE else f" for {comparison.segment}"
    interval = ""
    if found is not None:
        interval = (
            f" (95 % interval {found.low:+.4f} to {found.high:+.4f}, {found.n_users:,} users)"
        )
    message = f"{title}{where} {comparison.difference:+.4f}{interval}, may lose {-margin:.4f}"
    message += f" ({guardrail.margin:.0%} of the deployed value)"
    if verdict == "cannot tell" and found is not None:
        message += f": cannot tell whether it loses more{_users_needed_text(found, margin)}"
    return message


def _users_needed_text(found: Comparison, margin: float) -> str:
    """Return how many more users would decide, were the measured difference the true one."""
    apart = abs(found.difference - margin)
    if not (math.isfinite(found.spread) and apart > found.spread * MIN_GAIN_SHARE):
        return ""
    more = users_needed(apart, found.spread, level=GUARDRAIL_LEVEL) - found.n_users
    return f", about {more:,} more users would decide" if more > 0 else ""
