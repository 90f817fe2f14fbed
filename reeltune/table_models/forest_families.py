"""Families of averaged trees: random forests and extremely randomised trees."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from reeltune.domain.arrays import Floats, Floats32
from reeltune.domain.parameters import Condition, FloatParameter, IntParameter, Parameter
from reeltune.table_models.encoder import Encoding
from reeltune.table_models.family import FitRequest, FitSize, PackedModel, library
from reeltune.table_models.trees import LEAF, Tree, ensemble
from reeltune.tabular.target import Prediction

N_FOREST_TREES = 200
MIN_TREES = 20
_STEP = 20  # trees that are grown before the clock is looked at
MAX_LEAVES = 180_000  # of all trees, times their outputs: what a package holds
_FILL = -1e30  # stands for a missing value: below all others


@dataclass(frozen=True, eq=False)
class FittedForest:
    """Forest that was fitted; missing values go left of every threshold."""

    model: Any  # of scikit-learn
    n_classes: int
    n_iterations: int

    def predict(self, features: Floats32) -> Floats:
        """Return probabilities (N, K), or scaled numbers (N, 1), for features (N, F)."""
        filled = _filled(features)
        if not self.n_classes:
            return np.asarray(self.model.predict(filled), dtype=np.float64)[:, None]
        found = np.zeros((len(features), self.n_classes))
        found[:, self.model.classes_.astype(int)] = self.model.predict_proba(filled)
        return found

    def packed(self) -> PackedModel:
        """Return the forest as arrays."""
        classes = self.model.classes_.astype(int) if self.n_classes else np.zeros(1, dtype=int)
        n_outputs = max(1, self.n_classes)
        trees = [_tree(each.tree_, classes, n_outputs) for each in self.model.estimators_]
        sums = ensemble(trees, [0.0] * n_outputs, scale=1.0 / len(trees))
        return PackedModel(link="mean" if self.n_classes else "identity", trees=sums)


def _tree(grown: Any, classes: Any, n_outputs: int) -> Tree:
    """Return a tree of scikit-learn's; probabilities are of the leaf's rows."""
    is_leaf = grown.children_left < 0
    values = np.zeros((grown.node_count, n_outputs))
    values[:, classes] = grown.value[:, 0, :]
    if n_outputs > 1:
        values /= np.maximum(values.sum(axis=1, keepdims=True), 1e-300)
    return Tree(
        feature=np.where(is_leaf, LEAF, grown.feature),
        threshold=np.where(is_leaf, 0.0, grown.threshold),
        left=np.where(is_leaf, 0, grown.children_left),
        right=np.where(is_leaf, 0, grown.children_right),
        missing_left=np.ones(grown.node_count, dtype=np.bool_),
        value=np.where(is_leaf[:, None], values, 0.0),
    )


def _filled(features: Floats32) -> Floats32:
    return np.where(np.isnan(features), np.float32(_FILL), features)


class _Forest:
    library: ClassVar[str] = "sklearn.ensemble"
    encoding: ClassVar[Encoding] = "trees"
    predictions: ClassVar[tuple[Prediction, ...]] = tuple(Prediction)
    iterates: ClassVar[bool] = True
    name: ClassVar[str]
    title: ClassVar[str]
    classes: ClassVar[tuple[str, str]]  # of scikit-learn: for classes, for numbers
    share_of_features: ClassVar[float]
    seconds_of_cell: ClassVar[float]

    def parameters(self, prediction: Prediction, active: Sequence[Condition]) -> list[Parameter]:
        """Return the hyperparameters."""
        is_numbers = prediction is Prediction.NUMBERS
        return [
            IntParameter(
                name=f"{self.name}.leaf_rows",
                default=2 if is_numbers else 3,
                low=1,
                high=60,
                log=True,
                meaning="fewest rows of a leaf",
                active_when=tuple(active),
            ),
            FloatParameter(
                name=f"{self.name}.feature_share",
                default=self.share_of_features,
                low=0.05,
                high=1.0,
                log=True,
                meaning="share of the features that a split may choose from",
                active_when=tuple(active),
            ),
        ]

    def cost(self, size: FitSize, values: Mapping[str, Any]) -> float:
        """Return about how many seconds a fit takes."""
        depth = max(1.0, np.log2(max(2, size.n_rows / values["leaf_rows"])))
        tried = max(1.0, size.n_features * values["feature_share"])
        return float(0.1 + N_FOREST_TREES * size.n_rows * depth * tried * self.seconds_of_cell)

    def fit(self, request: FitRequest, values: Mapping[str, Any]) -> FittedForest:
        """Fit a forest, fewer trees where the time is up.

        Raises:
            InputError: scikit-learn is not installed.
        """
        ensembles = library(self.library, self.title)
        n_most = request.n_iterations or N_FOREST_TREES
        leaves = max(8, MAX_LEAVES // (N_FOREST_TREES * request.n_outputs))
        limit = leaves if len(request.features) / values["leaf_rows"] > leaves else None
        model = getattr(ensembles, self.classes[0 if request.n_classes else 1])(
            n_estimators=MIN_TREES,
            min_samples_leaf=int(values["leaf_rows"]),
            max_features=float(values["feature_share"]),
            max_leaf_nodes=limit,
            n_jobs=request.n_threads,
            random_state=request.seed,
            warm_start=True,
        )
        features, deadline = _filled(request.features), request.deadline()
        for n_trees in range(min(MIN_TREES, n_most), n_most + 1, _STEP):
            model.n_estimators = n_trees
            model.fit(features, request.targets)
            if deadline.is_past:
                break
        return FittedForest(model, request.n_classes, len(model.estimators_))


class RandomForest(_Forest):
    """Random forest: each tree grown on rows drawn with replacement."""

    name: ClassVar[str] = "random_forest"
    title: ClassVar[str] = "random forest"
    classes: ClassVar[tuple[str, str]] = ("RandomForestClassifier", "RandomForestRegressor")
    share_of_features: ClassVar[float] = 0.35
    seconds_of_cell: ClassVar[float] = 2.5e-8


class ExtraTrees(_Forest):
    """Extremely randomised trees: thresholds drawn at random, the best of them taken."""

    name: ClassVar[str] = "extra_trees"
    title: ClassVar[str] = "extra trees"
    classes: ClassVar[tuple[str, str]] = ("ExtraTreesClassifier", "ExtraTreesRegressor")
    share_of_features: ClassVar[float] = 0.5
    seconds_of_cell: ClassVar[float] = 6e-9
