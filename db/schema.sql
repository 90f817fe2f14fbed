-- All tables, indices and triggers of a database with schema 17, to be read. This file is
-- generated: `python -m reeltune.reports.schema_page db/schema.sql`. What each column means is in
-- README.md beside it; what makes a database are the migrations in reeltune/db/migrations.

CREATE TABLE migrations (
    number INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    applied_at TEXT NOT NULL
) STRICT;

CREATE TABLE import_batches (
    batch_id INTEGER PRIMARY KEY,
    source TEXT NOT NULL CHECK (source IN ('movielens', 'tmdb', 'demo', 'table')),
    file TEXT NOT NULL,
    sha256 TEXT NOT NULL CHECK (length(sha256) = 64),
    imported_at TEXT NOT NULL,
    rows_read INTEGER NOT NULL CHECK (rows_read >= 0),
    rows_kept INTEGER NOT NULL CHECK (rows_kept BETWEEN 0 AND rows_read),
    UNIQUE (source, file)
) STRICT;

CREATE TABLE rejected_rows (
    batch_id INTEGER NOT NULL REFERENCES import_batches ON DELETE CASCADE,
    line INTEGER NOT NULL CHECK (line >= 1),
    reason TEXT NOT NULL,
    detail TEXT NOT NULL
) STRICT;
CREATE INDEX rejected_rows_by_batch ON rejected_rows (batch_id, reason);

CREATE TABLE collections (
    collection_id INTEGER PRIMARY KEY,
    name TEXT NOT NULL CHECK (name <> '')
) STRICT;

CREATE TABLE movies (
    movie_id INTEGER PRIMARY KEY CHECK (movie_id > 0),
    title TEXT NOT NULL CHECK (title <> ''),
    year INTEGER CHECK (year BETWEEN 1870 AND 2100),
    imdb_id TEXT,
    tmdb_id INTEGER CHECK (tmdb_id > 0),
    wrong_tmdb_link INTEGER NOT NULL DEFAULT 0 CHECK (wrong_tmdb_link IN (0, 1)),
    collection_id INTEGER REFERENCES collections,
    release_date TEXT,
    runtime_minutes REAL CHECK (runtime_minutes > 0),
    original_language TEXT,
    tmdb_popularity REAL CHECK (tmdb_popularity >= 0),
    vote_average REAL CHECK (vote_average BETWEEN 0 AND 10),
    vote_count INTEGER CHECK (vote_count > 0)
) STRICT;
CREATE INDEX movies_by_tmdb ON movies (tmdb_id);
CREATE TRIGGER movies_insert_breaks_the_seal AFTER INSERT ON movies
    WHEN EXISTS (SELECT 1 FROM data_seal) BEGIN DELETE FROM data_seal; END;
CREATE TRIGGER movies_delete_breaks_the_seal AFTER DELETE ON movies
    WHEN EXISTS (SELECT 1 FROM data_seal) BEGIN DELETE FROM data_seal; END;
CREATE TRIGGER movies_insert_is_logged AFTER INSERT ON movies
    WHEN EXISTS (SELECT 1 FROM data_marks)
BEGIN
    INSERT INTO data_changes (kind, movie_id) VALUES ('catalogue', new.movie_id);
END;
CREATE TRIGGER movies_update_is_logged AFTER UPDATE ON movies
    WHEN (old.movie_id, old.collection_id) IS NOT (new.movie_id, new.collection_id)
         AND EXISTS (SELECT 1 FROM data_marks)
BEGIN
    INSERT INTO data_changes (kind, movie_id)
    VALUES ('catalogue', old.movie_id), ('catalogue', new.movie_id);
END;
CREATE TRIGGER movies_delete_is_logged AFTER DELETE ON movies
    WHEN EXISTS (SELECT 1 FROM data_marks)
BEGIN
    INSERT INTO data_changes (kind, movie_id) VALUES ('catalogue', old.movie_id);
END;
CREATE TRIGGER movies_update_breaks_the_seal AFTER UPDATE ON movies
    WHEN (old.movie_id, old.title, old.year, old.collection_id)
         IS NOT (new.movie_id, new.title, new.year, new.collection_id)
         AND EXISTS (SELECT 1 FROM data_seal)
BEGIN
    DELETE FROM data_seal;
END;

CREATE TABLE genres (
    genre_id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE CHECK (name <> '')
) STRICT;
CREATE TRIGGER genres_insert_breaks_the_seal AFTER INSERT ON genres
    WHEN EXISTS (SELECT 1 FROM data_seal) BEGIN DELETE FROM data_seal; END;
CREATE TRIGGER genres_update_breaks_the_seal AFTER UPDATE ON genres
    WHEN EXISTS (SELECT 1 FROM data_seal) BEGIN DELETE FROM data_seal; END;
CREATE TRIGGER genres_delete_breaks_the_seal AFTER DELETE ON genres
    WHEN EXISTS (SELECT 1 FROM data_seal) BEGIN DELETE FROM data_seal; END;
CREATE TRIGGER genres_update_is_logged AFTER UPDATE ON genres
    WHEN (old.genre_id, old.name) IS NOT (new.genre_id, new.name)
         AND EXISTS (SELECT 1 FROM data_marks)
BEGIN
    INSERT INTO data_changes (kind) VALUES ('catalogue');
END;

CREATE TABLE movie_genres (
    movie_id INTEGER NOT NULL REFERENCES movies,
    genre_id INTEGER NOT NULL REFERENCES genres,
    source TEXT NOT NULL CHECK (source IN ('movielens', 'tmdb', 'demo', 'table')),
    PRIMARY KEY (movie_id, genre_id)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER movie_genres_insert_breaks_the_seal AFTER INSERT ON movie_genres
    WHEN EXISTS (SELECT 1 FROM data_seal) BEGIN DELETE FROM data_seal; END;
CREATE TRIGGER movie_genres_update_breaks_the_seal AFTER UPDATE ON movie_genres
    WHEN EXISTS (SELECT 1 FROM data_seal) BEGIN DELETE FROM data_seal; END;
CREATE TRIGGER movie_genres_delete_breaks_the_seal AFTER DELETE ON movie_genres
    WHEN EXISTS (SELECT 1 FROM data_seal) BEGIN DELETE FROM data_seal; END;
CREATE TRIGGER movie_genres_insert_is_logged AFTER INSERT ON movie_genres
    WHEN EXISTS (SELECT 1 FROM data_marks)
BEGIN
    INSERT INTO data_changes (kind, movie_id) VALUES ('catalogue', new.movie_id);
END;
CREATE TRIGGER movie_genres_update_is_logged AFTER UPDATE ON movie_genres
    WHEN (old.movie_id, old.genre_id) IS NOT (new.movie_id, new.genre_id)
         AND EXISTS (SELECT 1 FROM data_marks)
BEGIN
    INSERT INTO data_changes (kind, movie_id)
    VALUES ('catalogue', old.movie_id), ('catalogue', new.movie_id);
END;
CREATE TRIGGER movie_genres_delete_is_logged AFTER DELETE ON movie_genres
    WHEN EXISTS (SELECT 1 FROM data_marks)
BEGIN
    INSERT INTO data_changes (kind, movie_id) VALUES ('catalogue', old.movie_id);
END;

CREATE TABLE people (
    person_id INTEGER PRIMARY KEY,
    name TEXT NOT NULL CHECK (name <> '')
) STRICT;

CREATE TABLE cast_members (
    movie_id INTEGER NOT NULL REFERENCES movies,
    person_id INTEGER NOT NULL REFERENCES people,
    billing INTEGER NOT NULL CHECK (billing >= 0),
    PRIMARY KEY (movie_id, person_id)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER cast_members_insert_breaks_the_seal AFTER INSERT ON cast_members
    WHEN EXISTS (SELECT 1 FROM data_seal) BEGIN DELETE FROM data_seal; END;
CREATE TRIGGER cast_members_update_breaks_the_seal AFTER UPDATE ON cast_members
    WHEN EXISTS (SELECT 1 FROM data_seal) BEGIN DELETE FROM data_seal; END;
CREATE TRIGGER cast_members_delete_breaks_the_seal AFTER DELETE ON cast_members
    WHEN EXISTS (SELECT 1 FROM data_seal) BEGIN DELETE FROM data_seal; END;
CREATE TRIGGER cast_members_insert_is_logged AFTER INSERT ON cast_members
    WHEN EXISTS (SELECT 1 FROM data_marks)
BEGIN
    INSERT INTO data_changes (kind, movie_id) VALUES ('catalogue', new.movie_id);
END;
CREATE TRIGGER cast_members_update_is_logged AFTER UPDATE ON cast_members
    WHEN (old.movie_id, old.person_id, old.billing)
         IS NOT (new.movie_id, new.person_id, new.billing)
         AND EXISTS (SELECT 1 FROM data_marks)
BEGIN
    INSERT INTO data_changes (kind, movie_id)
    VALUES ('catalogue', old.movie_id), ('catalogue', new.movie_id);
END;
CREATE TRIGGER cast_members_delete_is_logged AFTER DELETE ON cast_members
    WHEN EXISTS (SELECT 1 FROM data_marks)
BEGIN
    INSERT INTO data_changes (kind, movie_id) VALUES ('catalogue', old.movie_id);
END;

CREATE TABLE ratings (
    user_id INTEGER NOT NULL CHECK (user_id > 0),
    movie_id INTEGER NOT NULL REFERENCES movies,
    rating REAL NOT NULL CHECK (rating BETWEEN 0.5 AND 5.0),
    rated_at INTEGER NOT NULL CHECK (rated_at >= 0),
    PRIMARY KEY (user_id, movie_id)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER ratings_insert_breaks_the_seal AFTER INSERT ON ratings
    WHEN EXISTS (SELECT 1 FROM data_seal) BEGIN DELETE FROM data_seal; END;
CREATE TRIGGER ratings_delete_breaks_the_seal AFTER DELETE ON ratings
    WHEN EXISTS (SELECT 1 FROM data_seal) BEGIN DELETE FROM data_seal; END;
CREATE TRIGGER ratings_insert_is_logged AFTER INSERT ON ratings
    WHEN EXISTS (SELECT 1 FROM data_marks)
BEGIN
    INSERT INTO data_changes (kind, user_id, movie_id)
    VALUES ('insert', new.user_id, new.movie_id);
END;
CREATE TRIGGER ratings_update_is_logged AFTER UPDATE ON ratings
    WHEN (old.user_id, old.movie_id) IS (new.user_id, new.movie_id)
         AND (old.rating, old.rated_at) IS NOT (new.rating, new.rated_at)
         AND EXISTS (SELECT 1 FROM data_marks)
BEGIN
    INSERT INTO data_changes (kind, user_id, movie_id)
    VALUES ('update', new.user_id, new.movie_id);
END;
CREATE TRIGGER ratings_move_is_logged AFTER UPDATE ON ratings
    WHEN (old.user_id, old.movie_id) IS NOT (new.user_id, new.movie_id)
         AND EXISTS (SELECT 1 FROM data_marks)
BEGIN
    INSERT INTO data_changes (kind, user_id, movie_id)
    VALUES ('delete', old.user_id, old.movie_id), ('insert', new.user_id, new.movie_id);
END;
CREATE TRIGGER ratings_delete_is_logged AFTER DELETE ON ratings
    WHEN EXISTS (SELECT 1 FROM data_marks)
BEGIN
    INSERT INTO data_changes (kind, user_id, movie_id)
    VALUES ('delete', old.user_id, old.movie_id);
END;
CREATE TRIGGER ratings_update_breaks_the_seal AFTER UPDATE ON ratings
    WHEN (old.user_id, old.movie_id, old.rating, old.rated_at)
         IS NOT (new.user_id, new.movie_id, new.rating, new.rated_at)
         AND EXISTS (SELECT 1 FROM data_seal)
BEGIN
    DELETE FROM data_seal;
END;

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
    improvement_error REAL CHECK (improvement_error >= 0),
    gains_by_group BLOB,
    direction TEXT NOT NULL DEFAULT 'maximize'
    CHECK (direction IN ('maximize', 'minimize')),
    lower_bound REAL AS (
        objective_value
        + iif(direction = 'minimize', 1.6448536269514722, -1.6448536269514722)
        * ifnull(improvement_error, 0)
    ),
    worth REAL AS (iif(direction = 'minimize', -lower_bound, lower_bound)),
    genre_weight ANY AS (hyperparameters ->> 'genre_weight'),
    cast_weight ANY AS (hyperparameters ->> 'cast_weight'),
    franchise_weight ANY AS (hyperparameters ->> 'franchise_weight'),
    rating_weight ANY AS (hyperparameters ->> 'rating_weight'),
    popularity_weight ANY AS (hyperparameters ->> 'popularity_weight'),
    genre_boost_high ANY AS (hyperparameters ->> 'genre_boost_high'),
    genre_boost_medium ANY AS (hyperparameters ->> 'genre_boost_medium'),
    genre_boost_low ANY AS (hyperparameters ->> 'genre_boost_low'),
    genre_threshold_low ANY AS (hyperparameters ->> 'genre_threshold_low'),
    genre_threshold_medium ANY AS (hyperparameters ->> 'genre_threshold_medium'),
    genre_threshold_high ANY AS (hyperparameters ->> 'genre_threshold_high'),
    cast_lead_weight ANY AS (hyperparameters ->> 'cast_lead_weight'),
    cast_supporting_weight ANY AS (hyperparameters ->> 'cast_supporting_weight'),
    cast_background_weight ANY AS (hyperparameters ->> 'cast_background_weight'),
    cast_lead_threshold ANY AS (hyperparameters ->> 'cast_lead_threshold'),
    cast_supporting_threshold ANY AS (hyperparameters ->> 'cast_supporting_threshold'),
    popularity_rating_weight ANY AS (hyperparameters ->> 'popularity_rating_weight'),
    popularity_count_weight ANY AS (hyperparameters ->> 'popularity_count_weight'),
    accuracy_threshold ANY AS (hyperparameters ->> 'accuracy_threshold'),
    client_id TEXT,
    guardrails TEXT
    CHECK (json_type(guardrails) = 'object'),
    is_feasible INTEGER CHECK (is_feasible IN (0, 1)),
    UNIQUE (tuning_run_id, number),
    CHECK ((status = 'completed') <= (objective_value IS NOT NULL AND metrics IS NOT NULL)),
    CHECK ((status IN ('completed', 'failed', 'pruned')) = (completion_number IS NOT NULL)),
    CHECK ((status = 'failed') = (error IS NOT NULL))
) STRICT;
CREATE INDEX hp_experiments_by_status ON hp_experiments (status, tuning_run_id);

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

CREATE TABLE training_runs (
    training_run_id INTEGER PRIMARY KEY,
    created_at TEXT NOT NULL,
    experiment_id TEXT REFERENCES hp_experiments (experiment_id),
    model TEXT NOT NULL,
    hyperparameters TEXT NOT NULL CHECK (json_type(hyperparameters) = 'object'),
    split TEXT NOT NULL CHECK (split IN ('user-time', 'user-random', 'calendar')),
    data_fingerprint TEXT NOT NULL,
    n_ratings INTEGER NOT NULL CHECK (n_ratings >= 0),
    code_version TEXT NOT NULL,
    seed INTEGER NOT NULL,
    environment TEXT NOT NULL CHECK (json_valid(environment)),
    test_metrics TEXT NOT NULL CHECK (json_type(test_metrics) = 'object'),
    duration_seconds REAL NOT NULL CHECK (duration_seconds >= 0),
    tuning_run_id TEXT REFERENCES hp_tuning_runs,
    experiment_number INTEGER,
    was_best INTEGER CHECK (was_best IN (0, 1)),
    last_change INTEGER CHECK (last_change >= 0)
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

CREATE TABLE test_looks (
    look_id INTEGER PRIMARY KEY AUTOINCREMENT,
    looked_at TEXT NOT NULL,
    decision TEXT NOT NULL CHECK (decision IN ('first', 'routine', 'nightly', 'by hand')),
    model TEXT NOT NULL,
    split TEXT NOT NULL CHECK (split IN ('user-time', 'user-random', 'calendar')),
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

CREATE TABLE version_references (
    version INTEGER NOT NULL REFERENCES model_versions,
    metric TEXT NOT NULL,
    newest_rated_at INTEGER NOT NULL CHECK (newest_rated_at >= 0),  -- of all it was fitted to
    user_ids BLOB NOT NULL,  -- int64, little endian, ascending: the users who have a value
    "values" BLOB NOT NULL,  -- float64, little endian, one per user
    PRIMARY KEY (version, metric)
) STRICT, WITHOUT ROWID;

CREATE TABLE hp_warmstarts (
    experiment_id TEXT PRIMARY KEY REFERENCES hp_experiments (experiment_id),
    pattern_id INTEGER NOT NULL REFERENCES hp_patterns,
    similarity REAL NOT NULL CHECK (similarity BETWEEN 0 AND 1),
    trust REAL NOT NULL CHECK (trust BETWEEN 0 AND 1),
    helped INTEGER CHECK (helped IN (0, 1))  -- NULL until its run has ended
) STRICT, WITHOUT ROWID;
CREATE INDEX hp_warmstarts_by_pattern ON hp_warmstarts (pattern_id);

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

CREATE TABLE data_seal (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    seal TEXT NOT NULL CHECK (length(seal) = 32)
) STRICT;

CREATE TABLE data_changes (
    change_id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('insert', 'update', 'delete', 'catalogue')),
    user_id INTEGER,  -- of a rating; NULL: of the catalogue
    movie_id INTEGER,  -- NULL: of a genre's name
    CHECK ((kind = 'catalogue') = (user_id IS NULL))
) STRICT;

CREATE TABLE data_marks (
    seal TEXT PRIMARY KEY CHECK (length(seal) = 32),
    change_id INTEGER NOT NULL CHECK (change_id >= 0)
) STRICT;

CREATE TABLE external_ids (
    kind TEXT NOT NULL CHECK (kind IN ('user', 'movie', 'person', 'collection')),
    external_id TEXT NOT NULL CHECK (external_id <> ''),
    id INTEGER NOT NULL CHECK (id >= 4611686018427387904),
    PRIMARY KEY (kind, external_id),
    UNIQUE (kind, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE sources (
    name TEXT PRIMARY KEY CHECK (name <> ''),
    location TEXT NOT NULL CHECK (location <> ''),
    mapping TEXT NOT NULL CHECK (json_type(mapping) = 'object'),
    max_rejected REAL NOT NULL CHECK (max_rejected BETWEEN 0 AND 1),
    state TEXT NOT NULL DEFAULT '{}' CHECK (json_type(state) = 'object'),
    synced_at TEXT
) STRICT, WITHOUT ROWID;

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

CREATE TABLE erasure_key (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    key BLOB NOT NULL CHECK (length(key) = 32)
) STRICT;

CREATE TABLE erasures (
    erasure_id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL CHECK (kind IN ('user', 'ratings')),
    user_hash TEXT NOT NULL CHECK (length(user_hash) = 64),
    erased_at TEXT NOT NULL,
    finished_at TEXT,  -- NULL: files beside the database may hold the user still
    kept_out_until INTEGER,  -- imports leave out ratings up to then; NULL: all of the user's
    readmitted_at TEXT,  -- since then imports leave out nothing; NULL: they do
    removed TEXT NOT NULL CHECK (json_type(removed) = 'object')
) STRICT;
CREATE INDEX erasures_by_user ON erasures (user_hash);

CREATE TABLE version_erasures (
    version INTEGER NOT NULL REFERENCES model_versions,
    erasure_id INTEGER NOT NULL REFERENCES erasures,
    action TEXT NOT NULL CHECK (action IN ('refitted', 'dropped')),
    artifact_sha256 TEXT NOT NULL CHECK (length(artifact_sha256) = 64),  -- of what was erased
    data_fingerprint TEXT,  -- of the data refitted to
    PRIMARY KEY (version, erasure_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE withdrawn_movies (
    movie_id INTEGER PRIMARY KEY REFERENCES movies,
    withdrawn_at TEXT NOT NULL,
    reason TEXT NOT NULL
) STRICT;

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
