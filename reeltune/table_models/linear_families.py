"""Linear families: logistic regression, ridge and lasso."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from reeltune.domain.arrays import Floats, Floats32
from reeltune.domain.parameters import Condition, FloatParameter, Parameter
from reeltune.table_models.encoder import Encoding
from reeltune.table_models.family import FitRequest, FitSize, PackedModel, library
from reeltune.tabular.target import Prediction

_MAX_STEPS, _MIN_STEPS = 200, 25
_STEP_CELLS = 4e9  # cells that all steps of a fit may look at


@dataclass(frozen=True, eq=False)
class FittedLinear:
    """Linear model that was fitted."""

    weights: Floats  # (F, K)
    intercepts: Floats  # (K,)
    link: str
    n_iterations: int = 0

    def predict(self, features: Floats32) -> Floats:
        """Return probabilities (N, K), or scaled numbers (N, 1), for features (N, F)."""
        return self.packed().predict(features)

    def packed(self) -> PackedModel:
        """Return the model as arrays."""
        return PackedModel(link=self.link, weights=self.weights, intercepts=self.intercepts)


class _Linear:
    library: ClassVar[str] = "sklearn.linear_model"
    encoding: ClassVar[Encoding] = "linear"
    iterates: ClassVar[bool] = False

    def cost(self, size: FitSize, values: Mapping[str, Any]) -> float:
        """Return about how many seconds a fit takes."""
        cells = size.n_rows * size.n_features
        return 0.005 + cells * (4e-8 * size.n_outputs + 4e-10 * size.n_features)


def _penalty(family: str, default: float, active: Sequence[Condition]) -> Parameter:
    return FloatParameter(
        name=f"{family}.penalty",
        default=default,
        low=1e-5,
        high=10.0,
        log=True,
        meaning="weight of the penalty on large weights, for each row",
        active_when=tuple(active),
    )


class Logistic(_Linear):
    """Logistic regression with a quadratic penalty."""

    name: ClassVar[str] = "logistic"
    title: ClassVar[str] = "logistic regression"
    predictions: ClassVar[tuple[Prediction, ...]] = (Prediction.CLASSES,)

    def parameters(self, prediction: Prediction, active: Sequence[Condition]) -> list[Parameter]:
        """Return the hyperparameters."""
        return [_penalty(self.name, 0.002, active)]

    def fit(self, request: FitRequest, values: Mapping[str, Any]) -> FittedLinear:
        """Fit a model.

        Raises:
            InputError: scikit-learn is not installed.
        """
        linear_model = library(self.library, self.title)
        n_rows, n_features = request.features.shape
        cells = n_rows * n_features * request.n_outputs
        model = linear_model.LogisticRegression(
            C=1.0 / (values["penalty"] * n_rows),
            max_iter=int(min(_MAX_STEPS, max(_MIN_STEPS, _STEP_CELLS / cells))),
            tol=1e-4,
        )
        present = np.unique(request.targets)
        if len(present) < 2:
            return constant_model(n_features, request.n_classes, int(present[0]))
        with _quiet():
            model.fit(request.features.astype(np.float64), request.targets)
        return _spread(model.coef_, model.intercept_, present.astype(int), request.n_classes)


def _spread(coefficients: Floats, intercepts: Floats, present: Any, n_classes: int) -> FittedLinear:
    """Return a model of all classes; those that no row had are all but impossible."""
    if n_classes == 2:
        return FittedLinear(coefficients.T.copy(), intercepts.copy(), "sigmoid")
    if len(coefficients) == 1:  # of two classes that were there
        coefficients = np.vstack([np.zeros_like(coefficients[0]), coefficients[0]])
        intercepts = np.array([0.0, intercepts[0]])
    weights = np.zeros((coefficients.shape[1], n_classes))
    offsets = np.full(n_classes, -30.0)
    weights[:, present], offsets[present] = coefficients.T, intercepts
    return FittedLinear(weights, offsets, "softmax")


def constant_model(n_features: int, n_classes: int, only: int) -> FittedLinear:
    """Return the model of rows that are all of one class: it is nearly sure of that."""
    if n_classes == 2:
        return FittedLinear(np.zeros((n_features, 1)), np.array([8.0 if only else -8.0]), "sigmoid")
    offsets = np.full(n_classes, -8.0)
    offsets[only] = 0.0
    return FittedLinear(np.zeros((n_features, n_classes)), offsets, "softmax")


def _quiet() -> Any:
    """Return a context in which a fit that has not converged is no warning: it is a model."""
    import warnings

    return warnings.catch_warnings(action="ignore")


class Ridge(_Linear):
    """Least squares with a quadratic penalty."""

    name: ClassVar[str] = "ridge"
    title: ClassVar[str] = "ridge regression"
    predictions: ClassVar[tuple[Prediction, ...]] = (Prediction.NUMBERS,)

    def parameters(self, prediction: Prediction, active: Sequence[Condition]) -> list[Parameter]:
        """Return the hyperparameters."""
        return [_penalty(self.name, 0.01, active)]

    def fit(self, request: FitRequest, values: Mapping[str, Any]) -> FittedLinear:
        """Fit a model.

        Raises:
            InputError: scikit-learn is not installed.
        """
        linear_model = library(self.library, self.title)
        model = linear_model.Ridge(alpha=values["penalty"] * len(request.features))
        with _quiet():
            model.fit(request.features.astype(np.float64), request.targets)
        return _of_numbers(model)


class Lasso(_Linear):
    """Least squares with a penalty on absolute weights, most of which become 0."""

    name: ClassVar[str] = "lasso"
    title: ClassVar[str] = "lasso"
    predictions: ClassVar[tuple[Prediction, ...]] = (Prediction.NUMBERS,)

    def parameters(self, prediction: Prediction, active: Sequence[Condition]) -> list[Parameter]:
        """Return the hyperparameters."""
        return [_penalty(self.name, 0.003, active)]

    def fit(self, request: FitRequest, values: Mapping[str, Any]) -> FittedLinear:
        """Fit a model.

        Raises:
            InputError: scikit-learn is not installed.
        """
        linear_model = library(self.library, self.title)
        model = linear_model.Lasso(alpha=values["penalty"], max_iter=300, tol=1e-3)
        with _quiet():
            model.fit(request.features.astype(np.float64), request.targets)
        return _of_numbers(model)


def _of_numbers(model: Any) -> FittedLinear:
    weights = np.asarray(model.coef_, dtype=np.float64).reshape(-1, 1)
    return FittedLinear(weights, np.array([float(model.intercept_)]), "identity")
