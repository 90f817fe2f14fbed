"""What a better objective must not be bought with: margins, and whether they are kept."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from reeltune.gate.comparisons import EVERYONE, Contrast, p_above, p_below
from reeltune.metrics.ranking_metrics import METRICS
from reeltune.stats.multiple_testing import holm
from reeltune.stats.paired_tests import Comparison
from reeltune.stats.power import LEAST_GAIN, users_needed

LEVEL = 0.05  # one-sided, of each guardrail, and of all segments together

RuleVerdict = Literal["passed", "cannot tell", "refused"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule of the gate, and what it found."""

    name: str
    verdict: RuleVerdict
    figure: float  # what was measured: a value, or a bound of a difference
    threshold: float  # what it was held against
    figures: str  # both, for people
    binding: bool = True  # false: shown, but decides nothing
    segment: str = EVERYONE  # whom it is about

    @property
    def passed(self) -> bool:
        """Does it let the candidate through?"""
        return self.verdict == "passed"


@dataclass(frozen=True, slots=True)
class Guardrail:
    """How much of its deployed value a figure may lose.

    With `proof` it must be shown to lose less; otherwise it must not be shown to lose more.
    """

    margin: float  # as a share of the deployed value
    proof: bool


METRIC_GUARDRAILS = {
    "accuracy": Guardrail(0.02, proof=True),
    "ndcg@10": Guardrail(0.10, proof=True),
    "coverage@10": Guardrail(0.20, proof=True),
}
OTHER_SPLIT = Guardrail(0.02, proof=False)
SEGMENT = Guardrail(0.05, proof=False)


def guardrails(contrasts: Sequence[Contrast], split: str, objective: str) -> list[Rule]:
    """A rule for each guarded metric, for the objective under the other split, for each segment.

    The chance of refusing for any segment where none is hurt is bounded over all of them, by
    Holm's procedure. Segments are not asked for proof: with some twenty of them, one would always
    be too small for it.

    Source: Schultzberg, Ankargren and Frånberg 2024, "Risk-aware product decisions in A/B tests
    with multiple metrics": a change is made if the objective is superior and no guardrail is
    inferior, which needs no correction for the number of guardrails, as all must hold.
    """
    whole = [c for c in contrasts if c.segment == EVERYONE]
    rules = [
        _rule(c, METRIC_GUARDRAILS[c.metric])
        for c in whole
        if c.split == split and c.metric in METRIC_GUARDRAILS and c.metric != objective
    ]
    other = [c for c in whole if c.split != split and c.metric == objective]
    rules += [_rule(c, OTHER_SPLIT) for c in other if c.compared is None or c.compared.n_users]
    parts = [c for c in contrasts if c.segment != EVERYONE and c.split == split]
    hurt = [_p_hurt(c, SEGMENT) for c in parts]
    adjusted = holm(np.array(hurt))
    return rules + [_rule(c, SEGMENT, p) for c, p in zip(parts, adjusted, strict=True)]


def _margin(contrast: Contrast, guardrail: Guardrail) -> float:
    """The most that may be lost, as a difference of 0 or less."""
    return -guardrail.margin * abs(contrast.deployed)


def _p_hurt(contrast: Contrast, guardrail: Guardrail) -> float:
    """One-sided p-value that no more than the margin is lost."""
    assert contrast.compared is not None
    return p_below(contrast.compared, _margin(contrast, guardrail))


def _rule(contrast: Contrast, guardrail: Guardrail, p_hurt: float | None = None) -> Rule:
    margin = _margin(contrast, guardrail)
    verdict: RuleVerdict
    if contrast.compared is None:  # one figure for all users, which has no interval
        verdict = "refused" if contrast.difference < margin else "passed"
    else:
        p_hurt = p_below(contrast.compared, margin) if p_hurt is None else p_hurt
        kept = p_above(contrast.compared, margin) <= LEVEL
        if p_hurt <= LEVEL:
            verdict = "refused"
        else:
            verdict = "passed" if kept or not guardrail.proof else "cannot tell"
    return Rule(
        name=_name(contrast),
        verdict=verdict,
        figure=contrast.difference,
        threshold=margin,
        figures=_figures(contrast, guardrail, margin, verdict),
        segment=contrast.segment,
    )


def _name(contrast: Contrast) -> str:
    where = "" if contrast.segment == EVERYONE else f", {contrast.segment}"
    return f"{METRICS[contrast.metric].title}{where} ({contrast.split})"


def _figures(contrast: Contrast, guardrail: Guardrail, margin: float, verdict: RuleVerdict) -> str:
    found = contrast.compared
    title = METRICS[contrast.metric].gain_title
    where = "" if contrast.segment == EVERYONE else f" for {contrast.segment}"
    interval = ""
    if found is not None:
        interval = (
            f" (95 % interval {found.low:+.4f} to {found.high:+.4f}, {found.n_users:,} users)"
        )
    said = f"{title}{where} {contrast.difference:+.4f}{interval}, may lose {-margin:.4f}"
    said += f" ({guardrail.margin:.0%} of what it is)"
    if verdict == "cannot tell" and found is not None:
        said += f": cannot tell whether it loses more{_what_would_tell(found, margin)}"
    return said


def _what_would_tell(found: Comparison, margin: float) -> str:
    """How many more users would tell, were the true difference the one that was seen."""
    apart = abs(found.difference - margin)
    if not (math.isfinite(found.spread) and apart > found.spread * LEAST_GAIN):
        return ""
    more = users_needed(apart, found.spread, level=LEVEL) - found.n_users
    return f", about {more:,} more users would tell" if more > 0 else ""
