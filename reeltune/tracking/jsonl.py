"""Tracker that appends JSON lines to a file, an object a record."""

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

from reeltune.domain.clock import stamp
from reeltune.tracking.tracker import (
    ExperimentRecord,
    PromotionRecord,
    Remember,
    RunRecord,
    TrackedRecord,
    TrackerError,
    VersionRecord,
)

_KINDS = {
    RunRecord: "run",
    ExperimentRecord: "experiment",
    VersionRecord: "version",
    PromotionRecord: "promotion",
}


class JsonLinesTracker:
    """File that is appended to; a record told twice is there twice, with the same `key`."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def name(self) -> str:
        """Name with the file's path."""
        return f"jsonl {self.path.absolute()}"

    def tell(self, record: TrackedRecord, remember: Remember) -> None:
        """Append one line, and see it safe on the disk.

        Raises:
            TrackerError: the file cannot be written.
        """
        head = {"kind": _KINDS[type(record)], "key": record.key, "told_at": stamp()}
        line = json.dumps(head | _content(record), ensure_ascii=False, allow_nan=False)
        try:
            with self.path.open("a", encoding="utf-8", newline="\n") as file:
                file.write(f"{line}\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise TrackerError(f"{self.path} cannot be written: {error.strerror}") from error


def _content(record: TrackedRecord) -> dict[str, Any]:
    match record:
        case RunRecord():
            return {
                "run": asdict(record.run),
                "n_completed": record.n_completed,
                "n_failed": record.n_failed,
                "best_experiment_id": None if record.best is None else record.best.experiment_id,
                "best_value": None if record.best is None else record.best.objective_value,
            }
        case ExperimentRecord():
            return {"experiment": asdict(record.experiment)}
        case VersionRecord():
            return {"version": asdict(record.version), "decision": asdict(record.decision)}
        case PromotionRecord():
            return {"version": record.version.version, "event": asdict(record.event)}
