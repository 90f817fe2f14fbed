-- Store of the HTTP service: what clients sent, and what they were shown. Times are Unix seconds.

CREATE TABLE migrations (
    number INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    applied_at TEXT NOT NULL
) STRICT;

-- Ratings in the order in which they were committed; of a user's several of a movie the latest
-- by rated_at, then by number, holds. Users and movies are written as their source writes them.
CREATE TABLE ratings (
    rating_number INTEGER PRIMARY KEY AUTOINCREMENT,
    user TEXT NOT NULL CHECK (user <> ''),
    movie TEXT NOT NULL CHECK (movie <> ''),
    movie_id INTEGER NOT NULL,
    rating REAL NOT NULL CHECK (rating BETWEEN 0.5 AND 5),
    rated_at INTEGER NOT NULL,
    UNIQUE (user, movie, rated_at, rating)
) STRICT;

-- What holds of each user and movie; `rating_number` is the last of theirs, so that it only grows.
CREATE VIEW current_ratings AS
SELECT user, movie, rating, rated_at, newest AS rating_number
  FROM (SELECT user, movie, rating, rated_at,
               max(rating_number) OVER (PARTITION BY user, movie) AS newest,
               row_number() OVER (
                   PARTITION BY user, movie ORDER BY rated_at DESC, rating_number DESC
               ) AS place
          FROM ratings)
 WHERE place = 1;

-- Events in the order in which they were committed. `event_key` names what happened, so that an
-- event that is sent twice is kept once.
CREATE TABLE events (
    event_number INTEGER PRIMARY KEY AUTOINCREMENT,
    event_key TEXT NOT NULL UNIQUE CHECK (event_key <> ''),
    kind TEXT NOT NULL CHECK (kind IN ('shown', 'clicked', 'watched', 'rated')),
    user TEXT NOT NULL CHECK (user <> ''),
    movie_id INTEGER,  -- of all kinds but shown
    movies TEXT CHECK (movies IS NULL OR json_type(movies) = 'array'),  -- of shown: ids in order
    value REAL,  -- of rated: stars; of watched: share or minutes, as the client means it
    request_id TEXT,  -- of the answer whose list it was
    version INTEGER,
    ab_test TEXT,
    arm TEXT,
    happened_at INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    CHECK ((kind = 'shown') = (movies IS NOT NULL)),
    CHECK ((kind = 'shown') = (movie_id IS NULL))
) STRICT;
CREATE INDEX events_by_request ON events (request_id) WHERE request_id IS NOT NULL;
CREATE INDEX events_by_user ON events (user, event_number);
CREATE INDEX events_by_test ON events (ab_test, event_number) WHERE ab_test IS NOT NULL;

-- Answers to writes that named an Idempotency-Key: the same request gets the same answer again.
CREATE TABLE requests (
    request_key TEXT PRIMARY KEY,
    body_sha256 TEXT NOT NULL,
    answer TEXT NOT NULL CHECK (json_valid(answer)),
    received_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX requests_by_time ON requests (received_at);

-- Writes of whoever holds a token; a line is never changed.
CREATE TABLE audit (
    audit_number INTEGER PRIMARY KEY AUTOINCREMENT,
    happened_at INTEGER NOT NULL,
    who TEXT NOT NULL,  -- name of the token, and the client's address
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    request_id TEXT NOT NULL,
    outcome TEXT NOT NULL
) STRICT;
CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit
BEGIN
    SELECT RAISE(ABORT, 'audit lines are not changed');
END;
