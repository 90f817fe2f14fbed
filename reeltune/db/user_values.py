"""Table of the values per user of those experiments that led a run."""

import numpy as np

from reeltune.db.connection import Connection
from reeltune.domain.arrays import Floats


def save_user_values(conn: Connection, experiment_id: str, metric: str, values: Floats) -> None:
    """Keep an experiment's values per user (U,)."""
    conn.execute(
        """
        INSERT OR REPLACE INTO hp_user_values (experiment_id, metric, "values")
        VALUES (:id, :metric, :values)
        """,
        {"id": experiment_id, "metric": metric, "values": values.astype("<f8").tobytes()},
    )


def load_user_values(conn: Connection, experiment_id: str, metric: str) -> Floats | None:
    """Return an experiment's values per user (U,), if they were kept."""
    row = conn.execute(
        'SELECT "values" FROM hp_user_values WHERE experiment_id = :id AND metric = :metric',
        {"id": experiment_id, "metric": metric},
    ).fetchone()
    return None if row is None else np.frombuffer(row["values"], dtype="<f8")


def load_all_user_values(conn: Connection, experiment_id: str) -> dict[str, Floats]:
    """Return all values per user (U,) that were kept of an experiment, by metric or guardrail."""
    rows = conn.execute(
        'SELECT metric, "values" FROM hp_user_values WHERE experiment_id = :id',
        {"id": experiment_id},
    )
    return {row["metric"]: np.frombuffer(row["values"], dtype="<f8") for row in rows}
