"""Family of gradient boosting by XGBoost."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from reeltune.domain.arrays import Floats, Floats32
from reeltune.domain.parameters import (
    CategoricalParameter,
    Condition,
    IntParameter,
    Parameter,
    when,
)
from reeltune.table_models.boosting import (
    MAX_BOOSTED,
    boosting_cost,
    learning_rate,
    logarithmic,
    share,
)
from reeltune.table_models.encoder import Encoding
from reeltune.table_models.family import (
    EarlyStopping,
    FitRequest,
    FitSize,
    PackedModel,
    library,
    linked,
    patience_of,
)
from reeltune.table_models.trees import LEAF, Tree, ensemble
from reeltune.tabular.target import Prediction

_OBJECTIVES = {
    "identity": "reg:squarederror",
    "sigmoid": "binary:logistic",
    "softmax": "multi:softprob",
}


@dataclass(frozen=True, eq=False)
class FittedXgBoost:
    """Booster of XGBoost that was fitted."""

    booster: Any
    link: str
    n_outputs: int
    n_iterations: int
    base: tuple[float, ...]  # margins that all rows begin with

    def predict(self, features: Floats32) -> Floats:
        """Return probabilities (N, K), or scaled numbers (N, 1), for features (N, F)."""
        sums = self.booster.inplace_predict(
            features,
            iteration_range=(0, self.n_iterations),
            predict_type="margin",
            validate_features=False,
        )
        return linked(np.asarray(sums, dtype=np.float64).reshape(len(features), -1), self.link)

    def packed(self) -> PackedModel:
        """Return the trees as arrays."""
        n_sums = self.n_outputs if self.link == "softmax" else 1
        kept = self.booster[: self.n_iterations]
        described = json.loads(kept.save_raw("json"))["learner"]["gradient_booster"]["model"]
        trees = [
            _tree(each, int(output))
            for each, output in zip(described["trees"], described["tree_info"], strict=True)
        ]
        return PackedModel(link=self.link, trees=ensemble(trees, self.base[:n_sums]))


def _tree(stored: Mapping[str, Any], output: int) -> Tree:
    """Return a tree of XGBoost's, which sends a row left where it is below the threshold."""
    left, right = np.array(stored["left_children"]), np.array(stored["right_children"])
    conditions = np.array(stored["split_conditions"], dtype=np.float32)
    is_leaf = left < 0
    return Tree(
        feature=np.where(is_leaf, LEAF, np.array(stored["split_indices"])),
        threshold=np.where(is_leaf, 0.0, np.nextafter(conditions, np.float32(-np.inf))),
        left=np.where(is_leaf, 0, left),
        right=np.where(is_leaf, 0, right),
        missing_left=np.array(stored["default_left"], dtype=np.bool_),
        value=np.where(is_leaf, conditions, 0.0),
        output=output,
    )


class XgBoost:
    """Gradient boosting by XGBoost.

    Source: Chen and Guestrin 2016, "XGBoost: a scalable tree boosting system".
    """

    name: ClassVar[str] = "xgboost"
    title: ClassVar[str] = "XGBoost"
    library: ClassVar[str] = "xgboost"
    encoding: ClassVar[Encoding] = "trees"
    predictions: ClassVar[tuple[Prediction, ...]] = tuple(Prediction)
    iterates: ClassVar[bool] = True

    def parameters(self, prediction: Prediction, active: Sequence[Condition]) -> list[Parameter]:
        """Return the hyperparameters."""
        name, is_numbers = self.name, prediction is Prediction.NUMBERS
        grown = (*active, *when(**{f"{name}.growth": "depthwise"}))
        leafy = (*active, *when(**{f"{name}.growth": "lossguide"}))
        return [
            CategoricalParameter(
                name=f"{name}.growth",
                default="depthwise",
                choices=("depthwise", "lossguide"),
                meaning="whether a tree grows level by level, or where it gains most",
                active_when=tuple(active),
            ),
            IntParameter(
                name=f"{name}.depth",
                default=7 if is_numbers else 6,
                low=2,
                high=12,
                meaning="splits before a leaf",
                active_when=grown,
            ),
            logarithmic(name, "leaves", 32, (4, 256), "leaves of a tree", leafy),
            learning_rate(name, 0.07, active),
            logarithmic(name, "leaf_weight", 2.0, (0.01, 64.0), "least weight of a leaf", active),
            share(name, "row_share", 0.7, "share of the rows that a tree sees", active),
            share(name, "feature_share", 0.85, "share of the features of a level", active),
            logarithmic(name, "l2", 0.5, (1e-4, 30.0), "penalty on the values of leaves", active),
        ]

    def cost(self, size: FitSize, values: Mapping[str, Any]) -> float:
        """Return about how many seconds a fit takes."""
        leaves = float(values.get("leaves", min(256.0, 2.0 ** values.get("depth", 5))))
        return 1.5 * boosting_cost(size, values, leaves)

    def fit(self, request: FitRequest, values: Mapping[str, Any]) -> FittedXgBoost:
        """Fit a booster until the watched rows gain no more.

        Raises:
            InputError: XGBoost is not installed.
        """
        xgb = library(self.library, self.title)
        link = "identity" if not request.n_classes else _link_of(request.n_classes)
        rows, watched = _matrices(xgb, request)
        booster = xgb.Booster(
            _settings(request, values, _OBJECTIVES[link]), [rows, *([watched] if watched else [])]
        )
        stopping = EarlyStopping(patience_of(values["learning_rate"]), request.deadline())
        is_fixed = request.n_iterations is not None or watched is None
        for number in range(request.n_iterations or MAX_BOOSTED):
            booster.update(rows, number)
            loss = -float(number) if is_fixed else _loss(booster, watched, number)
            if not stopping.goes_on(loss):
                break
        return FittedXgBoost(
            booster, link, request.n_outputs, max(1, stopping.n_best), (0.0,) * request.n_outputs
        )


def _link_of(n_classes: int) -> str:
    return "sigmoid" if n_classes == 2 else "softmax"


def _loss(booster: Any, watched: Any, number: int) -> float:
    text: str = booster.eval_set([(watched, "watched")], number)
    loss = float(text.rpartition(":")[2])
    return loss if np.isfinite(loss) else np.inf


def _settings(request: FitRequest, values: Mapping[str, Any], objective: str) -> dict[str, Any]:
    found: dict[str, Any] = {
        "objective": objective,
        "base_score": 0.5 if objective != "reg:squarederror" else 0.0,
        "tree_method": "hist",
        "grow_policy": values["growth"],
        "max_depth": int(values.get("depth", 0)),
        "max_leaves": int(values.get("leaves", 0)),
        "eta": values["learning_rate"],
        "min_child_weight": values["leaf_weight"],
        "subsample": values["row_share"],
        "colsample_bylevel": values["feature_share"],
        "lambda": values["l2"],
        "nthread": request.n_threads,
        "seed": request.seed,
        "verbosity": 0,
    }
    return found | ({"num_class": request.n_classes} if request.n_classes > 2 else {})


def _matrices(xgb: Any, request: FitRequest) -> tuple[Any, Any]:
    """Return the rows in bins, and those that are watched, which all fits on them share."""
    if "xgboost" not in request.prepared:
        rows = xgb.QuantileDMatrix(
            request.features, request.targets, nthread=request.n_threads, max_bin=256
        )
        watched = None
        if request.watched is not None:
            watched = xgb.QuantileDMatrix(*request.watched, ref=rows, nthread=request.n_threads)
        request.prepared["xgboost"] = rows, watched
    found: tuple[Any, Any] = request.prepared["xgboost"]
    return found
