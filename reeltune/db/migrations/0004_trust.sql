-- How often the test part was looked at for a decision, and what each version is watched against.

PRAGMA user_version = 4;

CREATE TABLE test_looks (
    look_id INTEGER PRIMARY KEY AUTOINCREMENT,
    looked_at TEXT NOT NULL,
    decision TEXT NOT NULL CHECK (decision IN ('first', 'routine', 'nightly', 'by hand')),
    model TEXT NOT NULL,
    split TEXT NOT NULL CHECK (split IN ('user-time', 'calendar')),
    objective TEXT NOT NULL,
    data_fingerprint TEXT NOT NULL,
    experiment_id TEXT REFERENCES hp_experiments (experiment_id),
    level REAL NOT NULL CHECK (level BETWEEN 0 AND 1),  -- spent of the budget; 0 = nothing
    difference REAL,
    p_value REAL CHECK (p_value BETWEEN 0 AND 1),
    verdict TEXT NOT NULL CHECK (verdict IN ('promote', 'cannot tell', 'refused'))
) STRICT;

CREATE TRIGGER test_looks_are_never_changed BEFORE UPDATE ON test_looks
BEGIN
    SELECT RAISE(ABORT, 'test_looks is append-only');
END;
CREATE TRIGGER test_looks_are_never_deleted BEFORE DELETE ON test_looks
BEGIN
    SELECT RAISE(ABORT, 'test_looks is append-only');
END;

-- Per-user values of a version on the calendar's test part, when it was made.
CREATE TABLE version_references (
    version INTEGER NOT NULL REFERENCES model_versions,
    metric TEXT NOT NULL,
    newest_rated_at INTEGER NOT NULL CHECK (newest_rated_at >= 0),  -- of all it was fitted to
    user_ids BLOB NOT NULL,  -- int64, little endian, ascending: the users who have a value
    "values" BLOB NOT NULL,  -- float64, little endian, one per user
    PRIMARY KEY (version, metric)
) STRICT, WITHOUT ROWID;
