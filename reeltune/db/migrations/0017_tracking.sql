-- What trackers outside (MLflow, OpenTelemetry, a file) have been told, and what waits to be told.

PRAGMA user_version = 17;

CREATE TABLE tracking_outbox (
    outbox_id INTEGER PRIMARY KEY AUTOINCREMENT,
    tracker TEXT NOT NULL CHECK (tracker <> ''),  -- kind and address, as "mlflow http://host:5000"
    kind TEXT NOT NULL CHECK (kind IN ('run', 'experiment', 'version', 'promotion')),
    subject TEXT NOT NULL,  -- id of the run or experiment, number of the version or event
    state TEXT NOT NULL,  -- of it when it was queued: another is told again
    queued_at TEXT NOT NULL,
    delivered_at TEXT,  -- NULL: waits
    remote_id TEXT,  -- the tracker's own id of it; NULL: it has none, or it is not known yet
    attempts INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    error TEXT,  -- of the last attempt; NULL: none failed
    UNIQUE (tracker, kind, subject, state)
) STRICT;
CREATE INDEX tracking_outbox_waiting ON tracking_outbox (tracker, outbox_id)
    WHERE delivered_at IS NULL;
