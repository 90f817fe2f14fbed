-- Which way the objective of an experiment is better, so that a bound lies on the worse side of it.

PRAGMA user_version = 9;

ALTER TABLE hp_experiments ADD COLUMN direction TEXT NOT NULL DEFAULT 'maximize'
    CHECK (direction IN ('maximize', 'minimize'));

-- What the objective is as good as, or better, with a confidence of 95 %, chance over users alone.
ALTER TABLE hp_experiments DROP COLUMN lower_bound;
ALTER TABLE hp_experiments ADD COLUMN
    lower_bound REAL AS (
        objective_value
        + iif(direction = 'minimize', 1.6448536269514722, -1.6448536269514722)
        * ifnull(improvement_error, 0)
    );

-- The same with the sign by which more is better: the best of a run has most.
ALTER TABLE hp_experiments ADD COLUMN
    worth REAL AS (iif(direction = 'minimize', -lower_bound, lower_bound));
