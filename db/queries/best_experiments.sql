-- The ten best experiments of the latest run that completed any, the surest first.
--
-- For another run put its id, in quotes, in place of the innermost SELECT.
SELECT number,
       experiment_id,
       exploration_phase,
       round(objective_value, 4) AS value,
       round(improvement_from_baseline, 4) AS gain,
       round(improvement_error, 4) AS error_of_gain,
       round(lower_bound, 4) AS lower_bound,
       is_feasible AS within_guardrails,
       round(test_accuracy, 4) AS test_accuracy
  FROM hp_experiments
 WHERE status = 'completed'
   AND tuning_run_id = (SELECT tuning_run_id
                          FROM hp_experiments
                         WHERE status = 'completed'
                         ORDER BY completion_number DESC
                         LIMIT 1)
 ORDER BY is_feasible IS 0, worth DESC, number
 LIMIT 10;
