-- The catalogue and the ratings, and where each came from.

PRAGMA user_version = 1;
PRAGMA application_id = 1382372462;

CREATE TABLE migrations (
    number INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    applied_at TEXT NOT NULL
) STRICT;

CREATE TABLE import_batches (
    batch_id INTEGER PRIMARY KEY,
    source TEXT NOT NULL CHECK (source IN ('movielens', 'tmdb', 'demo')),
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

CREATE TABLE genres (
    genre_id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE CHECK (name <> '')
) STRICT;

CREATE TABLE movie_genres (
    movie_id INTEGER NOT NULL REFERENCES movies,
    genre_id INTEGER NOT NULL REFERENCES genres,
    source TEXT NOT NULL CHECK (source IN ('movielens', 'tmdb', 'demo')),
    PRIMARY KEY (movie_id, genre_id)
) STRICT, WITHOUT ROWID;

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

CREATE TABLE ratings (
    user_id INTEGER NOT NULL CHECK (user_id > 0),
    movie_id INTEGER NOT NULL REFERENCES movies,
    rating REAL NOT NULL CHECK (rating BETWEEN 0.5 AND 5.0),
    rated_at INTEGER NOT NULL CHECK (rated_at >= 0),
    PRIMARY KEY (user_id, movie_id)
) STRICT, WITHOUT ROWID;
