"""Ensembles of trees as arrays: whatever library grew them, one way to store and to apply them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from reeltune.domain.arrays import AnyArray, Bools, Floats, Floats32, Ints32

LEAF = -1
_BLOCK_CELLS = 400_000  # rows times trees that are walked together


@dataclass(frozen=True, eq=False, kw_only=True)
class TreeEnsemble:
    """Nodes (M,) of all trees, and for each tree (T,) its root and the output that it adds to.

    A row goes left where its feature is at most the threshold; a missing value where `missing_left`
    says so. At a leaf, `feature` is LEAF and `value` is what the tree adds.
    """

    feature: Ints32
    threshold: Floats
    left: Ints32
    right: Ints32
    missing_left: Bools
    value: Floats  # (M, V): V is 1, or the number of outputs
    roots: Ints32
    output: Ints32  # (T,) of a tree with one value; 0 where a tree has one for each
    base: Floats  # (K,) what all rows begin with
    scale: float = 1.0  # of the sum, without the base

    def sums(self, features: Floats32) -> Floats:
        """Return (N, K) sums of the trees' values for rows of features (N, F)."""
        n_rows, n_outputs = len(features), len(self.base)
        found = np.zeros((n_rows, n_outputs))
        step = max(1, _BLOCK_CELLS // max(1, len(self.roots)))
        for start in range(0, n_rows, step):
            block = features[start : start + step]
            leaves = self._leaves(block)
            found[start : start + step] = self._added(leaves)
        return self.base + self.scale * found

    def _leaves(self, features: Floats32) -> Ints32:
        """Return (N, T) the leaf in which each row ends."""
        n_rows, n_trees = len(features), len(self.roots)
        nodes = np.tile(self.roots, n_rows)
        rows = np.repeat(np.arange(n_rows, dtype=np.int32), n_trees)
        flat = features.reshape(-1)
        width = features.shape[1]
        active: AnyArray = np.flatnonzero(self.feature[nodes] != LEAF)
        while len(active):
            at = nodes[active]
            values = flat[rows[active] * np.int64(width) + self.feature[at]]
            goes_left = (values <= self.threshold[at]) | (np.isnan(values) & self.missing_left[at])
            following = np.where(goes_left, self.left[at], self.right[at])
            nodes[active] = following
            active = active[self.feature[following] != LEAF]
        return nodes.reshape(n_rows, n_trees)

    def _added(self, leaves: Ints32) -> Floats:
        """Return (N, K) what the leaves (N, T) add."""
        if self.value.shape[1] > 1:
            found: Floats = self.value[leaves].sum(axis=1)
            return found
        values = self.value[:, 0][leaves]  # (N, T)
        outputs = [values[:, self.output == k].sum(axis=1) for k in range(len(self.base))]
        return np.column_stack(outputs)

    def arrays(self) -> dict[str, AnyArray]:
        """Return the arrays by name, as small as they keep their values."""
        return {
            "feature": self.feature,
            "threshold": self.threshold,
            "left": self.left,
            "right": self.right,
            "missing_left": self.missing_left,
            "value": self.value,
            "roots": self.roots,
            "output": self.output,
            "base": self.base,
            "scale": np.array([self.scale]),
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, AnyArray]) -> "TreeEnsemble":
        """Return the ensemble that `arrays` describe."""
        kept = {name: array for name, array in arrays.items() if name != "scale"}
        return cls(**kept, scale=float(arrays["scale"][0]))  # type: ignore[arg-type]


@dataclass(frozen=True, eq=False, kw_only=True)
class Tree:
    """Nodes (m,) of one tree, the root first; children are positions among them."""

    feature: AnyArray
    threshold: AnyArray
    left: AnyArray
    right: AnyArray
    missing_left: AnyArray
    value: AnyArray  # (m,) or (m, V)
    output: int = 0


def ensemble(trees: Sequence[Tree], base: Sequence[float], scale: float = 1.0) -> TreeEnsemble:
    """Return trees as one ensemble, which begins with `base` (K,)."""
    sizes = np.array([len(tree.feature) for tree in trees])
    starts = np.cumsum([0, *sizes])[:-1]
    values = [np.asarray(tree.value, dtype=np.float64) for tree in trees]
    moved = [
        (np.asarray(tree.left) + start, np.asarray(tree.right) + start)
        for tree, start in zip(trees, starts, strict=True)
    ]
    return TreeEnsemble(
        feature=np.concatenate([np.asarray(t.feature, dtype=np.int32) for t in trees]),
        threshold=np.concatenate([np.asarray(t.threshold, dtype=np.float64) for t in trees]),
        left=np.concatenate([left for left, _ in moved]).astype(np.int32),
        right=np.concatenate([right for _, right in moved]).astype(np.int32),
        missing_left=np.concatenate([np.asarray(t.missing_left, dtype=np.bool_) for t in trees]),
        value=np.concatenate([v.reshape(len(v), -1) for v in values]),
        roots=starts.astype(np.int32),
        output=np.array([tree.output for tree in trees], dtype=np.int32),
        base=np.array(base, dtype=np.float64),
        scale=scale,
    )
