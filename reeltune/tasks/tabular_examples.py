"""Small tabular tasks, for the tests that hold for every kind of task."""

from pathlib import Path

import numpy as np

from reeltune.table_models.folds import Fold, Folds
from reeltune.tabular.columns import ColumnKind, ColumnSpec, DataColumn, DataTable
from reeltune.tabular.target import Prediction, Target
from reeltune.tasks.tabular import TabularTask
from reeltune.tasks.tabular_source import TabularSource

N_ROWS = 90
_LEVELS = ("red", "green", "blue")


def example_of_a_table(variant: int) -> TabularTask:
    """Return the task of a table of 90 rows: of two classes, or of numbers, by turns."""
    rng = np.random.default_rng([variant, 7])
    size, codes = rng.normal(size=N_ROWS), rng.integers(-1, 3, N_ROWS)
    wanted = size + 0.8 * codes + rng.normal(scale=0.5, size=N_ROWS)
    size[::11] = np.nan
    numbers = ColumnSpec(name="size", kind=ColumnKind.NUMBER)
    levels = ColumnSpec(name="colour", kind=ColumnKind.CATEGORY)
    columns = {
        "size": DataColumn(spec=numbers, numbers=size),
        "colour": DataColumn(spec=levels, codes=codes.astype(np.int32), levels=_LEVELS),
    }
    table = DataTable(f"example {variant}", columns, N_ROWS)
    if variant % 2:
        target = Target(name="y", prediction=Prediction.NUMBERS, values=wanted)
    else:
        classes = (wanted > np.median(wanted)).astype(np.int64)
        target = Target(
            name="y", prediction=Prediction.CLASSES, values=classes, classes=("no", "yes")
        )
    source = TabularSource(
        path=Path(f"example-{variant}.csv"), target="y", prediction=target.prediction
    )
    return TabularTask(source, table, target, _two_folds())


def _two_folds() -> Folds:
    rows = np.arange(N_ROWS)
    search, test = rows[rows % 10 != 0], rows[rows % 10 == 0]
    halves = [search[search % 2 == k] for k in (0, 1)]
    return Folds("random", None, (Fold(*halves), Fold(*halves[::-1])), search, test)
