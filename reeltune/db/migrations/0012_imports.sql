-- Ids as other programs write them, sources that are read again, and a split without time.

PRAGMA user_version = 12;

-- An id that is a whole number from 1 to 2^62 - 1, without leading zeros, is its own. Any other
-- (text, 007, 0, a UUID, a larger number) has a number of ours from 2^62 on, and is kept here.
CREATE TABLE external_ids (
    kind TEXT NOT NULL CHECK (kind IN ('user', 'movie', 'person', 'collection')),
    external_id TEXT NOT NULL CHECK (external_id <> ''),
    id INTEGER NOT NULL CHECK (id >= 4611686018427387904),
    PRIMARY KEY (kind, external_id),
    UNIQUE (kind, id)
) STRICT, WITHOUT ROWID;

INSERT INTO external_ids (kind, external_id, id)
SELECT DISTINCT 'user', CAST(user_id AS TEXT), user_id
  FROM ratings
 WHERE user_id >= 4611686018427387904
 UNION
SELECT 'movie', CAST(movie_id AS TEXT), movie_id
  FROM movies
 WHERE movie_id >= 4611686018427387904;

-- What `sync` reads: where it lies, how its columns are mapped, and what was read last.
CREATE TABLE sources (
    name TEXT PRIMARY KEY CHECK (name <> ''),
    location TEXT NOT NULL CHECK (location <> ''),
    mapping TEXT NOT NULL CHECK (json_type(mapping) = 'object'),
    max_rejected REAL NOT NULL CHECK (max_rejected BETWEEN 0 AND 1),
    state TEXT NOT NULL DEFAULT '{}' CHECK (json_type(state) = 'object'),
    synced_at TEXT
) STRICT, WITHOUT ROWID;

-- Constraints that name what is allowed are widened in place: rows are not touched by it.
PRAGMA writable_schema = ON;
UPDATE sqlite_schema
   SET sql = replace(sql, 'IN (''movielens'', ''tmdb'', ''demo'')',
                     'IN (''movielens'', ''tmdb'', ''demo'', ''table'')')
 WHERE type = 'table' AND name IN ('import_batches', 'movie_genres');
UPDATE sqlite_schema
   SET sql = replace(sql, 'IN (''user-time'', ''calendar'')',
                     'IN (''user-time'', ''user-random'', ''calendar'')')
 WHERE type = 'table'
   AND name IN ('hp_tuning_runs', 'training_runs', 'test_looks', 'hp_patterns');
PRAGMA writable_schema = RESET;
