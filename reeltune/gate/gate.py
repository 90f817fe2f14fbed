"""Gate: the rules by which a candidate may be promoted, with figures, thresholds and verdicts."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from reeltune.domain.arrays import Floats
from reeltune.gate.comparisons import EVERYONE, MetricComparison
from reeltune.gate.guardrails import Rule, RuleVerdict, guardrails, with_interval
from reeltune.gate.least_value import accurate, asked_metric, finds_liked
from reeltune.gate.renewal import is_measurable, not_shown_worse
from reeltune.metrics.ranking_metrics import METRICS
from reeltune.stats.paired_tests import Comparison, p_better
from reeltune.stats.power import detectable_gain, more_users_needed

MINIMUM_EFFECT = 0.001  # a smaller gain is not worth a change

Decision = Literal["first", "routine", "nightly", "by hand"]
GateVerdict = Literal["promote", "cannot tell", "refused"]


@dataclass(frozen=True, slots=True, kw_only=True)
class GateSettings:
    """Settings of a gate decision.

    `first`: nothing is in production. `routine`: the deployed hyperparameters with newer ratings.
    `nightly`: other hyperparameters, decided without a person. `by hand`: a person chose them.
    """

    decision: Decision
    objective: str
    split: str  # what the test part is of
    accuracy_threshold: float  # binds where accuracy is asked for
    level: float  # chance of a false promotion that this evaluation may spend
    minimum_effect: float = MINIMUM_EFFECT  # in units of the objective
    part: str = "test"  # what was measured on
    against: str = "the deployed configuration"
    margins: Mapping[str, float] = field(default_factory=dict)  # of guardrails, by name
    has_dislikes: bool = True  # false: accuracy cannot be measured, and asks for nothing

    @property
    def asks_for(self) -> str:
        """Metric that has to reach a least value."""
        return asked_metric(self.objective, has_dislikes=self.has_dislikes)


@dataclass(frozen=True, slots=True, kw_only=True)
class GateDecision:
    """Verdict of the gate and the rules that led to it."""

    terms: GateSettings  # stored and shown under this name
    rules: tuple[Rule, ...]
    p_value: float | None = None  # one-sided, that the candidate is no better

    @property
    def verdict(self) -> GateVerdict:
        """Verdict: refused if a binding rule refuses, promoted only if all of them pass."""
        found = {rule.verdict for rule in self.rules if rule.binding}
        if "refused" in found:
            return "refused"
        return "cannot tell" if "cannot tell" in found else "promote"

    @property
    def message(self) -> str:
        """Figures that decided, in one line."""
        wanted: dict[GateVerdict, RuleVerdict] = {
            "refused": "refused",
            "cannot tell": "cannot tell",
            "promote": "passed",
        }
        deciding = [r for r in self.rules if r.binding and r.verdict == wanted[self.verdict]]
        return "; ".join(rule.figures for rule in deciding[:3])

    def as_evidence(self) -> dict[str, Any]:
        """Return the decision for storage beside the version."""
        return {
            "verdict": self.verdict,
            "terms": asdict(self.terms),
            "p_value": self.p_value,
            "rules": [asdict(rule) for rule in self.rules],
        }


def gate(
    settings: GateSettings,
    figure: float,
    comparisons: Sequence[MetricComparison],
    gains: Floats | None,
    *,
    min_p_value: float = 0.0,
    renewal: Comparison | None = None,
    popular: Comparison | None = None,
) -> GateDecision:
    """Decide whether a candidate may be promoted.

    Args:
        settings: what is decided.
        figure: of the candidate on the test part, by `asked_metric`; NaN never passes.
        comparisons: candidate against deployed model, on the test parts of both splits.
        gains: (n,) per-user gains in the objective on the test part of `settings.split`, above 0
            where the candidate is better; None where it has the deployed hyperparameters.
        min_p_value: what the p-value is adjusted to where the candidate was picked out of
            several by the same test part.
        renewal: gain on the newest ratings by being fitted to newer ones; None where it was not
            measured, or another configuration is decided on.
        popular: gain in the objective over the lists of the most popular movies, where the
            objective counts liked movies on lists.
    """
    if settings.decision == "routine":
        return _renewal(settings, figure, renewal)
    rules = [_least_value(settings, figure, popular)]
    if not settings.has_dislikes:
        comparisons = [each for each in comparisons if each.metric != "accuracy"]
    if gains is None:
        return GateDecision(terms=settings, rules=(*rules, _identical(settings)))
    found = find(comparisons, settings.split, settings.objective).compared
    assert found is not None  # an objective has a value per user
    p_value = max(min_p_value, p_better(gains, minimum=settings.minimum_effect))
    better = _better(settings, found, p_value)
    nightly = settings.decision == "nightly"
    rules += [better] if nightly else [_not_worse(settings, found), _unbound(better)]
    guards = guardrails(comparisons, settings.split, settings.objective, settings.margins)
    rules += guards if nightly else [_unbound(rule) for rule in guards]
    return GateDecision(terms=settings, rules=tuple(rules), p_value=p_value)


def _renewal(settings: GateSettings, figure: float, found: Comparison | None) -> GateDecision:
    """Decide on the deployed configuration, fitted to newer ratings, without the threshold."""
    title, least = METRICS[settings.asks_for].title, None
    if settings.asks_for == "accuracy":
        title, least = "accuracy", settings.accuracy_threshold
    rules = [is_measurable(figure, f"{settings.part} {title}", least), _identical(settings)]
    if found is not None:
        rules.append(not_shown_worse(found, settings.objective, settings.minimum_effect))
    return GateDecision(terms=settings, rules=tuple(rules))


def find(comparisons: Iterable[MetricComparison], split: str, metric: str) -> MetricComparison:
    """Return the comparison by a metric for all users."""
    return next(
        c for c in comparisons if (c.split, c.metric, c.segment) == (split, metric, EVERYONE)
    )


def _least_value(settings: GateSettings, figure: float, popular: Comparison | None) -> Rule:
    if settings.asks_for == "accuracy":
        return accurate(figure, settings.accuracy_threshold, settings.part)
    return finds_liked(settings.objective, figure, popular, settings.part)


def _identical(settings: GateSettings) -> Rule:
    return Rule(
        name="not worse than deployed",
        verdict="passed",
        figure=0.0,
        threshold=0.0,
        figures=f"the hyperparameters are those of {settings.against}",
        asks="nothing",
    )


def _not_worse(settings: GateSettings, found: Comparison) -> Rule:
    """Refuse if the whole 95 % interval of the difference is below 0."""
    fine = math.isfinite(found.difference) and not found.high < 0
    rule = Rule(
        name="not worse than deployed",
        verdict="passed" if fine else "refused",
        figure=found.difference,
        threshold=0.0,
        figures=_against_deployed(settings, found),
        asks="no harm",
    )
    return with_interval(rule, found)


def _better(settings: GateSettings, found: Comparison, p_value: float) -> Rule:
    """Pass if the p-value of the gain is at most the level; refuse if the candidate is worse."""
    figures = _against_deployed(settings, found)
    verdict: RuleVerdict = "cannot tell"
    if not math.isfinite(found.difference) or found.high < 0:
        verdict = "refused"
    elif p_value <= settings.level:
        verdict = "passed"
    figures += f", p = {p_value:.2g} that the gain is at most {settings.minimum_effect:g},"
    figures += f" at most {settings.level:.2g} may be spent"
    if verdict == "cannot tell":
        figures += f": cannot tell, {_users_needed_text(settings, found)}"
    rule = Rule(
        name="better than deployed",
        verdict=verdict,
        figure=found.difference,
        threshold=settings.minimum_effect,
        figures=figures,
        asks="proof",
    )
    return with_interval(rule, found)


def _users_needed_text(settings: GateSettings, found: Comparison) -> str:
    more = more_users_needed(found, minimum=settings.minimum_effect, level=settings.level)
    if more:
        return f"about {more:,} more users would detect a gain of this size"
    if more == 0:
        return "though a gain of this size would be found four times in five"
    if found.n_users < 2:
        return "there are too few users with held-out ratings"
    gain = detectable_gain(found.n_users, found.spread, level=settings.level)
    return (
        f"these {found.n_users:,} users would detect a gain of {settings.minimum_effect + gain:.4f}"
    )


def _against_deployed(settings: GateSettings, found: Comparison) -> str:
    interval = f"95 % interval {found.low:+.4f} to {found.high:+.4f}, {found.n_users:,} users"
    title = METRICS[settings.objective].gain_title
    title = title.lower() if settings.objective == "accuracy" else title
    return f"{title} {found.difference:+.4f} against {settings.against} ({interval})"


def _unbound(rule: Rule) -> Rule:
    """Return the rule as one that decides nothing but is shown."""
    return Rule(**(asdict(rule) | {"binding": False}))
