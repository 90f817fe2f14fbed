-- What the gate refused, the latest first: why, and each rule that was not met, with its figures.
SELECT e.happened_at,
       e.version,
       t.experiment_id,
       e.reason,
       r.value ->> '$.name' AS rule,
       r.value ->> '$.segment' AS about,
       round(r.value ->> '$.figure', 4) AS figure,
       round(r.value ->> '$.threshold', 4) AS threshold
  FROM version_events AS e
  JOIN model_versions AS v USING (version)
  JOIN training_runs AS t USING (training_run_id)
  LEFT JOIN json_each(e.evidence, '$.rules') AS r
    ON r.value ->> '$.binding' AND r.value ->> '$.verdict' <> 'passed'
 WHERE e.event = 'refused'
 ORDER BY e.event_id DESC, r.key;
