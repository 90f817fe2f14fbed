"""Experiments of a run as a data frame, for notebooks and for Parquet files."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reeltune.db.connection import Connection, connection
from reeltune.db.experiments import load_experiments
from reeltune.db.tuning_runs import load_run
from reeltune.domain.errors import InputError
from reeltune.domain.experiment import Experiment
from reeltune.views.next_step import DEFAULT_DB

if TYPE_CHECKING:
    import pandas

NEEDS_PANDAS = "a data frame needs pandas, which is not installed: pip install pandas"
NEEDS_PYARROW = "Parquet needs pyarrow, which is not installed: pip install pyarrow"
HYPERPARAMETER, METRIC = "hp.", "metric."  # before the names of such columns


def experiment_columns(experiments: Sequence[Experiment]) -> dict[str, list[Any]]:
    """Return columns by name: what an experiment has, its hyperparameters, and its metrics."""
    found: dict[str, list[Any]] = {
        "number": [e.number for e in experiments],
        "experiment_id": [e.experiment_id for e in experiments],
        "tuning_run_id": [e.tuning_run_id for e in experiments],
        "status": [e.status for e in experiments],
        "phase": [e.exploration_phase for e in experiments],
        "method": [e.tuning_method for e in experiments],
        "value": [e.objective_value for e in experiments],
        "lower_bound": [e.lower_bound for e in experiments],
        "gain": [e.improvement_from_baseline for e in experiments],
        "gain_error": [e.improvement_error for e in experiments],
        "is_feasible": [e.is_feasible for e in experiments],
        "seconds": [e.duration_seconds for e in experiments],
        "seed": [e.seed for e in experiments],
        "created_at": [e.created_at for e in experiments],
        "completed_at": [e.completed_at for e in experiments],
        "error": [e.error for e in experiments],
    }
    parts: list[tuple[str, list[Mapping[str, Any]]]] = [
        (HYPERPARAMETER, [e.hyperparameters for e in experiments]),
        (METRIC, [e.metrics for e in experiments]),
    ]
    for prefix, rows in parts:
        for name in dict.fromkeys(name for row in rows for name in row):
            found[f"{prefix}{name}"] = [row.get(name) for row in rows]
    return found


def run_columns(conn: Connection, run_id: str) -> dict[str, list[Any]]:
    """Return the columns of a run's experiments, by number.

    Raises:
        NotFoundError: there is no such run.
    """
    load_run(conn, run_id)
    return experiment_columns(load_experiments(conn, run_id))


def to_dataframe(run_id: str, *, db: Path | str = DEFAULT_DB) -> "pandas.DataFrame":
    """Return the experiments of a run as a data frame, a row each, by number.

    Hyperparameters are columns named `hp.NAME`, metrics `metric.NAME`.

    Raises:
        InputError: pandas is not installed.
        NotFoundError: there is no such run.
    """
    try:
        import pandas as pd
    except ImportError as error:
        raise InputError(NEEDS_PANDAS) from error
    with connection(Path(db)) as conn:
        return pd.DataFrame(run_columns(conn, run_id))


def write_parquet(columns: Mapping[str, Sequence[Any]], path: Path) -> None:
    """Write columns as a Parquet file; a column of mixed kinds as text.

    Raises:
        InputError: pyarrow is not installed.
    """
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise InputError(NEEDS_PYARROW) from error
    arrays = {name: _array(pa, values) for name, values in columns.items()}
    pq.write_table(pa.table(arrays), path)


def _array(pa: Any, values: Sequence[Any]) -> Any:
    kinds = {type(value) for value in values if value is not None}
    if kinds == {int, float}:
        values = [None if value is None else float(value) for value in values]
    elif len(kinds) > 1:
        values = [None if value is None else str(value) for value in values]
    return pa.array(values)
