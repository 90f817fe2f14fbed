"""Family of gradient boosting on histograms, by scikit-learn."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from reeltune.domain.arrays import Floats, Floats32
from reeltune.domain.parameters import Condition, Parameter
from reeltune.table_models.boosting import boosting_cost, learning_rate, logarithmic, share
from reeltune.table_models.encoder import Encoding
from reeltune.table_models.family import (
    FitRequest,
    FitSize,
    FittedFamily,
    PackedModel,
    library,
    patience_of,
)
from reeltune.table_models.linear_families import constant_model
from reeltune.table_models.trees import LEAF, Tree, ensemble
from reeltune.tabular.target import Prediction

_MAX_ITERATIONS = 500


@dataclass(frozen=True, eq=False)
class FittedHistogram:
    """Model of scikit-learn that was fitted."""

    model: Any
    link: str
    n_outputs: int
    n_iterations: int

    def predict(self, features: Floats32) -> Floats:
        """Return probabilities (N, K), or scaled numbers (N, 1), for features (N, F)."""
        if self.link == "identity":
            return np.asarray(self.model.predict(features), dtype=np.float64)[:, None]
        found = np.zeros((len(features), self.n_outputs))
        found[:, self.model.classes_.astype(int)] = self.model.predict_proba(features)
        return found

    def packed(self) -> PackedModel:
        """Return the trees as arrays."""
        n_sums = self.n_outputs if self.link == "softmax" else 1
        place = self.model.classes_.astype(int) if self.link == "softmax" else [0]
        base = np.full(n_sums, -30.0 if self.link == "softmax" else 0.0)
        base[place] = np.asarray(self.model._baseline_prediction).reshape(-1)
        trees = [
            _tree(grown.nodes, int(place[k]))
            for iteration in self.model._predictors[: self.n_iterations]
            for k, grown in enumerate(iteration)
        ]
        return PackedModel(link=self.link, trees=ensemble(trees, base.tolist()))


def _tree(nodes: Any, output: int) -> Tree:
    is_leaf = nodes["is_leaf"].astype(bool)
    return Tree(
        feature=np.where(is_leaf, LEAF, nodes["feature_idx"]),
        threshold=np.where(is_leaf, 0.0, nodes["num_threshold"]),
        left=np.where(is_leaf, 0, nodes["left"]),
        right=np.where(is_leaf, 0, nodes["right"]),
        missing_left=nodes["missing_go_to_left"].astype(bool),
        value=np.where(is_leaf, nodes["value"], 0.0),
        output=output,
    )


class HistogramBoosting:
    """Gradient boosting on histograms."""

    name: ClassVar[str] = "histogram"
    title: ClassVar[str] = "histogram gradient boosting"
    library: ClassVar[str] = "sklearn.ensemble"
    encoding: ClassVar[Encoding] = "trees"
    predictions: ClassVar[tuple[Prediction, ...]] = tuple(Prediction)
    iterates: ClassVar[bool] = True

    def parameters(self, prediction: Prediction, active: Sequence[Condition]) -> list[Parameter]:
        """Return the hyperparameters."""
        name = self.name
        return [
            learning_rate(name, 0.08, active),
            logarithmic(name, "leaves", 24, (4, 128), "leaves of a tree", active),
            logarithmic(name, "leaf_rows", 16, (1, 128), "fewest rows of a leaf", active),
            share(name, "feature_share", 0.8, "share of the features of a split", active),
            logarithmic(name, "l2", 0.3, (1e-4, 30.0), "penalty on the values of leaves", active),
        ]

    def cost(self, size: FitSize, values: Mapping[str, Any]) -> float:
        """Return about how many seconds a fit takes."""
        return 2.0 * boosting_cost(size, values, float(values["leaves"]))

    def fit(self, request: FitRequest, values: Mapping[str, Any]) -> FittedFamily:
        """Fit a model until the watched rows gain no more.

        Raises:
            InputError: scikit-learn is not installed.
        """
        ensembles = library(self.library, self.title)
        present = np.unique(request.targets)
        if request.n_classes and len(present) < 2:
            return constant_model(request.features.shape[1], request.n_classes, int(present[0]))
        watched = request.watched if request.n_iterations is None else None
        if watched is not None and request.n_classes:
            known = np.isin(watched[1], present)
            watched = (watched[0][known], watched[1][known]) if known.any() else None
        name = "HistGradientBoosting" + ("Classifier" if request.n_classes else "Regressor")
        model = getattr(ensembles, name)(
            learning_rate=values["learning_rate"],
            max_iter=request.n_iterations or _MAX_ITERATIONS,
            max_leaf_nodes=int(values["leaves"]),
            min_samples_leaf=int(values["leaf_rows"]),
            max_features=values["feature_share"],
            l2_regularization=values["l2"],
            early_stopping=watched is not None,
            n_iter_no_change=patience_of(values["learning_rate"]),
            random_state=request.seed,
        )
        if watched is None:
            model.fit(request.features, request.targets)
            n_kept = model.n_iter_
        else:
            model.fit(request.features, request.targets, X_val=watched[0], y_val=watched[1])
            n_kept = max(1, int(np.argmax(model.validation_score_)))
            model._predictors = model._predictors[:n_kept]  # as it would be with early_stopping off
        link = "identity" if not request.n_classes else _link_of(model)
        return FittedHistogram(model, link, request.n_outputs, n_kept)


def _link_of(model: Any) -> str:
    return "sigmoid" if len(model.classes_) == 2 else "softmax"
