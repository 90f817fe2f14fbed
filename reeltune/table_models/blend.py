"""Blends: weighted means of a few models' predictions, and their calibration."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import scipy  # its parts are imported when first used

from reeltune.domain.arrays import Floats
from reeltune.table_models.losses import SMALLEST_PROBABILITY, TableMetric, log_loss
from reeltune.tabular.columns import ColumnValues

MAX_MEMBERS = 4
MAX_BLEND_STEPS = 20
MIN_GAIN = 1e-4  # relative, of one more step
_TEMPERATURES = (0.3, 5.0)


def greedy_blend(
    predictions: Sequence[Floats], truth: ColumnValues, metric: TableMetric
) -> dict[int, float]:
    """Return weights by position of the models of which the mean is best, at most `MAX_MEMBERS`.

    Begins with the best model, and adds one at a time, also again, while the mean gains by it.

    Args:
        predictions: (U, K) of each model.
        truth: (U,) the target.
        metric: what is to be best.

    Source: Caruana et al. 2004, "Ensemble selection from libraries of models".
    """
    upwards = metric.direction.upwards
    alone = [_worth(metric, truth, each) for each in predictions]
    chosen = [int(np.argmax(alone))]
    total, best = predictions[chosen[0]].copy(), alone[chosen[0]]
    for _ in range(MAX_BLEND_STEPS):
        full = len(set(chosen)) >= MAX_MEMBERS
        allowed = [k for k in range(len(predictions)) if not full or k in chosen]
        means = [(total + predictions[k]) / (len(chosen) + 1) for k in allowed]
        worths = [_worth(metric, truth, each) for each in means]
        place = int(np.argmax(worths))
        if worths[place] - best <= MIN_GAIN * abs(upwards(best)):
            break
        chosen.append(allowed[place])
        total, best = total + predictions[allowed[place]], worths[place]
    counts = Counter(chosen)
    return {k: counts[k] / len(chosen) for k in sorted(counts)}


def _worth(metric: TableMetric, truth: ColumnValues, predicted: Floats) -> float:
    """Return the value of predictions, more being better."""
    value = float(metric.direction.upwards(metric.value_of(truth, predicted)))
    return value if np.isfinite(value) else -np.inf


def blended(predictions: Sequence[Floats], weights: Sequence[float]) -> Floats:
    """Return the weighted mean (N, K) of predictions."""
    found: Floats = np.einsum("m,mnk->nk", np.array(weights), np.stack(predictions))
    return found


def temperature_of(predicted: Floats, classes: ColumnValues) -> float:
    """Return the temperature by which probabilities (U, K) have the least log loss.

    Above 1 they were too sure of themselves, below 1 not enough.

    Source: Guo et al. 2017, "On calibration of modern neural networks", section 4.2.
    """
    logarithms = np.log(np.clip(predicted, SMALLEST_PROBABILITY, 1.0))
    found = scipy.optimize.minimize_scalar(
        lambda t: log_loss(classes, _tempered(logarithms, np.exp(t))).mean(),
        bounds=tuple(np.log(_TEMPERATURES)),
        method="bounded",
        options={"xatol": 1e-3},
    )
    return float(np.exp(found.x))


def with_temperature(predicted: Floats, temperature: float) -> Floats:
    """Return probabilities (N, K), calibrated."""
    if temperature == 1.0:
        return predicted
    return _tempered(np.log(np.clip(predicted, SMALLEST_PROBABILITY, 1.0)), temperature)


def _tempered(logarithms: Floats, temperature: float) -> Floats:
    scaled = logarithms / temperature
    raised = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    found: Floats = raised / raised.sum(axis=1, keepdims=True)
    return found
