-- Which models were removed to save space, and when commands that are run at night ended how.

PRAGMA user_version = 6;

CREATE TABLE removed_artifacts (
    version INTEGER PRIMARY KEY REFERENCES model_versions,
    removed_at TEXT NOT NULL
) STRICT;

CREATE TABLE command_runs (
    command_run_id INTEGER PRIMARY KEY AUTOINCREMENT,
    command TEXT NOT NULL CHECK (command IN ('tune', 'retrain')),
    started_at TEXT NOT NULL,
    ended_at TEXT NOT NULL,
    exit_code INTEGER NOT NULL,
    said TEXT NOT NULL
) STRICT;
