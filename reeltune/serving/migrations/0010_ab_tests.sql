-- A/B tests. Times are Unix seconds; users are written as their source writes them.

CREATE TABLE ab_tests (
    test_id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE CHECK (name <> ''),
    settings TEXT NOT NULL CHECK (json_valid(settings)),
    salt TEXT NOT NULL UNIQUE,  -- of the hash that assigns users
    created_at INTEGER NOT NULL,
    layer TEXT NOT NULL,  -- tests of one layer share no user
    share_low INTEGER NOT NULL,  -- users of the layer with a bucket in [share_low, share_high)
    share_high INTEGER NOT NULL,
    reserved_high INTEGER NOT NULL,  -- where the share may widen to
    CHECK (0 <= share_low AND share_low <= share_high),
    CHECK (share_high <= reserved_high AND reserved_high <= 1000000)
) STRICT;
CREATE TRIGGER ab_test_shares_only_widen
BEFORE UPDATE OF share_low, share_high ON ab_tests
WHEN OLD.share_high > OLD.share_low
 AND (NEW.share_low <> OLD.share_low OR NEW.share_high < OLD.share_high)
BEGIN
    SELECT RAISE(ABORT, 'the share of an A/B test only widens');
END;

-- All that happened to a test, in order; the last row has its state.
CREATE TABLE ab_test_events (
    event_id INTEGER PRIMARY KEY AUTOINCREMENT,
    test_id INTEGER NOT NULL REFERENCES ab_tests,
    kind TEXT NOT NULL,
    state TEXT NOT NULL CHECK (
        state IN ('draft', 'running', 'paused', 'stopped', 'rolled_back', 'promoted')
    ),
    happened_at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    reason TEXT NOT NULL,
    details TEXT NOT NULL CHECK (json_valid(details)),
    request_key TEXT UNIQUE  -- of a request that may come again
) STRICT;
CREATE INDEX ab_test_events_by_test ON ab_test_events (test_id, kind, event_id);
CREATE INDEX ab_test_events_in_order ON ab_test_events (test_id, event_id);
CREATE TRIGGER ab_test_events_are_never_changed BEFORE UPDATE ON ab_test_events
BEGIN
    SELECT RAISE(ABORT, 'ab_test_events is append-only');
END;
CREATE TRIGGER ab_test_events_are_never_deleted BEFORE DELETE ON ab_test_events
BEGIN
    SELECT RAISE(ABORT, 'ab_test_events is append-only');
END;

-- Arms with one set of weights; a change of weights begins a phase with statistics of its own.
CREATE TABLE ab_test_phases (
    test_id INTEGER NOT NULL REFERENCES ab_tests,
    phase INTEGER NOT NULL CHECK (phase >= 1),
    started_at INTEGER NOT NULL,
    alpha REAL NOT NULL CHECK (alpha > 0 AND alpha < 1),  -- two-sided, of each challenger
    PRIMARY KEY (test_id, phase)
) STRICT, WITHOUT ROWID;

CREATE TABLE ab_test_arms (
    test_id INTEGER NOT NULL,
    phase INTEGER NOT NULL,
    arm INTEGER NOT NULL CHECK (arm >= 0),  -- 0: the champion
    version INTEGER NOT NULL,
    low INTEGER NOT NULL,  -- users of the test with a bucket in [low, high)
    high INTEGER NOT NULL,
    PRIMARY KEY (test_id, phase, arm),
    FOREIGN KEY (test_id, phase) REFERENCES ab_test_phases,
    CHECK (0 <= low AND low <= high AND high <= 1000000)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER ab_test_arms_are_never_changed BEFORE UPDATE ON ab_test_arms
BEGIN
    SELECT RAISE(ABORT, 'the arms of a phase are never changed');
END;

-- Covariates of users, from before the test began, less their mean.
CREATE TABLE ab_covariates (
    test_id INTEGER NOT NULL REFERENCES ab_tests,
    user TEXT NOT NULL,
    value REAL NOT NULL,
    PRIMARY KEY (test_id, user)
) STRICT, WITHOUT ROWID;

-- Lists that were served to users of a test.
CREATE TABLE ab_exposures (
    exposure_id INTEGER PRIMARY KEY,
    request_id TEXT NOT NULL UNIQUE,
    test_id INTEGER NOT NULL REFERENCES ab_tests,
    phase INTEGER NOT NULL,
    arm INTEGER NOT NULL,
    user TEXT NOT NULL,
    happened_at INTEGER NOT NULL,
    movies TEXT CHECK (movies IS NULL OR json_type(movies) = 'array'),  -- ids in order, if known
    teams TEXT,  -- of an interleaved list: the ranker of each movie, 0 or 1
    wins INTEGER NOT NULL DEFAULT 0  -- clicks on the challenger's movies less on the champion's
) STRICT;
CREATE INDEX ab_exposures_by_time ON ab_exposures (test_id, happened_at, arm);
CREATE INDEX ab_exposures_by_user ON ab_exposures (user, happened_at);

-- What users did with such lists; one that came before its list waits, without exposure_id.
CREATE TABLE ab_outcomes (
    outcome_id INTEGER PRIMARY KEY,
    outcome_key TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL CHECK (kind IN ('clicked', 'watched', 'rated')),
    user TEXT NOT NULL,
    movie_id INTEGER,
    value REAL,
    request_id TEXT,
    exposure_id INTEGER REFERENCES ab_exposures,
    happened_at INTEGER NOT NULL,
    received_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX ab_outcomes_once ON ab_outcomes (exposure_id, kind, ifnull(movie_id, -1))
    WHERE exposure_id IS NOT NULL;
CREATE INDEX ab_outcomes_waiting ON ab_outcomes (request_id) WHERE exposure_id IS NULL;

-- Totals of each user of a phase.
CREATE TABLE ab_users (
    test_id INTEGER NOT NULL,
    phase INTEGER NOT NULL,
    user TEXT NOT NULL,
    arm INTEGER NOT NULL,
    first_at INTEGER NOT NULL,  -- of the user's first list
    lists INTEGER NOT NULL,
    clicked INTEGER NOT NULL,
    watched INTEGER NOT NULL,
    liked INTEGER NOT NULL,  -- rated 4 or more
    value REAL NOT NULL,
    won INTEGER NOT NULL,  -- interleaved lists with more clicks on the challenger's movies
    lost INTEGER NOT NULL,
    window_lists INTEGER NOT NULL,  -- within the window after the first list
    window_counted REAL NOT NULL,  -- of the primary metric, on those lists
    covariate REAL NOT NULL,
    PRIMARY KEY (test_id, phase, user)
) STRICT, WITHOUT ROWID;
CREATE INDEX ab_users_by_first ON ab_users (test_id, phase, first_at);

-- Sums over those users by arm and metric, written in the same transaction.
CREATE TABLE ab_sums (
    test_id INTEGER NOT NULL,
    phase INTEGER NOT NULL,
    arm INTEGER NOT NULL,
    metric TEXT NOT NULL,
    n REAL NOT NULL,
    x REAL NOT NULL,
    y REAL NOT NULL,
    c REAL NOT NULL,
    xx REAL NOT NULL,
    yy REAL NOT NULL,
    cc REAL NOT NULL,
    xy REAL NOT NULL,
    xc REAL NOT NULL,
    yc REAL NOT NULL,
    PRIMARY KEY (test_id, phase, arm, metric)
) STRICT, WITHOUT ROWID;

-- Number of the last event of the service that was counted for the tests: one row.
CREATE TABLE ab_cursor (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    event_number INTEGER NOT NULL
) STRICT;
INSERT INTO ab_cursor (one, event_number) VALUES (1, 0);
