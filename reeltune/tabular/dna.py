"""Data DNA: nineteen figures that say what a table is like."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from reeltune.domain.arrays import Floats, Ints
from reeltune.tabular.columns import ColumnKind, DataColumn, DataTable
from reeltune.tabular.moments import Moments, correlation_matrix, correlation_ratio, cramers_v
from reeltune.tabular.target import Prediction, Target

NUMERICAL = (ColumnKind.NUMBER, ColumnKind.DATE)
N_BINS = 10  # of equal width, in which a number's entropy is counted
DIFFICULT_DIMENSIONALITY = 0.1  # columns for each row from which on that alone is most difficult
_MAX_CODES = 10_000_000  # cells of a table of two groupings


@dataclass(frozen=True, slots=True, kw_only=True)
class DataDna:
    """Figures of a table's features and target; docs/TABLES.md has the formulas."""

    n_instances: int
    n_features: int
    n_numerical: int
    n_categorical: int
    dimensionality: float
    missing_ratio: float
    sparsity: float
    mean_skewness: float
    max_skewness: float
    mean_kurtosis: float
    avg_correlation: float
    max_correlation: float
    coefficient_variation: float
    avg_cardinality: float
    class_imbalance_ratio: float
    target_entropy: float
    normalized_entropy: float
    task_type: str
    task_difficulty_score: float

    def as_dict(self) -> dict[str, Any]:
        """Return the figures by name."""
        return asdict(self)


def data_dna(table: DataTable, target: Target) -> DataDna:
    """Return the figures of a table's features, of which the target is none.

    Dates count as numbers; texts and ids as categories.
    """
    columns = list(table.columns.values())
    numerical = [column for column in columns if column.kind in NUMERICAL]
    categorical = [column for column in columns if column.kind not in NUMERICAL]
    n_missing = sum(int(column.is_missing.sum()) for column in columns)
    missing_ratio = n_missing / (table.n_rows * len(columns))
    shape = _shape_of_numbers(numerical, table.n_rows)
    entropy, most = target_entropy(target)
    normalized = entropy / most if most > 0 else 0.0
    dimensionality = len(columns) / table.n_rows
    difficulty = (
        min(1.0, dimensionality / DIFFICULT_DIMENSIONALITY),
        missing_ratio,
        1.0 - normalized,
        1.0 - max((relation(column, target) for column in columns), default=0.0),
    )
    return DataDna(
        n_instances=table.n_rows,
        n_features=len(columns),
        n_numerical=len(numerical),
        n_categorical=len(categorical),
        dimensionality=dimensionality,
        missing_ratio=missing_ratio,
        avg_cardinality=_mean(np.array([c.n_distinct for c in categorical], dtype=np.float64)),
        class_imbalance_ratio=_imbalance(target),
        target_entropy=entropy,
        normalized_entropy=normalized,
        task_type=target.prediction.value,
        task_difficulty_score=sum(difficulty) / len(difficulty),
        **shape,
    )


def _shape_of_numbers(columns: list[DataColumn], n_rows: int) -> dict[str, float]:
    """Return the figures of the columns of numbers; 0 where there is nothing to count."""
    matrix = np.zeros((n_rows, len(columns)))
    for place, column in enumerate(columns):
        matrix[:, place] = column.values
    moments = Moments.of(matrix)
    skewness = np.abs(moments.skewness)
    pairs = np.abs(correlation_matrix(matrix, moments)[np.triu_indices(len(columns), 1)])
    n_present = int(moments.counts.sum())
    with np.errstate(divide="ignore", invalid="ignore"):
        variation = moments.deviations / np.abs(moments.means)
    return {
        "sparsity": float((matrix == 0).sum()) / n_present if n_present else 0.0,
        "mean_skewness": _mean(skewness),
        "max_skewness": _max(skewness),
        "mean_kurtosis": _mean(moments.kurtosis),
        "avg_correlation": _mean(pairs),
        "max_correlation": _max(pairs),
        "coefficient_variation": _mean(variation),
    }


def _mean(values: Floats) -> float:
    """Return the mean of what is finite; 0 where nothing is."""
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else 0.0


def _max(values: Floats) -> float:
    known = values[np.isfinite(values)]
    return float(known.max()) if len(known) else 0.0


def _groups(target: Target) -> Ints:
    """Return the class (N,) of each row; of numbers one of `N_BINS` bins of equal width."""
    if target.prediction is Prediction.CLASSES:
        return np.asarray(target.values, dtype=np.int64)
    low, high = float(target.values.min()), float(target.values.max())
    if high <= low:
        return np.zeros(len(target.values), dtype=np.int64)
    places = (target.values - low) / (high - low) * N_BINS
    found: Ints = np.minimum(N_BINS - 1, places).astype(np.int64)
    return found


def target_entropy(target: Target) -> tuple[float, float]:
    """Return Shannon's entropy of the target in bits, and the most that it could be."""
    shares = np.bincount(_groups(target)) / len(target.values)
    known = shares[shares > 0]
    entropy = float(-(known * np.log2(known)).sum())
    n = target.n_classes or N_BINS
    return max(0.0, entropy), float(np.log2(n))


def _imbalance(target: Target) -> float:
    """Return rows of the largest class for each of the smallest; 1 for numbers."""
    if target.prediction is Prediction.NUMBERS:
        return 1.0
    counts = np.bincount(np.asarray(target.values, dtype=np.int64))
    return float(counts.max() / counts[counts > 0].min())


def relation(column: DataColumn, target: Target) -> float:
    """Return how strongly one column alone goes with the target, 0 to 1.

    The correlation of two numbers, the correlation ratio of a number and groups, or Cramér's V of
    two groupings. What names single rows says nothing: 0.
    """
    if column.kind in (ColumnKind.ID, ColumnKind.TEXT):
        return 0.0
    is_number = target.prediction is Prediction.NUMBERS
    if column.codes is None:
        if not is_number:
            return correlation_ratio(np.asarray(target.values, np.int64), column.values)
        both: Floats = np.column_stack([column.values, target.values]).astype(np.float64)
        found = correlation_matrix(both, Moments.of(both))[0, 1]
        return float(abs(found)) if np.isfinite(found) else 0.0
    if is_number:
        return correlation_ratio(column.codes, target.values.astype(np.float64))
    if len(column.levels) * target.n_classes > _MAX_CODES:
        return 0.0
    return cramers_v(column.codes, np.asarray(target.values, np.int64))
