"""Least value: what a first version or a change has to reach, whatever it is compared with."""

import math

from reeltune.gate.guardrails import Rule
from reeltune.metrics.ranking_metrics import METRICS
from reeltune.stats.paired_tests import Comparison


def asked_metric(objective: str, *, has_dislikes: bool) -> str:
    """Return the metric of which the gate asks a least value.

    That is the objective where it counts liked movies on lists, or where accuracy cannot be
    measured, since no data say what is not liked; elsewhere it is accuracy.
    """
    return objective if METRICS[objective].finds_liked or not has_dislikes else "accuracy"


def accurate(accuracy: float, threshold: float, part: str) -> Rule:
    """Refuse an accuracy below the threshold."""
    return Rule(
        name="accuracy",
        verdict="passed" if accuracy >= threshold else "refused",
        figure=accuracy,
        threshold=threshold,
        figures=f"{part} accuracy {accuracy:.4f}, at least {threshold:.4f} is needed",
    )


def finds_liked(objective: str, value: float, popular: Comparison | None, part: str) -> Rule:
    """Refuse lists without a liked movie, and lists that are shown to be worse than popularity's.

    Args:
        objective: by which lists are measured.
        value: of the candidate.
        popular: gain over the lists of the most popular movies; None where that says nothing.
        part: where both are measured.
    """
    title, least = METRICS[objective].title, 0.0
    figures = f"{part} {title} {value:.4f}, more than 0 is needed"
    is_worse = False
    if popular is not None and math.isfinite(popular.difference):
        least = METRICS[objective].direction.upwards(value) - popular.difference
        least = METRICS[objective].direction.upwards(least)
        is_worse = popular.high < 0
        figures = (
            f"{part} {title} {value:.4f}, lists of the most popular movies have {least:.4f} "
            f"(95 % interval of the gain {popular.low:+.4f} to {popular.high:+.4f})"
        )
    is_some = METRICS[objective].direction.upwards(value) > 0
    return Rule(
        name=objective,
        verdict="passed" if is_some and not is_worse else "refused",
        figure=value,
        threshold=least,
        figures=figures,
    )
