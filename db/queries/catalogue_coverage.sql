-- How much the database knows: movies, ratings and users, and the share of movies with genres,
-- cast, a collection, and any rating.
SELECT (SELECT count(*) FROM movies) AS movies,
       (SELECT count(*) FROM ratings) AS ratings,
       (SELECT count(DISTINCT user_id) FROM ratings) AS users,
       round(avg(movie_id IN (SELECT movie_id FROM movie_genres)), 3) AS with_genres,
       round(avg(movie_id IN (SELECT movie_id FROM cast_members)), 3) AS with_cast,
       round(avg(collection_id IS NOT NULL), 3) AS with_collection,
       round(avg(movie_id IN (SELECT movie_id FROM ratings)), 3) AS rated
  FROM movies;
