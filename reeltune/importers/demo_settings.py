"""Settings of the made-up world: its sizes, and the truth that tuning may find."""

from dataclasses import asdict, dataclass

import numpy as np

from reeltune.domain.errors import InputError

MIN_PER_USER = 20
PERIOD = ("2014-01-01", "2023-12-31")  # first and last day of ratings, UTC
_PERIOD_START = np.datetime64(PERIOD[0], "s")
PERIOD_START = int(_PERIOD_START.astype(np.int64))
PERIOD_SECONDS = int((np.datetime64(PERIOD[1], "s") - _PERIOD_START).astype(np.int64))

# How a user likes a movie: a weighted sum of parts of variance 1. Far from the defaults, so that
# tuning has something to find.
TRUE_WEIGHTS = {"genre": 0.28, "cast": 0.30, "franchise": 0.15, "rating": 0.22, "popularity": 0.05}
# First billing order that is no longer of the role, and what a person in the role counts.
CAST_ROLES = {"lead": (3, 1.0), "supporting": (9, 0.85), "background": (None, 0.1)}
# What the variance of a user's ratings is made of.
LIKING_SHARE = 0.55
MOOD_SHARE = 0.05  # the session's
NOISE_SHARE = 0.40  # the single rating's

RECIPE = 1  # counts up whenever the same settings would make another world


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoSettings:
    """Sizes and seed of a world; the same settings make the same world, always and everywhere."""

    users: int = 600
    movies: int = 3000
    ratings: int = 100_000
    seed: int = 1

    def __post_init__(self) -> None:
        faults = [
            f"{name} must be at least {least:,}, got {value:,}"
            for name, value, least in [
                ("users", self.users, 1),
                ("movies", self.movies, 2 * MIN_PER_USER),
                ("seed", self.seed, 0),
            ]
            if value < least
        ]
        low, high = self.users * MIN_PER_USER, self.users * self.most_per_user
        if not faults and not low <= self.ratings <= high:
            faults = [
                f"ratings must be {low:,} to {high:,} for {self.users:,} users and"
                f" {self.movies:,} movies, got {self.ratings:,}: each user rates at least"
                f" {MIN_PER_USER} movies and at most half of all"
            ]
        if faults:
            raise InputError("; ".join(faults))

    @property
    def most_per_user(self) -> int:
        """Most ratings of one user: nobody has seen more than half of all movies."""
        return self.movies // 2


def truth(settings: DemoSettings) -> dict[str, object]:
    """Return what the users of the world are really like, as written beside the database."""
    roles = CAST_ROLES.items()
    return {
        "recipe": RECIPE,
        **asdict(settings),
        "period": list(PERIOD),
        "weights": dict(TRUE_WEIGHTS),
        "cast_weights": {role: weight for role, (_, weight) in roles},
        "cast_thresholds": {role: end for role, (end, _) in roles if end is not None},
        "variance_shares": {"liking": LIKING_SHARE, "mood": MOOD_SHARE, "noise": NOISE_SHARE},
    }


# Each part of the world draws from a stream of its own, so that none depends on another's order.
STREAM_WORKS, STREAM_NAMES, STREAM_PEOPLE, STREAM_MOVIES, STREAM_SIZES, STREAM_USERS = range(6)


def random_stream(settings: DemoSettings, part: int, number: int = 0) -> np.random.Generator:
    """Return the random numbers of a part of the world (a STREAM_*), or of its `number`th piece."""
    sequence = np.random.SeedSequence(settings.seed, spawn_key=(part, number))
    return np.random.Generator(np.random.PCG64(sequence))
