"""Whether a recommender is good and which of two is better. Pure functions of arrays."""
