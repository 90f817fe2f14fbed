-- Experiments that failed, by the reason, the most frequent first.
SELECT error,
       count(*) AS experiments,
       count(DISTINCT tuning_run_id) AS runs,
       max(completed_at) AS latest
  FROM hp_experiments
 WHERE status = 'failed'
 GROUP BY error
 ORDER BY experiments DESC, error;
