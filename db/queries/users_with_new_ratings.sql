-- The twenty users with most ratings that the version in production has not seen: those given
-- after the newest rating it was fitted to.
SELECT r.user_id,
       count(*) AS new_ratings,
       round(avg(r.rating), 2) AS mean_rating,
       datetime(max(r.rated_at), 'unixepoch') AS latest
  FROM ratings AS r
 WHERE r.rated_at > (SELECT max(f.newest_rated_at)
                       FROM version_references AS f
                       JOIN model_versions AS v USING (version)
                      WHERE v.status = 'production')
 GROUP BY r.user_id
 ORDER BY new_ratings DESC, r.user_id
 LIMIT 20;
