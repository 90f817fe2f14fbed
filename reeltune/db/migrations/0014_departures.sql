-- Who was erased, what became of the models that held them, and which movies are withdrawn.

PRAGMA user_version = 14;

-- Drawn at the first erasure. Without it nobody finds by trying whom a hash stands for.
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
