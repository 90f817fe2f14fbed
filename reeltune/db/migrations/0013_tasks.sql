-- What kind of task a run tunes, and runs of tasks that have splits of their own, or none.

PRAGMA user_version = 13;

-- Rows that refer to runs have none for a moment: what counts is the end of the transaction.
PRAGMA defer_foreign_keys = ON;

CREATE TEMP TABLE kept_runs AS SELECT rowid AS place, * FROM main.hp_tuning_runs;
DROP TABLE main.hp_tuning_runs;
CREATE TABLE hp_tuning_runs (
    tuning_run_id TEXT PRIMARY KEY,
    created_at TEXT NOT NULL,
    started_at TEXT,
    finished_at TEXT,
    method TEXT NOT NULL,
    objective TEXT NOT NULL,
    task TEXT NOT NULL DEFAULT 'ratings',
    model TEXT NOT NULL,  -- what is tuned: a recommender, a function, a study
    split TEXT NOT NULL,
    space_fingerprint TEXT NOT NULL,
    seed INTEGER NOT NULL,
    n_configs INTEGER NOT NULL CHECK (n_configs >= 1 OR task = 'study'),  -- 0: without an end
    settings TEXT NOT NULL CHECK (json_valid(settings)),
    data_fingerprint TEXT,
    code_version TEXT,
    history_cutoff INTEGER,  -- results with a higher completion_number are not in its history
    status TEXT NOT NULL
        CHECK (status IN ('planned', 'running', 'completed', 'interrupted', 'failed')),
    stop_reason TEXT,
    process_id INTEGER,  -- which process works on it: whom `stop` asks to end
    CHECK (task <> 'ratings' OR split IN ('user-time', 'user-random', 'calendar')),
    CHECK (status = 'planned' OR (data_fingerprint IS NOT NULL AND history_cutoff IS NOT NULL))
) STRICT;
INSERT INTO hp_tuning_runs (
    rowid, tuning_run_id, created_at, started_at, finished_at, method, objective, task, model,
    split, space_fingerprint, seed, n_configs, settings, data_fingerprint, code_version,
    history_cutoff, status, stop_reason, process_id
)
SELECT place, tuning_run_id, created_at, started_at, finished_at, method, objective, 'ratings',
       model, split, space_fingerprint, seed, n_configs, settings, data_fingerprint, code_version,
       history_cutoff, status, stop_reason, process_id
  FROM kept_runs ORDER BY place;
DROP TABLE kept_runs;

-- Whose trial it is, in a study: a client that asks again is given it again.
ALTER TABLE hp_experiments ADD COLUMN client_id TEXT;

CREATE TEMP TABLE kept_patterns AS SELECT * FROM main.hp_patterns;
DROP TABLE main.hp_patterns;
CREATE TABLE hp_patterns (
    pattern_id INTEGER PRIMARY KEY,
    tuning_run_id TEXT NOT NULL UNIQUE REFERENCES hp_tuning_runs,
    created_at TEXT NOT NULL,
    model TEXT NOT NULL,
    objective TEXT NOT NULL,
    split TEXT NOT NULL,
    space_fingerprint TEXT NOT NULL,
    profile TEXT NOT NULL CHECK (json_type(profile) = 'object'),
    best TEXT NOT NULL CHECK (json_type(best) = 'array')  -- [{"gain":, "hyperparameters": {}}]
) STRICT;
INSERT INTO hp_patterns (
    pattern_id, tuning_run_id, created_at, model, objective, split, space_fingerprint, profile, best
)
SELECT pattern_id, tuning_run_id, created_at, model, objective, split, space_fingerprint, profile,
       best
  FROM kept_patterns ORDER BY pattern_id;
DROP TABLE kept_patterns;
