"""Family of gradient boosting by LightGBM: trees that grow leaf by leaf."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from reeltune.domain.arrays import Floats, Floats32
from reeltune.domain.parameters import BooleanParameter, Condition, Parameter
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

_OBJECTIVES = {"identity": "regression", "sigmoid": "binary", "softmax": "multiclass"}


@dataclass(frozen=True, eq=False)
class FittedLightGbm:
    """Booster of LightGBM that was fitted."""

    booster: Any
    link: str
    n_outputs: int
    n_iterations: int

    def predict(self, features: Floats32) -> Floats:
        """Return probabilities (N, K), or scaled numbers (N, 1), for features (N, F)."""
        sums = self.booster.predict(
            features, num_iteration=self.n_iterations, raw_score=True, num_threads=1
        )
        return linked(np.asarray(sums, dtype=np.float64).reshape(len(features), -1), self.link)

    def packed(self) -> PackedModel:
        """Return the trees as arrays."""
        n_sums = self.n_outputs if self.link == "softmax" else 1
        described = self.booster.dump_model(num_iteration=self.n_iterations)["tree_info"]
        trees = [
            _tree(each["tree_structure"], place % n_sums) for place, each in enumerate(described)
        ]
        return PackedModel(link=self.link, trees=ensemble(trees, [0.0] * n_sums))


def _tree(root: Mapping[str, Any], output: int) -> Tree:
    """Return a tree that LightGBM describes, its nodes in the order of a walk to the left first."""
    nodes: list[tuple[int, float, bool, float]] = []
    left: list[int] = []
    right: list[int] = []

    def add(node: Mapping[str, Any]) -> int:
        place = len(nodes)
        left.append(0)
        right.append(0)
        if "leaf_value" in node:
            nodes.append((LEAF, 0.0, True, float(node["leaf_value"])))
            return place
        nodes.append(
            (int(node["split_feature"]), float(node["threshold"]), bool(node["default_left"]), 0.0)
        )
        left[place] = add(node["left_child"])
        right[place] = add(node["right_child"])
        return place

    add(root)
    feature, threshold, missing_left, value = zip(*nodes, strict=True)
    return Tree(
        feature=np.array(feature),
        threshold=np.array(threshold),
        left=np.array(left),
        right=np.array(right),
        missing_left=np.array(missing_left),
        value=np.array(value),
        output=output,
    )


class LightGbm:
    """Gradient boosting by LightGBM.

    Source: Ke et al. 2017, "LightGBM: a highly efficient gradient boosting decision tree".
    """

    name: ClassVar[str] = "lightgbm"
    title: ClassVar[str] = "LightGBM"
    library: ClassVar[str] = "lightgbm"
    encoding: ClassVar[Encoding] = "trees"
    predictions: ClassVar[tuple[Prediction, ...]] = tuple(Prediction)
    iterates: ClassVar[bool] = True

    def parameters(self, prediction: Prediction, active: Sequence[Condition]) -> list[Parameter]:
        """Return the hyperparameters; the defaults are moderate, chosen by hand."""
        name, is_numbers = self.name, prediction is Prediction.NUMBERS
        return [
            learning_rate(name, 0.06, active),
            logarithmic(
                name, "leaves", 40 if is_numbers else 24, (4, 256), "leaves of a tree", active
            ),
            logarithmic(
                name,
                "leaf_rows",
                10 if is_numbers else 16,
                (1, 128),
                "fewest rows of a leaf",
                active,
            ),
            share(name, "row_share", 0.75, "share of the rows that a tree sees", active),
            share(name, "feature_share", 0.8, "share of the features that a tree sees", active),
            logarithmic(name, "l2", 0.5, (1e-4, 30.0), "penalty on the values of leaves", active),
            BooleanParameter(
                name=f"{name}.random_thresholds",
                default=False,
                meaning="one random threshold for each feature and split",
                active_when=tuple(active),
            ),
        ]

    def cost(self, size: FitSize, values: Mapping[str, Any]) -> float:
        """Return about how many seconds a fit takes."""
        return boosting_cost(size, values, float(values["leaves"]))

    def fit(self, request: FitRequest, values: Mapping[str, Any]) -> FittedLightGbm:
        """Fit a booster until the watched rows gain no more.

        Raises:
            InputError: LightGBM is not installed.
        """
        lgb = library(self.library, self.title)
        link = "identity" if not request.n_classes else _link_of(request.n_classes)
        settings = _settings(request, values, _OBJECTIVES[link])
        rows, watched = _datasets(lgb, request)
        booster = lgb.Booster(settings, rows)
        if watched is not None:
            booster.add_valid(watched, "watched")
        stopping = EarlyStopping(patience_of(values["learning_rate"]), request.deadline())
        is_fixed = request.n_iterations is not None or request.watched is None
        for _ in range(request.n_iterations or MAX_BOOSTED):
            is_finished = booster.update()
            loss = -float(stopping.n_done) if is_fixed else booster.eval_valid()[0][2]
            if not stopping.goes_on(loss) or is_finished:
                break
        n_kept = max(1, stopping.n_best)
        return FittedLightGbm(booster, link, request.n_outputs, n_kept)


def _link_of(n_classes: int) -> str:
    return "sigmoid" if n_classes == 2 else "softmax"


def _settings(request: FitRequest, values: Mapping[str, Any], objective: str) -> dict[str, Any]:
    found = {
        "objective": objective,
        "learning_rate": values["learning_rate"],
        "num_leaves": int(values["leaves"]),
        "min_data_in_leaf": int(values["leaf_rows"]),
        "bagging_fraction": values["row_share"],
        "bagging_freq": 1,
        "feature_fraction": values["feature_share"],
        "lambda_l2": values["l2"],
        "extra_trees": values["random_thresholds"],
        "num_threads": request.n_threads,
        "seed": request.seed,
        "deterministic": True,
        "force_row_wise": True,
        "feature_pre_filter": False,
        "verbosity": -1,
    }
    return found | ({"num_class": request.n_classes} if objective == "multiclass" else {})


def _datasets(lgb: Any, request: FitRequest) -> tuple[Any, Any]:
    """Return the rows in bins, and those that are watched, which all fits on them share."""
    if "lightgbm" not in request.prepared:
        settings = {
            "verbosity": -1,
            "feature_pre_filter": False,
            "force_row_wise": True,
            "num_threads": request.n_threads,
        }
        rows = lgb.Dataset(
            request.features, label=request.targets, params=dict(settings), free_raw_data=False
        ).construct()
        watched = None
        if request.watched is not None:
            features, targets = request.watched
            watched = lgb.Dataset(
                features, label=targets, reference=rows, params=dict(rows.params)
            ).construct()
        request.prepared["lightgbm"] = rows, watched
    found: tuple[Any, Any] = request.prepared["lightgbm"]
    return found
