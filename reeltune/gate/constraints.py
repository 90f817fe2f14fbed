"""Constraints of a search: what a candidate keeps of the deployed configuration's figures.

On the validation set. The gate asks for more on the test set, where proof can be had.
"""

from collections.abc import Mapping

import numpy as np

from reeltune.domain.arrays import Floats
from reeltune.domain.experiment import LOWER_BOUND_ERRORS
from reeltune.domain.guardrail_figure import GuardrailFigure
from reeltune.gate.guardrails import METRIC_GUARDRAILS, NO_MARGINS, guardrail_named
from reeltune.metrics.evaluate import mean
from reeltune.metrics.ranking_metrics import METRICS
from reeltune.metrics.segments import MIN_SEGMENT_USERS
from reeltune.stats.paired_tests import known_differences


def guardrail_name(objective: str, where: str) -> str:
    """Return the name of the guardrail on the objective under another split or in a segment.

    >>> guardrail_name("accuracy", "new users")
    'accuracy, new users'
    """
    return f"{objective}, {where}"


def guardrail_figures(
    objective: str,
    metrics: Mapping[str, float | None],
    deployed_metrics: Mapping[str, float | None],
    guarded: Mapping[str, Floats],
    deployed_guarded: Mapping[str, Floats],
    margins: Mapping[str, float] = NO_MARGINS,
) -> dict[str, GuardrailFigure]:
    """Hold an experiment against the baseline of its run, guardrail by guardrail.

    Args:
        objective: of the run; it is not its own guardrail.
        metrics: of the experiment, on the validation set.
        deployed_metrics: of the baseline.
        guarded: (U,) the objective per user under another split and in segments, by guardrail.
        deployed_guarded: the same of the baseline.
        margins: as of `guardrail_named`.
    """
    found = {}
    for name in METRIC_GUARDRAILS:
        now, was = metrics.get(name), deployed_metrics.get(name)
        if name != objective and now is not None and was is not None:
            found[name] = hold(name, now, was, None, margins)
    for name, values in guarded.items():
        base = deployed_guarded.get(name)
        if base is None or base.shape != values.shape:
            continue
        differences = known_differences(values, base)
        if len(differences) >= MIN_SEGMENT_USERS:
            error = float(differences.std(ddof=1) / np.sqrt(len(differences)))
            both = np.isfinite(values) & np.isfinite(base)
            found[name] = hold(name, mean(values[both]), mean(base[both]), error, margins)
    return found


def hold(
    name: str,
    figure: float,
    deployed: float,
    error: float | None,
    margins: Mapping[str, float] = NO_MARGINS,
) -> GuardrailFigure:
    """Hold a figure against the deployed one, by the guardrail of that name.

    A guardrail that asks for proof is kept if the figure itself keeps within the margin; one that
    asks for none, if the figure is not shown to lose more: 1.645 errors are allowed for.
    """
    upwards = METRICS[name.split(", ")[0]].direction.upwards
    margin = guardrail_named(name, margins).margin
    bound = upwards(upwards(deployed) - margin * abs(deployed))
    return GuardrailFigure(
        figure=figure,
        error=error,
        bound=bound,
        constraint=_constraint(name, figure, error, bound, deployed),
    )


def constraints(
    figures: Mapping[str, GuardrailFigure], baseline: Mapping[str, GuardrailFigure]
) -> tuple[float, ...]:
    """Return the constraints of an experiment, of whatever run, against the `baseline` of this one.

    At most 0 where a guardrail is kept; empty where one is not known. The bounds are those of the
    baseline, the error is that against the baseline of the experiment's own run.
    """
    if not baseline or not baseline.keys() <= figures.keys():
        return ()
    return tuple(
        _constraint(name, figures[name].figure, figures[name].error, now.bound, now.figure)
        for name, now in baseline.items()
    )


def _constraint(
    name: str, figure: float, error: float | None, bound: float, deployed: float
) -> float:
    """Return the loss beyond a bound, as a share of the deployed value."""
    upwards = METRICS[name.split(", ")[0]].direction.upwards
    is_sure = guardrail_named(name).proof or error is None
    doubt = 0.0 if is_sure else LOWER_BOUND_ERRORS * (error or 0.0)
    return (upwards(bound) - upwards(figure) - doubt) / (abs(deployed) or 1.0)
