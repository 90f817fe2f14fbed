-- What was tried, in which run, and how good it was.

PRAGMA user_version = 2;

CREATE TABLE hp_tuning_runs (
    tuning_run_id TEXT PRIMARY KEY,
    created_at TEXT NOT NULL,
    started_at TEXT,
    finished_at TEXT,
    method TEXT NOT NULL,
    objective TEXT NOT NULL,
    model TEXT NOT NULL,
    split TEXT NOT NULL CHECK (split IN ('user-time', 'calendar')),
    space_fingerprint TEXT NOT NULL,
    seed INTEGER NOT NULL,
    n_configs INTEGER NOT NULL CHECK (n_configs >= 1),
    settings TEXT NOT NULL CHECK (json_valid(settings)),
    data_fingerprint TEXT,
    code_version TEXT,
    history_cutoff INTEGER,  -- results with a higher completion_number are not in its history
    status TEXT NOT NULL
        CHECK (status IN ('planned', 'running', 'completed', 'interrupted', 'failed')),
    stop_reason TEXT,
    CHECK (status = 'planned' OR (data_fingerprint IS NOT NULL AND history_cutoff IS NOT NULL))
) STRICT;

CREATE TABLE hp_experiments (
    id INTEGER PRIMARY KEY,
    experiment_id TEXT NOT NULL UNIQUE,
    tuning_run_id TEXT NOT NULL REFERENCES hp_tuning_runs,
    number INTEGER NOT NULL CHECK (number >= 0),
    status TEXT NOT NULL
        CHECK (status IN ('pending', 'running', 'completed', 'failed', 'pruned')),
    created_at TEXT NOT NULL,
    completed_at TEXT,
    completion_number INTEGER UNIQUE,
    hyperparameters TEXT NOT NULL CHECK (json_type(hyperparameters) = 'object'),
    objective_value REAL CHECK (abs(objective_value) < 1e300),
    validation_accuracy REAL CHECK (validation_accuracy BETWEEN 0 AND 1),
    test_accuracy REAL CHECK (test_accuracy BETWEEN 0 AND 1),
    improvement_from_baseline REAL CHECK (abs(improvement_from_baseline) < 1e300),
    recommendation_quality_score REAL CHECK (recommendation_quality_score BETWEEN 0 AND 1),
    metrics TEXT CHECK (json_type(metrics) = 'object'),
    tuning_method TEXT NOT NULL,
    parent_experiment_id TEXT REFERENCES hp_experiments (experiment_id),
    exploration_phase TEXT NOT NULL
        CHECK (exploration_phase IN ('baseline', 'initial', 'explore', 'exploit')),
    seed INTEGER NOT NULL,
    duration_seconds REAL CHECK (duration_seconds >= 0),
    attempts INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    error TEXT,
    genre_weight REAL AS (hyperparameters ->> 'genre_weight'),
    cast_weight REAL AS (hyperparameters ->> 'cast_weight'),
    franchise_weight REAL AS (hyperparameters ->> 'franchise_weight'),
    rating_weight REAL AS (hyperparameters ->> 'rating_weight'),
    popularity_weight REAL AS (hyperparameters ->> 'popularity_weight'),
    genre_boost_high REAL AS (hyperparameters ->> 'genre_boost_high'),
    genre_boost_medium REAL AS (hyperparameters ->> 'genre_boost_medium'),
    genre_boost_low REAL AS (hyperparameters ->> 'genre_boost_low'),
    genre_threshold_low REAL AS (hyperparameters ->> 'genre_threshold_low'),
    genre_threshold_medium REAL AS (hyperparameters ->> 'genre_threshold_medium'),
    genre_threshold_high REAL AS (hyperparameters ->> 'genre_threshold_high'),
    cast_lead_weight REAL AS (hyperparameters ->> 'cast_lead_weight'),
    cast_supporting_weight REAL AS (hyperparameters ->> 'cast_supporting_weight'),
    cast_background_weight REAL AS (hyperparameters ->> 'cast_background_weight'),
    cast_lead_threshold INTEGER AS (hyperparameters ->> 'cast_lead_threshold'),
    cast_supporting_threshold INTEGER AS (hyperparameters ->> 'cast_supporting_threshold'),
    popularity_rating_weight REAL AS (hyperparameters ->> 'popularity_rating_weight'),
    popularity_count_weight REAL AS (hyperparameters ->> 'popularity_count_weight'),
    accuracy_threshold REAL AS (hyperparameters ->> 'accuracy_threshold'),
    UNIQUE (tuning_run_id, number),
    CHECK ((status = 'completed') <= (objective_value IS NOT NULL AND metrics IS NOT NULL)),
    CHECK ((status IN ('completed', 'failed', 'pruned')) = (completion_number IS NOT NULL)),
    CHECK ((status = 'failed') = (error IS NOT NULL))
) STRICT;
CREATE INDEX hp_experiments_by_status ON hp_experiments (status, tuning_run_id);

-- Values per user, kept for the deployed configuration and for each one that led its run:
-- enough to compare the winner with the deployed configuration user by user.
CREATE TABLE hp_user_values (
    experiment_id TEXT NOT NULL REFERENCES hp_experiments (experiment_id),
    metric TEXT NOT NULL,
    "values" BLOB NOT NULL,  -- float64, little endian, one per user in order of user id; NaN = none
    PRIMARY KEY (experiment_id, metric)
) STRICT, WITHOUT ROWID;

CREATE TABLE hp_tuning_history (
    tuning_run_id TEXT NOT NULL REFERENCES hp_tuning_runs,
    iteration INTEGER NOT NULL CHECK (iteration >= 0),
    timestamp TEXT NOT NULL,
    best_accuracy REAL CHECK (best_accuracy BETWEEN 0 AND 1),
    best_experiment_id TEXT REFERENCES hp_experiments (experiment_id),
    exploration_phase TEXT NOT NULL
        CHECK (exploration_phase IN ('baseline', 'initial', 'explore', 'exploit')),
    PRIMARY KEY (tuning_run_id, iteration)
) STRICT, WITHOUT ROWID;
