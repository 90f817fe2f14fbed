"""Popularity: lists of the movies that most users rated, which any other list has to beat."""

from reeltune.components.hyperparameters import SPACE

_WEIGHTS = ("genre_weight", "cast_weight", "franchise_weight", "rating_weight")

POPULARITY = SPACE.checked(
    SPACE.defaults()
    | dict.fromkeys(_WEIGHTS, 0.0)
    | {
        "popularity_weight": 1.0,
        "popularity_rating_weight": 0.0,
        "popularity_count_weight": 1.0,
    }
)
"""Configuration of the built-in recommender that ranks by the number of ratings alone."""
