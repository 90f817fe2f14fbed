"""Hyperparameters of the hand-weighted recommender, each declared once."""

from reeltune.domain.space import Ascending, Fixed, Hyperparameter, Simplex, Single, Space


def _weight(name: str, default: float, meaning: str) -> Hyperparameter:
    return Hyperparameter(name=name, default=default, low=0.0, high=1.0, meaning=meaning)


WEIGHTS = Simplex(
    (
        _weight("genre_weight", 0.40, "share of the genre component in the score"),
        _weight("cast_weight", 0.15, "share of the cast component in the score"),
        _weight("franchise_weight", 0.05, "share of the franchise component in the score"),
        _weight("rating_weight", 0.30, "share of the rating component in the score"),
        _weight("popularity_weight", 0.10, "share of the popularity component in the score"),
    )
)

GENRE_BOOSTS = (
    Hyperparameter(
        name="genre_boost_high",
        default=0.15,
        low=0.0,
        high=0.5,
        meaning="added to a genre match at or above genre_threshold_high",
    ),
    Hyperparameter(
        name="genre_boost_medium",
        default=0.10,
        low=0.0,
        high=0.5,
        meaning="added to a genre match from genre_threshold_medium up to genre_threshold_high",
    ),
    Hyperparameter(
        name="genre_boost_low",
        default=-0.20,
        low=-0.5,
        high=0.0,
        meaning="added to a genre match below genre_threshold_low",
    ),
)

GENRE_THRESHOLDS = Ascending(
    (
        Hyperparameter(
            name="genre_threshold_low",
            default=0.3,
            low=0.05,
            high=0.6,
            meaning="a genre match below it counts as low",
        ),
        Hyperparameter(
            name="genre_threshold_medium",
            default=0.5,
            low=0.1,
            high=0.8,
            meaning="a genre match at or above it counts as medium",
        ),
        Hyperparameter(
            name="genre_threshold_high",
            default=0.7,
            low=0.2,
            high=0.95,
            meaning="a genre match at or above it counts as high",
        ),
    )
)

CAST_WEIGHTS = (
    _weight("cast_lead_weight", 1.0, "how much the user's liking of a lead counts"),
    _weight("cast_supporting_weight", 0.7, "how much the liking of a supporting player counts"),
    _weight("cast_background_weight", 0.3, "how much the liking of a background player counts"),
)

CAST_THRESHOLDS = Ascending(
    (
        Hyperparameter(
            name="cast_lead_threshold",
            default=5,
            low=1,
            high=15,
            integer=True,
            meaning="first billing order that is no longer a lead",
        ),
        Hyperparameter(
            name="cast_supporting_threshold",
            default=15,
            low=2,
            high=40,
            integer=True,
            meaning="first billing order that is no longer supporting",
        ),
    )
)

POPULARITY_WEIGHTS = Simplex(
    (
        _weight("popularity_rating_weight", 0.7, "share of the mean rating in popularity"),
        _weight("popularity_count_weight", 0.3, "share of the number of ratings in popularity"),
    )
)

ACCURACY_THRESHOLD = Hyperparameter(
    name="accuracy_threshold",
    default=0.65,
    low=0.0,
    high=1.0,
    searched=False,
    meaning="least test accuracy for a version to be promoted; a gate, never searched",
)

SPACE = Space(
    (
        WEIGHTS,
        *(Single(boost) for boost in GENRE_BOOSTS),
        GENRE_THRESHOLDS,
        *(Single(weight) for weight in CAST_WEIGHTS),
        CAST_THRESHOLDS,
        POPULARITY_WEIGHTS,
        Fixed(ACCURACY_THRESHOLD),
    )
)
