"""Whether a candidate may go into production: rules with figures, thresholds and verdicts."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from reeltune.domain.arrays import Floats
from reeltune.gate.comparisons import EVERYONE, Contrast
from reeltune.gate.guardrails import Rule, RuleVerdict, guardrails
from reeltune.metrics.ranking_metrics import METRICS
from reeltune.stats.paired_tests import Comparison, lower_bound, p_better
from reeltune.stats.power import smallest_gain, users_to_tell

MINIMUM_EFFECT = 0.001  # a smaller gain is not worth a change

Decision = Literal["first", "routine", "nightly", "by hand"]
Verdict = Literal["promote", "cannot tell", "refused"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What is decided, and by which figures.

    `first`: nothing is in production. `routine`: the deployed hyperparameters with newer ratings.
    `nightly`: other hyperparameters, and nobody looks. `by hand`: a person said which ones.
    """

    decision: Decision
    objective: str
    split: str  # what the test part is of
    accuracy_threshold: float
    level: float  # chance of a false promotion that this look may take
    minimum_effect: float = MINIMUM_EFFECT  # in units of the objective
    part: str = "test"  # what was measured on
    against: str = "the deployed configuration"
    has_dislikes: bool = True  # false: accuracy cannot be measured, and asks for nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What the rules come to."""

    terms: Terms
    rules: tuple[Rule, ...]
    p_value: float | None = None  # one-sided, that the candidate is no better

    @property
    def verdict(self) -> Verdict:
        """Refused if a binding rule refuses; promoted only if all of them pass."""
        found = {rule.verdict for rule in self.rules if rule.binding}
        if "refused" in found:
            return "refused"
        return "cannot tell" if "cannot tell" in found else "promote"

    @property
    def said(self) -> str:
        """The figures that decided, in one line."""
        wanted: dict[Verdict, RuleVerdict] = {
            "refused": "refused",
            "cannot tell": "cannot tell",
            "promote": "passed",
        }
        deciding = [r for r in self.rules if r.binding and r.verdict == wanted[self.verdict]]
        return "; ".join(rule.figures for rule in deciding[:3])

    def as_evidence(self) -> dict[str, Any]:
        """For storage beside the version."""
        return {
            "verdict": self.verdict,
            "terms": asdict(self.terms),
            "p_value": self.p_value,
            "rules": [asdict(rule) for rule in self.rules],
        }


def gate(
    terms: Terms,
    accuracy: float,
    contrasts: Sequence[Contrast],
    gains: Floats | None,
    *,
    least_p_value: float = 0.0,
) -> Judgement:
    """Judge a candidate.

    Args:
        terms: what is decided.
        accuracy: of the candidate on the test part, or its objective where accuracy cannot be
            measured; NaN never passes.
        contrasts: candidate and deployed model side by side, on the test parts of both splits.
        gains: (n,) per-user gains in the objective on the test part of `terms.split`, above 0
            where the candidate is better; None where it has the deployed hyperparameters.
        least_p_value: what the p-value is adjusted to where the candidate was picked out of
            several by the same test part.
    """
    rules = [_accurate(terms, accuracy) if terms.has_dislikes else _finds_some(terms, accuracy)]
    if not terms.has_dislikes:
        contrasts = [contrast for contrast in contrasts if contrast.metric != "accuracy"]
    if gains is None:
        return Judgement(terms=terms, rules=(*rules, _identical()))
    found = find(contrasts, terms.split, terms.objective).compared
    assert found is not None  # an objective has a value per user
    p_value = max(least_p_value, p_better(gains, minimum=terms.minimum_effect))
    better = _better(terms, found, gains, p_value)
    nightly = terms.decision == "nightly"
    rules += [better] if nightly else [_not_worse(terms, found), _unbound(better)]
    guards = guardrails(contrasts, terms.split, terms.objective)
    rules += guards if nightly else [_unbound(rule) for rule in guards]
    return Judgement(terms=terms, rules=tuple(rules), p_value=p_value)


def find(contrasts: Iterable[Contrast], split: str, metric: str) -> Contrast:
    """The contrast of a metric for all users."""
    return next(c for c in contrasts if (c.split, c.metric, c.segment) == (split, metric, EVERYONE))


def _accurate(terms: Terms, accuracy: float) -> Rule:
    threshold = terms.accuracy_threshold
    return Rule(
        name="accuracy",
        verdict="passed" if accuracy >= threshold else "refused",
        figure=accuracy,
        threshold=threshold,
        figures=f"{terms.part} accuracy {accuracy:.4f}, at least {threshold:.4f} is needed",
    )


def _finds_some(terms: Terms, value: float) -> Rule:
    """Refused if nothing that users chose is on the lists: of events no more can be asked."""
    title = METRICS[terms.objective].title
    return Rule(
        name=terms.objective,
        verdict="passed" if value > 0 else "refused",
        figure=value,
        threshold=0.0,
        figures=f"{terms.part} {title} {value:.4f}, more than 0 is needed: of events without"
        " dislikes accuracy cannot be measured",
    )


def _identical() -> Rule:
    return Rule(
        name="not worse than deployed",
        verdict="passed",
        figure=0.0,
        threshold=0.0,
        figures="the deployed hyperparameters: not worse, by identity",
    )


def _not_worse(terms: Terms, found: Comparison) -> Rule:
    """Refused if the whole 95 % interval of the difference is below 0."""
    fine = math.isfinite(found.difference) and not found.high < 0
    return Rule(
        name="not worse than deployed",
        verdict="passed" if fine else "refused",
        figure=found.high,
        threshold=0.0,
        figures=_against_deployed(terms, found),
    )


def _better(terms: Terms, found: Comparison, gains: Floats, p_value: float) -> Rule:
    """Passed if chance alone explains the gain no oftener than the level; refused if worse."""
    told = _against_deployed(terms, found)
    verdict: RuleVerdict = "cannot tell"
    if not math.isfinite(found.difference) or found.high < 0:
        verdict = "refused"
    elif p_value <= terms.level:
        verdict = "passed"
    told += f", p = {p_value:.2g} that the gain is at most {terms.minimum_effect:g},"
    told += f" at most {terms.level:.2g} may be taken"
    if verdict == "cannot tell":
        told += f": cannot tell, {_what_would_tell(terms, found)}"
    return Rule(
        name="better than deployed",
        verdict=verdict,
        figure=lower_bound(gains, terms.level),
        threshold=terms.minimum_effect,
        figures=told,
    )


def _what_would_tell(terms: Terms, found: Comparison) -> str:
    more = users_to_tell(found, minimum=terms.minimum_effect, level=terms.level)
    if more:
        return f"about {more:,} more users would tell a gain of this size"
    if more == 0:
        return "though a gain of this size would be found four times in five"
    if found.n_users < 2 or not found.spread > 0:
        return "there are too few users with held-out ratings"
    needed = terms.minimum_effect + smallest_gain(found.n_users, found.spread, level=terms.level)
    return f"these {found.n_users:,} users would tell a gain of {needed:.4f}"


def _against_deployed(terms: Terms, found: Comparison) -> str:
    interval = f"95 % interval {found.low:+.4f} to {found.high:+.4f}, {found.n_users:,} users"
    title = METRICS[terms.objective].gain_title
    title = title.lower() if terms.objective == "accuracy" else title
    return f"{title} {found.difference:+.4f} against {terms.against} ({interval})"


def _unbound(rule: Rule) -> Rule:
    """The same figures, shown to whoever decides."""
    return Rule(**(asdict(rule) | {"binding": False}))
