-- The hyperparameters of the best experiment of the latest run that completed any, beside those
-- of the deployed configuration that it was compared with. For models of your own, too.
WITH latest AS (
    SELECT tuning_run_id
      FROM hp_experiments
     WHERE status = 'completed'
     ORDER BY completion_number DESC
     LIMIT 1
), best AS (
    SELECT hyperparameters
      FROM hp_experiments JOIN latest USING (tuning_run_id)
     WHERE status = 'completed'
     ORDER BY is_feasible IS 0, worth DESC, number
     LIMIT 1
), deployed AS (
    SELECT hyperparameters
      FROM hp_experiments JOIN latest USING (tuning_run_id)
     WHERE number = 0
)
SELECT b.key AS hyperparameter, d.value AS deployed, b.value AS best
  FROM best, json_each(best.hyperparameters) AS b, deployed
  LEFT JOIN json_each(deployed.hyperparameters) AS d ON d.key = b.key;
