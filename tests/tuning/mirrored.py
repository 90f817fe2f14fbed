"""Metrics that are another's negative: whatever is decided by the two must be the same."""

from dataclasses import replace
from typing import Any

import pytest

from reeltune.engine import measure as fused
from reeltune.gate.guardrails import METRIC_GUARDRAILS
from reeltune.metrics.evaluate import Evaluation
from reeltune.metrics.ranking_metrics import METRICS

NEGATIVE = "negative "


def register_negative(patch: pytest.MonkeyPatch, name: str) -> str:
    """Register the negative of a metric, less of which is better; its name."""
    mirrored, metric = f"{NEGATIVE}{name}", METRICS[name]
    known = dict(METRICS)
    patch.setattr(fused, "METRICS", known, raising=False)  # which the engine computes by itself
    patch.setitem(
        METRICS,
        mirrored,
        replace(
            metric,
            name=mirrored,
            title=f"Negative {metric.title}",
            higher_is_better=not metric.higher_is_better,
            measure=lambda outcome: -metric.measure(outcome),
        ),
    )
    of = fused.Figures.of

    def with_negative(self: fused.Figures, *place: Any) -> Evaluation:
        found = of(self, *place)
        return replace(
            found,
            values=found.values | {mirrored: -found.values[name]},
            per_user=found.per_user
            | ({mirrored: -found.per_user[name]} if metric.per_user else {}),
        )

    patch.setattr(fused.Figures, "of", with_negative)
    return mirrored


def guard_negative_alone(patch: pytest.MonkeyPatch, name: str) -> None:
    """Guard the negative in the place of the metric itself."""
    patch.setitem(METRIC_GUARDRAILS, f"{NEGATIVE}{name}", METRIC_GUARDRAILS[name])
    patch.delitem(METRIC_GUARDRAILS, name)
