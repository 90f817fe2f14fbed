-- What has been in production, the latest first: since when, why, and what it was worth.
SELECT e.happened_at AS since,
       e.version,
       e.reason,
       t.model,
       round(t.test_metrics ->> '$.accuracy', 4) AS test_accuracy,
       t.n_ratings,
       t.experiment_id,
       v.status AS status_now
  FROM version_events AS e
  JOIN model_versions AS v USING (version)
  JOIN training_runs AS t USING (training_run_id)
 WHERE e.event = 'promoted'
 ORDER BY e.event_id DESC;
