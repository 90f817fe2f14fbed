"""Reasons in words: why a movie of the hand-weighted model is on a user's list."""

from collections.abc import Mapping, Sequence

from reeltune.components.component import NEUTRAL
from reeltune.domain.space import Configuration
from reeltune.ratings.table import HIGHEST_RATING, LOWEST_RATING

_PERSONAL = {
    "genre": "likes its genres: {genres}",
    "cast": "likes people in it",
    "franchise": "likes its collection",
}


def reasons_of(
    parts: Mapping[str, float], values: Configuration, genres: Sequence[str]
) -> tuple[str, ...]:
    """Return what speaks for a movie, what adds most to its score first.

    A user likes what they rate above their own mean. Of the mean rating it is said what it is,
    damped as the component has it.

    Args:
        parts: of the score, by component of the hand-weighted model; of other models nothing is
            said.
        values: hyperparameters.
        genres: of the movie.

    >>> values = {"genre_weight": 0.5, "cast_weight": 0.2, "rating_weight": 0.3}
    >>> reasons_of({"genre": 0.45, "cast": 0.1, "rating": 0.24}, values, ["Drama"])
    ('likes its genres: Drama', 'rated 4.1 stars in the mean')
    """
    gains = {
        name: part - NEUTRAL * values[f"{name}_weight"]
        for name, part in parts.items()
        if name in _PERSONAL and f"{name}_weight" in values
    }
    found = [
        _PERSONAL[name].format(genres=", ".join(genres))
        for name in sorted(gains, key=lambda name: -gains[name])
        if gains[name] > 0
    ]
    weight = values.get("rating_weight", 0.0)
    if "rating" in parts and weight > 0:
        stars = LOWEST_RATING + parts["rating"] / weight * (HIGHEST_RATING - LOWEST_RATING)
        found.append(f"rated {stars:.1f} stars in the mean")
    return tuple(found)
