-- What each guardrail says of an experiment, so that a search keeps within what the gate allows.

PRAGMA user_version = 15;

-- {"coverage@10": {"figure":, "error":, "bound":, "constraint":}, ...}; NULL: not known. A
-- constraint is at most 0 where the guardrail is kept.
ALTER TABLE hp_experiments ADD COLUMN guardrails TEXT
    CHECK (json_type(guardrails) = 'object');

-- 0 where a guardrail is violated: then it is never the best of its run. NULL: not known.
ALTER TABLE hp_experiments ADD COLUMN is_feasible INTEGER CHECK (is_feasible IN (0, 1));
