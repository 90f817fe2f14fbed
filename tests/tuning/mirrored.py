"""Metrics that are another's negative: whatever is decided by the two must be the same."""

from dataclasses import replace

import pytest

from reeltune.gate.guardrails import METRIC_GUARDRAILS
from reeltune.metrics.ranking_metrics import METRICS

NEGATIVE = "negative "


def register_negative(patch: pytest.MonkeyPatch, name: str) -> str:
    """Register the negative of a metric, less of which is better; its name."""
    mirrored, metric = f"{NEGATIVE}{name}", METRICS[name]
    negative = replace(
        metric,
        name=mirrored,
        title=f"Negative {metric.title}",
        higher_is_better=not metric.higher_is_better,
        measure=lambda outcome: -metric.measure(outcome),
    )
    patch.setitem(METRICS, mirrored, negative)
    return mirrored


def guard_negative_alone(patch: pytest.MonkeyPatch, name: str) -> None:
    """Guard the negative in the place of the metric itself."""
    patch.setitem(METRIC_GUARDRAILS, f"{NEGATIVE}{name}", METRIC_GUARDRAILS[name])
    patch.delitem(METRIC_GUARDRAILS, name)
