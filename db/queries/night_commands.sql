-- How the commands that were run ended, the latest first; exit codes as in the guide: 0 done,
-- 3 refused by the gate, anything else did not do its work.
SELECT started_at,
       command,
       exit_code,
       said,
       round((julianday(ended_at) - julianday(started_at)) * 86400) AS seconds
  FROM command_runs
 ORDER BY command_run_id DESC
 LIMIT 50;
