-- How sure the gain of an experiment is, so that the best is not the luckiest.

PRAGMA user_version = 7;

-- Of the gain over the baseline, user by user. NULL: nothing is known of it.
ALTER TABLE hp_experiments ADD COLUMN improvement_error REAL CHECK (improvement_error >= 0);

-- Mean gain of each of up to 32 groups of users put together by lot, float16, little endian: the
-- same groups for all experiments of a run, to tell how much of their luck they share.
ALTER TABLE hp_experiments ADD COLUMN gains_by_group BLOB;

-- What the objective exceeds with a confidence of 95 %, chance over users alone: the best has most.
ALTER TABLE hp_experiments ADD COLUMN
    lower_bound REAL AS (objective_value - 1.6448536269514722 * ifnull(improvement_error, 0));
