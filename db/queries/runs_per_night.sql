-- Tuning runs by night (noon to noon, UTC), the latest first: how many, what they tried, what came
-- of it, and how long they worked.
SELECT date(r.started_at, '-12 hours') AS night,
       count(DISTINCT r.tuning_run_id) AS runs,
       count(DISTINCT iif(r.status = 'interrupted', r.tuning_run_id, NULL)) AS interrupted,
       count(DISTINCT iif(r.status = 'failed', r.tuning_run_id, NULL)) AS failed,
       sum(e.status = 'completed') AS completed_experiments,
       sum(e.status = 'failed') AS failed_experiments,
       round(max(e.improvement_from_baseline), 4) AS largest_gain,
       round(sum(e.duration_seconds), 1) AS seconds
  FROM hp_tuning_runs AS r
  JOIN hp_experiments AS e USING (tuning_run_id)
 WHERE r.started_at IS NOT NULL
 GROUP BY night
 ORDER BY night DESC;
