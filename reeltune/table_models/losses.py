"""Losses and scores of predictions, row by row where they are means over rows."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from reeltune.domain.arrays import Bools, Floats
from reeltune.domain.errors import InputError
from reeltune.domain.metric import Metric
from reeltune.tabular.columns import ColumnValues
from reeltune.tabular.target import Prediction

SMALLEST_PROBABILITY = 1e-7  # a probability is not taken to be smaller

ByRow = Callable[[ColumnValues, Floats], Floats]
Overall = Callable[[ColumnValues, Floats], float]


def log_loss(classes: ColumnValues, predicted: Floats) -> Floats:
    """Return (N,) minus the logarithm of the probability (N, K) of each row's class."""
    likelihood = predicted[np.arange(len(classes)), classes.astype(np.int64)]
    found: Floats = -np.log(np.clip(likelihood, SMALLEST_PROBABILITY, 1.0))
    return found


def brier(classes: ColumnValues, predicted: Floats) -> Floats:
    """Return (N,) the squared distance of probabilities (N, K) from what was the case.

    Source: Brier 1950, "Verification of forecasts expressed in terms of probability".
    """
    flags = classes.astype(np.int64)[:, None] == np.arange(predicted.shape[1])
    found: Floats = ((predicted - flags) ** 2).sum(axis=1)
    return found


def class_accuracy(classes: ColumnValues, predicted: Floats) -> Floats:
    """Return (N,) 1 where the most probable class is the row's, else 0."""
    found: Floats = (predicted.argmax(axis=1) == classes).astype(np.float64)
    return found


def squared_error(values: ColumnValues, predicted: Floats) -> Floats:
    """Return (N,) squared distances of predicted numbers (N, 1)."""
    found: Floats = (values - predicted[:, 0]) ** 2
    return found


def absolute_error(values: ColumnValues, predicted: Floats) -> Floats:
    """Return (N,) distances of predicted numbers (N, 1)."""
    found: Floats = np.abs(values - predicted[:, 0])
    return found


def root_mean_squared_error(values: ColumnValues, predicted: Floats) -> float:
    """Return the root of the mean squared error, in units of the target."""
    return float(np.sqrt(squared_error(values, predicted).mean()))


def r_squared(values: ColumnValues, predicted: Floats) -> float:
    """Return the share of the target's variance that is explained; NaN where it has none."""
    spread = float(((values - values.mean()) ** 2).sum())
    return 1.0 - float(squared_error(values, predicted).sum()) / spread if spread > 0 else np.nan


def auc(classes: ColumnValues, predicted: Floats) -> float:
    """Return the area under the ROC curve; of more than two classes the mean of each to the rest.

    NaN where no class has both rows of it and others. Ties count half.

    Source: Hanley and McNeil 1982, "The meaning and use of the area under a ROC curve".
    """
    places = range(1, 2) if predicted.shape[1] == 2 else range(predicted.shape[1])
    found = [_auc_of(classes == k, predicted[:, k]) for k in places]
    known = [value for value in found if value == value]
    return float(np.mean(known)) if known else np.nan


def _auc_of(is_class: Bools, scores: Floats) -> float:
    _, group, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    ranks = (ends - (counts - 1) / 2.0)[group]
    n_in, n_out = int(is_class.sum()), int((~is_class).sum())
    if not n_in or not n_out:
        return np.nan
    return float((ranks[is_class].sum() - n_in * (n_in + 1) / 2) / (n_in * n_out))


@dataclass(frozen=True)
class TableMetric(Metric):
    """Metric of predictions: a value for each row, or one for all of them together."""

    by_row: ByRow | None = None
    overall: Overall | None = None

    def values_of(self, truth: ColumnValues, predicted: Floats) -> Floats:
        """Return (N,) values of rows."""
        assert self.by_row is not None
        return self.by_row(truth, predicted)

    def value_of(self, truth: ColumnValues, predicted: Floats) -> float:
        """Return the value of all rows together; NaN where they have none."""
        if self.overall is not None:
            return self.overall(truth, predicted)
        return float(self.values_of(truth, predicted).mean())


def _by_row(name: str, title: str, function: ByRow, *, higher: bool = False) -> TableMetric:
    return TableMetric(name, title, higher, per_unit=True, by_row=function)


def _overall(name: str, title: str, function: Overall, *, higher: bool = False) -> TableMetric:
    return TableMetric(name, title, higher, per_unit=False, overall=function)


TABLE_METRICS: Mapping[Prediction, Mapping[str, TableMetric]] = {
    Prediction.CLASSES: {
        each.name: each
        for each in (
            _by_row("log_loss", "Log loss", log_loss),
            _by_row("brier", "Brier score", brier),
            _by_row("accuracy", "Accuracy", class_accuracy, higher=True),
            _overall("auc", "AUC", auc, higher=True),
        )
    },
    Prediction.NUMBERS: {
        each.name: each
        for each in (
            _by_row("mse", "Mean squared error", squared_error),
            _by_row("mae", "Mean absolute error", absolute_error),
            _overall("rmse", "Root mean squared error", root_mean_squared_error),
            _overall("r2", "R squared", r_squared, higher=True),
        )
    },
}
"""By what is predicted, metrics by name; the first is the default."""


def table_metric(prediction: Prediction, name: str | None) -> TableMetric:
    """Return a metric by its name; by default the first.

    Raises:
        InputError: there is none of that name for what is predicted.
    """
    metrics = TABLE_METRICS[prediction]
    if name is None:
        return next(iter(metrics.values()))
    if name not in metrics:
        raise InputError(
            f"the metric of a {prediction} must be one of {', '.join(metrics)}, got {name!r}"
        )
    return metrics[name]
