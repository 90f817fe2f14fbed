-- Epochs of the trainings by which a version's model was fitted.

PRAGMA user_version = 16;

CREATE TABLE training_epochs (
    training_run_id INTEGER NOT NULL REFERENCES training_runs,
    training INTEGER NOT NULL CHECK (training >= 1),
    name TEXT NOT NULL,
    epoch INTEGER NOT NULL CHECK (epoch >= 1),
    loss REAL,
    validation REAL,
    is_best INTEGER NOT NULL CHECK (is_best IN (0, 1)),
    learning_rate REAL NOT NULL CHECK (learning_rate > 0),
    l2 REAL NOT NULL CHECK (l2 >= 0),
    gradient_norm REAL,
    max_gradient_norm REAL,
    seconds REAL NOT NULL CHECK (seconds >= 0),
    memory_bytes INTEGER NOT NULL CHECK (memory_bytes >= 0),
    chunk_size INTEGER NOT NULL CHECK (chunk_size >= 1),
    actions TEXT NOT NULL CHECK (json_type(actions) = 'array'),
    PRIMARY KEY (training_run_id, training, epoch)
) STRICT, WITHOUT ROWID;
