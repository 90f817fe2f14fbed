"""Table of the epochs by which the models of versions were trained."""

import json
import math
from collections.abc import Iterable
from typing import Any

from reeltune.db.connection import Connection, Row
from reeltune.training.epoch import Epoch
from reeltune.training.recording import RecordedEpoch

_NUMBERS = ("loss", "validation", "gradient_norm", "max_gradient_norm")  # NULL where not finite


def save_training_epochs(conn: Connection, version: int, recorded: Iterable[RecordedEpoch]) -> None:
    """Add the epochs of a version's fit, in the caller's transaction."""
    conn.executemany(
        """
        INSERT INTO training_epochs (
            training_run_id, training, name, epoch, loss, validation, is_best, learning_rate, l2,
            gradient_norm, max_gradient_norm, seconds, memory_bytes, chunk_size, actions
        )
        SELECT training_run_id, :training, :name, :number, :loss, :validation, :is_best,
               :learning_rate, :l2, :gradient_norm, :max_gradient_norm, :seconds, :memory_bytes,
               :chunk_size, :actions
          FROM model_versions
         WHERE version = :version
        """,
        [{"version": version} | _values(each) for each in recorded],
    )


def load_training_epochs(conn: Connection, version: int) -> list[RecordedEpoch]:
    """Return the epochs of a version's fit, in their order; none where nothing was trained so."""
    rows = conn.execute(
        """
        SELECT e.*
          FROM training_epochs AS e
          JOIN model_versions AS v USING (training_run_id)
         WHERE v.version = :version
         ORDER BY e.training, e.epoch
        """,
        {"version": version},
    )
    return [_from_row(row) for row in rows]


def _values(each: RecordedEpoch) -> dict[str, Any]:
    values = each.epoch.as_dict()
    values |= {name: _finite(values[name]) for name in _NUMBERS}
    values["actions"] = json.dumps(list(each.epoch.actions))
    return values | {"training": each.training, "name": each.name}


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _from_row(row: Row) -> RecordedEpoch:
    numbers = {name: math.nan if row[name] is None else row[name] for name in _NUMBERS}
    epoch = Epoch(
        number=row["epoch"],
        is_best=bool(row["is_best"]),
        learning_rate=row["learning_rate"],
        l2=row["l2"],
        seconds=row["seconds"],
        memory_bytes=row["memory_bytes"],
        chunk_size=row["chunk_size"],
        actions=tuple(json.loads(row["actions"])),
        **numbers,
    )
    return RecordedEpoch(row["training"], row["name"], epoch)
