"""ReelTune retunes and redeploys a recommender on one SQLite file."""
