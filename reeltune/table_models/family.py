"""Protocol of a family of models, and what passes between a family and whoever uses it."""

import importlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from reeltune.domain.arrays import AnyArray, Floats, Floats32
from reeltune.domain.errors import InputError
from reeltune.domain.parameters import Condition, Parameter
from reeltune.table_models.encoder import Encoding
from reeltune.table_models.trees import TreeEnsemble
from reeltune.tabular.columns import ColumnValues
from reeltune.tabular.target import Prediction

REQUIREMENTS_OF_TABLES = "pip install -r requirements-tabular.txt"
LINK_FUNCTIONS = ("identity", "sigmoid", "softmax", "mean")


@dataclass(frozen=True, eq=False, kw_only=True)
class FitRequest:
    """Request to fit a model: rows, targets, and limits.

    Targets are codes of classes, or numbers scaled to mean 0 and deviation 1.
    """

    features: Floats32  # (N, F)
    targets: ColumnValues  # (N,)
    n_classes: int  # 0 of numbers
    watched: tuple[Floats32, ColumnValues] | None = None  # rows that say when to stop
    n_iterations: int | None = None  # fixed; None: until the rows watched say so
    seed: int = 0
    n_threads: int = 1
    seconds: float | None = None  # no iteration begins after so many; None: there is no limit
    prepared: dict[str, Any] = field(default_factory=dict)  # what fits on the same rows share

    @property
    def n_outputs(self) -> int:
        """Number of outputs K of a model: probabilities of classes, or one number."""
        return max(1, self.n_classes)

    def deadline(self) -> "Deadline":
        """Return the moment after which no iteration begins, from now on."""
        return Deadline(self.seconds)


@dataclass(frozen=True, slots=True)
class FitSize:
    """Size of a fit: rows, features, and outputs of the model."""

    n_rows: int
    n_features: int
    n_outputs: int


class Deadline:
    """Moment after which no iteration begins."""

    def __init__(self, seconds: float | None) -> None:
        self._end = None if seconds is None else time.monotonic() + seconds

    @property
    def is_past(self) -> bool:
        """True once the time is up."""
        return self._end is not None and time.monotonic() > self._end


@dataclass(frozen=True, eq=False, kw_only=True)
class PackedModel:
    """Model as arrays, which needs no library to predict: trees, or sums with weights."""

    link: str  # of LINK_FUNCTIONS
    trees: TreeEnsemble | None = None
    weights: Floats | None = None  # (F, K)
    intercepts: Floats | None = None  # (K,)

    def predict(self, features: Floats32) -> Floats:
        """Return probabilities (N, K), or numbers (N, 1), for features (N, F)."""
        if self.trees is not None:
            sums = self.trees.sums(features)
        else:
            assert self.weights is not None
            assert self.intercepts is not None
            sums = np.nan_to_num(features.astype(np.float64)) @ self.weights + self.intercepts
        return linked(sums, self.link)

    def arrays(self) -> dict[str, AnyArray]:
        """Return all arrays by name."""
        if self.trees is not None:
            return self.trees.arrays()
        assert self.weights is not None
        assert self.intercepts is not None
        return {"weights": self.weights, "intercepts": self.intercepts}

    @classmethod
    def from_arrays(cls, link: str, arrays: Mapping[str, AnyArray]) -> "PackedModel":
        """Return the model that `arrays` describe."""
        if "weights" in arrays:
            return cls(link=link, weights=arrays["weights"], intercepts=arrays["intercepts"])  # type: ignore[arg-type]
        return cls(link=link, trees=TreeEnsemble.from_arrays(arrays))


def linked(sums: Floats, link: str) -> Floats:
    """Return what sums (N, K) mean: numbers as they are, or probabilities."""
    if link == "identity":
        return sums
    if link == "mean":
        clipped = np.clip(sums, 0.0, None)
        totals = clipped.sum(axis=1, keepdims=True)
        return np.where(totals > 0, clipped / np.where(totals > 0, totals, 1), 1 / sums.shape[1])
    if link == "sigmoid":
        second = 1.0 / (1.0 + np.exp(-np.clip(sums[:, -1], -500, 500)))
        return np.column_stack([1.0 - second, second])
    raised = np.exp(sums - sums.max(axis=1, keepdims=True))
    found: Floats = raised / raised.sum(axis=1, keepdims=True)
    return found


class FittedFamily(Protocol):
    """Model of a family that was fitted."""

    @property
    def n_iterations(self) -> int:
        """Number of iterations that it keeps; 0 where it has none."""

    def predict(self, features: Floats32) -> Floats:
        """Return probabilities (N, K), or scaled numbers (N, 1), for features (N, F)."""

    def packed(self) -> PackedModel:
        """Return the model as arrays, which predict the same."""


class Family(Protocol):
    """Family of models.

    `tests/table_models/test_families.py` states what holds for every family, and enrols each entry
    of `reeltune.table_models.families.FAMILIES`.
    """

    @property
    def name(self) -> str:
        """Name by which configurations choose it."""

    @property
    def title(self) -> str:
        """Name for people."""

    @property
    def library(self) -> str:
        """Module that is imported when a model is fitted."""

    @property
    def encoding(self) -> Encoding:
        """Encoding of the features that it learns from."""

    @property
    def predictions(self) -> tuple[Prediction, ...]:
        """Kinds of targets that it predicts."""

    @property
    def iterates(self) -> bool:
        """True where it has iterations, or trees, whose number a fit finds."""

    def parameters(self, prediction: Prediction, active: Sequence[Condition]) -> list[Parameter]:
        """Return the hyperparameters, which apply under the conditions `active`.

        The name of each begins with the family's, and a dot.
        """

    def cost(self, size: FitSize, values: Mapping[str, Any]) -> float:
        """Return about how many seconds a fit takes on one core of 2020 or later."""

    def fit(self, request: FitRequest, values: Mapping[str, Any]) -> FittedFamily:
        """Fit a model with hyperparameters by name, without the family's.

        Raises:
            InputError: the library is not installed.
        """


def library(name: str, family: str) -> Any:
    """Import a library that a family needs.

    Raises:
        InputError: it is not installed.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        top = name.partition(".")[0]
        raise InputError(f"{family} needs {top}: {REQUIREMENTS_OF_TABLES}") from error


@dataclass(eq=False)
class EarlyStopping:
    """Early stopping: the best iteration so far, and whether to go on."""

    patience: int
    deadline: Deadline
    best: float = np.inf
    n_best: int = 0
    n_done: int = 0

    def goes_on(self, loss: float) -> bool:
        """Take the loss after one more iteration; return whether another one may help."""
        self.n_done += 1
        if loss < self.best:
            self.best, self.n_best = loss, self.n_done
        return self.n_done - self.n_best < self.patience and not self.deadline.is_past


def patience_of(learning_rate: float) -> int:
    """Return how many iterations without a gain are waited for.

    >>> patience_of(0.05), patience_of(0.3)
    (50, 15)
    """
    return int(min(80, max(15, round(2.5 / learning_rate))))
