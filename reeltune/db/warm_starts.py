"""Tables of sources, and of what was started from them."""

import json
from dataclasses import asdict

from reeltune.db.connection import Connection, Row
from reeltune.domain.warm_start import Gain, WarmStart, WarmStartSource


def save_warm_start_source(conn: Connection, source: WarmStartSource) -> None:
    """Keep what a run taught; again, it replaces what was kept of the same run."""
    values = asdict(source)
    conn.execute(
        """
        INSERT INTO hp_patterns (
            tuning_run_id, created_at, model, objective, split, space_fingerprint, profile, best
        ) VALUES (
            :tuning_run_id, :created_at, :model, :objective, :split, :space_fingerprint, :profile,
            :best
        )
        ON CONFLICT (tuning_run_id) DO UPDATE
           SET created_at = excluded.created_at, profile = excluded.profile, best = excluded.best
        """,
        values
        | {
            "profile": json.dumps(values["profile"], allow_nan=False),
            "best": json.dumps(values["best"], allow_nan=False),
        },
    )


def load_warm_start_sources(conn: Connection) -> list[WarmStartSource]:
    """Return all sources, the earliest first, with how often they were used and helped."""
    rows = conn.execute(
        """
        SELECT p.*, count(w.helped) AS n_used, ifnull(sum(w.helped), 0) AS n_helped
          FROM hp_patterns AS p LEFT JOIN hp_warmstarts AS w USING (pattern_id)
         GROUP BY p.pattern_id
         ORDER BY p.pattern_id
        """
    )
    return [_source(row) for row in rows]


def save_warm_start(conn: Connection, start: WarmStart) -> None:
    """Say which source an experiment comes from."""
    conn.execute(
        """
        INSERT INTO hp_warmstarts (experiment_id, pattern_id, similarity, trust, helped)
        VALUES (:experiment_id, :pattern_id, :similarity, :trust, :helped)
        """,
        asdict(start),
    )


def load_warm_starts(conn: Connection, run_id: str) -> list[WarmStart]:
    """Return a run's experiments that came from sources, by number."""
    rows = conn.execute(
        """
        SELECT w.*
          FROM hp_warmstarts AS w JOIN hp_experiments AS e USING (experiment_id)
         WHERE e.tuning_run_id = :run
         ORDER BY e.number
        """,
        {"run": run_id},
    )
    return [
        WarmStart(**{**dict(row), "helped": None if row["helped"] is None else bool(row["helped"])})
        for row in rows
    ]


def judge_warm_starts(conn: Connection, run_id: str) -> None:
    """Record of a run's experiments that came from sources whether they beat the baseline."""
    conn.execute(
        """
        UPDATE hp_warmstarts
           SET helped = e.status = 'completed' AND ifnull(e.improvement_from_baseline, 0) > 0
          FROM hp_experiments AS e
         WHERE e.experiment_id = hp_warmstarts.experiment_id
           AND e.tuning_run_id = :run AND e.status IN ('completed', 'failed', 'pruned')
        """,
        {"run": run_id},
    )


_FIELDS = tuple(WarmStartSource.__dataclass_fields__)


def _source(row: Row) -> WarmStartSource:
    values = {name: row[name] for name in _FIELDS}
    values["profile"] = json.loads(row["profile"])
    values["best"] = tuple(Gain(**gain) for gain in json.loads(row["best"]))
    return WarmStartSource(**values)
