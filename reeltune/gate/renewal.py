"""Rules of a renewal: the deployed configuration, fitted to newer ratings."""

import math

from reeltune.gate.comparisons import p_below
from reeltune.gate.guardrails import Rule, with_interval
from reeltune.metrics.ranking_metrics import METRICS
from reeltune.metrics.segments import MIN_SEGMENT_USERS
from reeltune.stats.paired_tests import Comparison

RENEWAL_LEVEL = 0.01  # one-sided: chance of refusing a renewal that is as good


def is_measurable(figure: float, title: str, threshold: float | None) -> Rule:
    """Refuse what has no figure; a threshold that is missed is named, and does not bind."""
    missed = threshold is not None and figure < threshold
    note = f"; the least of {threshold:.4f} is asked of changes only" if missed else ""
    return Rule(
        name="measurable",
        verdict="passed" if math.isfinite(figure) else "refused",
        figure=figure,
        threshold=0.0,
        figures=f"{title} {figure:.4f}{note}",
    )


def not_shown_worse(found: Comparison, objective: str, minimum_effect: float) -> Rule:
    """Refuse a renewal that is shown to lose more than the minimum effect on the newest ratings.

    With fewer than `MIN_SEGMENT_USERS` users nothing is shown. Nothing has to be gained: a renewal
    serves users and movies that the version before it does not know, which this does not measure.
    """
    is_worse = (
        found.n_users >= MIN_SEGMENT_USERS
        and found.high < 0
        and p_below(found, -minimum_effect) <= RENEWAL_LEVEL
    )
    rule = Rule(
        name="not worse on the newest ratings",
        verdict="refused" if is_worse else "passed",
        figure=found.difference,
        threshold=-minimum_effect,
        figures=renewal_figures(found, objective),
        asks="no harm",
    )
    return with_interval(rule, found)


def renewal_figures(found: Comparison, objective: str) -> str:
    """Return what a renewal gains on the newest ratings, in words.

    >>> print(renewal_figures(Comparison(1, 0.5, math.nan, math.nan, 1.0), "accuracy"))
    too few users with new ratings to compare before and after (1)
    """
    if found.n_users < MIN_SEGMENT_USERS:
        return f"too few users with new ratings to compare before and after ({found.n_users})"
    title = METRICS[objective].gain_title
    title = title.lower() if objective == "accuracy" else title
    return (
        f"{title} {found.difference:+.4f} by newer ratings (95 % interval {found.low:+.4f} to "
        f"{found.high:+.4f}, {found.n_users:,} users)"
    )
