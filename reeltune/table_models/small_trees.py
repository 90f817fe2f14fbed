"""Arrays of trees in less space: no number is wider than it needs to be."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from reeltune.domain.arrays import AnyArray, Floats, Floats32, Ints32
from reeltune.table_models.trees import LEAF, TreeEnsemble


def shrunk(trees: TreeEnsemble) -> dict[str, AnyArray]:
    """Return the arrays of trees in less space, by name; `grown` makes them trees again.

    Thresholds go down to the next single: features are singles, so each goes the same way. Values
    are rounded to singles. Children are stored as steps from their node.
    """
    small = as_singles(trees)
    places = np.arange(len(small.feature), dtype=np.int32)
    is_leaf = small.feature == LEAF
    steps = [np.where(is_leaf, 0, child - places) for child in (small.left, small.right)]
    return {
        "feature": _narrow(small.feature),
        "threshold": small.threshold.astype(np.float32),
        "left": _narrow(steps[0]),
        "right": _narrow(steps[1]),
        "missing_left": np.packbits(small.missing_left),
        "leaf_value": small.value[is_leaf].astype(np.float32),
        "roots": small.roots,
        "output": small.output,
        "base": small.base,
        "scale": np.array([small.scale]),
    }


def _narrow(whole: Ints32) -> AnyArray:
    """Return whole numbers in two bytes each where they fit."""
    fits = np.abs(whole).max(initial=0) < 2**15
    return whole.astype(np.int16 if fits else np.int32)


def grown(arrays: Mapping[str, AnyArray]) -> TreeEnsemble:
    """Return the trees that `shrunk` stored."""
    stored: Mapping[str, Any] = arrays
    feature = stored["feature"].astype(np.int32)
    places = np.arange(len(feature), dtype=np.int32)
    is_leaf = feature == LEAF
    value = np.zeros((len(feature), stored["leaf_value"].shape[1]))
    value[is_leaf] = stored["leaf_value"]
    return TreeEnsemble(
        feature=feature,
        threshold=stored["threshold"].astype(np.float64),
        left=places + stored["left"].astype(np.int32),
        right=places + stored["right"].astype(np.int32),
        missing_left=np.unpackbits(stored["missing_left"], count=len(feature)).astype(np.bool_),
        value=value,
        roots=stored["roots"],
        output=stored["output"],
        base=stored["base"],
        scale=float(stored["scale"][0]),
    )


def as_singles(trees: TreeEnsemble) -> TreeEnsemble:
    """Return the trees with thresholds and values that singles hold."""
    value: Floats = trees.value.astype(np.float32).astype(np.float64)
    return replace(trees, threshold=next_below(trees.threshold).astype(np.float64), value=value)


def next_below(values: Floats) -> Floats32:
    """Return the largest singles that are not above `values`."""
    near = np.clip(values, -3.4e38, 3.4e38).astype(np.float32)
    below = np.nextafter(near, np.float32(-np.inf))
    return np.where(near.astype(np.float64) > values, below, near).astype(np.float32)
