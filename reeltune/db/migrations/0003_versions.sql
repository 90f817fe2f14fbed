-- Which fit came from what, which of them is in production, and why.

PRAGMA user_version = 3;

CREATE TABLE training_runs (
    training_run_id INTEGER PRIMARY KEY,
    created_at TEXT NOT NULL,
    experiment_id TEXT REFERENCES hp_experiments (experiment_id),
    model TEXT NOT NULL,
    hyperparameters TEXT NOT NULL CHECK (json_type(hyperparameters) = 'object'),
    split TEXT NOT NULL CHECK (split IN ('user-time', 'calendar')),
    data_fingerprint TEXT NOT NULL,
    n_ratings INTEGER NOT NULL CHECK (n_ratings >= 0),
    code_version TEXT NOT NULL,
    seed INTEGER NOT NULL,
    environment TEXT NOT NULL CHECK (json_valid(environment)),
    test_metrics TEXT NOT NULL CHECK (json_type(test_metrics) = 'object'),
    duration_seconds REAL NOT NULL CHECK (duration_seconds >= 0)
) STRICT;

CREATE TABLE model_versions (
    version INTEGER PRIMARY KEY AUTOINCREMENT,
    training_run_id INTEGER NOT NULL UNIQUE REFERENCES training_runs,
    created_at TEXT NOT NULL,
    parent_version INTEGER REFERENCES model_versions,
    status TEXT NOT NULL CHECK (status IN ('candidate', 'production', 'archived', 'refused')),
    artifact TEXT,
    artifact_sha256 TEXT CHECK (length(artifact_sha256) = 64),
    CHECK ((status = 'refused') = (artifact IS NULL)),
    CHECK ((artifact IS NULL) = (artifact_sha256 IS NULL))
) STRICT;
CREATE UNIQUE INDEX one_version_in_production ON model_versions (status)
    WHERE status = 'production';

CREATE TABLE version_events (
    event_id INTEGER PRIMARY KEY AUTOINCREMENT,
    version INTEGER NOT NULL REFERENCES model_versions,
    event TEXT NOT NULL
        CHECK (event IN ('registered', 'promoted', 'refused', 'replaced', 'rolled back')),
    happened_at TEXT NOT NULL,
    reason TEXT NOT NULL,
    evidence TEXT NOT NULL CHECK (json_valid(evidence))
) STRICT;

CREATE TRIGGER version_events_are_never_changed BEFORE UPDATE ON version_events
BEGIN
    SELECT RAISE(ABORT, 'version_events is append-only');
END;
CREATE TRIGGER version_events_are_never_deleted BEFORE DELETE ON version_events
BEGIN
    SELECT RAISE(ABORT, 'version_events is append-only');
END;
