-- What earlier runs taught that a new one can start with, and what a retraining's winner came from.

PRAGMA user_version = 5;

-- Which process works on a run: whom `stop` asks to end.
ALTER TABLE hp_tuning_runs ADD COLUMN process_id INTEGER;

CREATE TABLE hp_patterns (
    pattern_id INTEGER PRIMARY KEY,
    tuning_run_id TEXT NOT NULL UNIQUE REFERENCES hp_tuning_runs,
    created_at TEXT NOT NULL,
    model TEXT NOT NULL,
    objective TEXT NOT NULL,
    split TEXT NOT NULL CHECK (split IN ('user-time', 'calendar')),
    space_fingerprint TEXT NOT NULL,
    profile TEXT NOT NULL CHECK (json_type(profile) = 'object'),
    best TEXT NOT NULL CHECK (json_type(best) = 'array')  -- [{"gain":, "hyperparameters": {}}]
) STRICT;

CREATE TABLE hp_warmstarts (
    experiment_id TEXT PRIMARY KEY REFERENCES hp_experiments (experiment_id),
    pattern_id INTEGER NOT NULL REFERENCES hp_patterns,
    similarity REAL NOT NULL CHECK (similarity BETWEEN 0 AND 1),
    trust REAL NOT NULL CHECK (trust BETWEEN 0 AND 1),
    helped INTEGER CHECK (helped IN (0, 1))  -- NULL until its run has ended
) STRICT, WITHOUT ROWID;
CREATE INDEX hp_warmstarts_by_pattern ON hp_warmstarts (pattern_id);

ALTER TABLE training_runs ADD COLUMN tuning_run_id TEXT REFERENCES hp_tuning_runs;
ALTER TABLE training_runs ADD COLUMN experiment_number INTEGER;
ALTER TABLE training_runs ADD COLUMN was_best INTEGER CHECK (was_best IN (0, 1));
UPDATE training_runs
   SET tuning_run_id = e.tuning_run_id,
       experiment_number = e.number,
       was_best = NOT EXISTS (
           SELECT 1 FROM hp_experiments AS x
            WHERE x.tuning_run_id = e.tuning_run_id AND x.status = 'completed'
              AND (x.objective_value, -x.number) > (e.objective_value, -e.number))
  FROM hp_experiments AS e
 WHERE e.experiment_id = training_runs.experiment_id;
