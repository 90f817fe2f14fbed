-- Each test-set evaluation, the latest first: for which decision, what it took of the yearly
-- budget of false promotions, and what followed.
SELECT looked_at,
       decision,
       experiment_id,
       objective,
       split,
       round(difference, 4) AS gain,
       round(p_value, 4) AS p_value,
       level AS spent,
       verdict
  FROM test_looks
 ORDER BY look_id DESC;
