-- Rows of imported files that were not imported, by file and reason, with an example of each.
SELECT b.file,
       r.reason,
       count(*) AS n_rows,
       min(r.line) AS first_line,
       r.detail AS of_first_line
  FROM rejected_rows AS r
  JOIN import_batches AS b USING (batch_id)
 GROUP BY b.batch_id, r.reason
 ORDER BY b.file, n_rows DESC, r.reason;
