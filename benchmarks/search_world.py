"""Made-up recommender with 19 free hyperparameters, and how well it orders its users' films.

Everything a real one does to a search is there: weights that sum to 1, thresholds in order, whole
numbers, values that do not matter while a weight is near zero, and a share of pairs ordered right,
which moves in steps. Users are many enough for that share to be close to what is true of all users:
a search that fits the quirks of a few is not what is to be rewarded.
"""

from functools import cache

import numpy as np

from reeltune.domain.arrays import Floats, Ints
from reeltune.domain.space import Ascending, Configuration, Hyperparameter, Simplex, Single, Space

N_USERS = 400
N_FILMS = 24  # per user: half of them liked
N_BILLED = 24  # people in each film, by billing order
TASTE_NOISE = 0.10  # what no component explains


def _number(name: str, low: float, high: float, default: float) -> Hyperparameter:
    return Hyperparameter(name=name, low=low, high=high, default=default, meaning="made up")


def _whole(name: str, low: int, high: int, default: int) -> Hyperparameter:
    return Hyperparameter(
        name=name, low=low, high=high, default=default, integer=True, meaning="made up"
    )


def _simplex(**defaults: float) -> Simplex:
    return Simplex(tuple(_number(name, 0.0, 1.0, value) for name, value in defaults.items()))


RECOMMENDER = Space(
    (
        _simplex(genre=0.35, cast=0.15, franchise=0.05, rating=0.25, popularity=0.1, recency=0.1),
        Single(_number("boost_high", 0.0, 0.5, 0.15)),
        Single(_number("boost_medium", 0.0, 0.5, 0.10)),
        Single(_number("boost_low", -0.5, 0.0, -0.20)),
        Ascending(
            (
                _number("match_low", 0.05, 0.6, 0.3),
                _number("match_medium", 0.1, 0.8, 0.5),
                _number("match_high", 0.2, 0.95, 0.7),
            )
        ),
        Single(_number("lead_weight", 0.0, 1.0, 1.0)),
        Single(_number("supporting_weight", 0.0, 1.0, 0.7)),
        Single(_number("background_weight", 0.0, 1.0, 0.3)),
        Ascending((_whole("lead_until", 1, 12, 5), _whole("supporting_until", 2, 24, 15))),
        _simplex(popular_rating=0.7, popular_count=0.3),
        Single(_number("half_life_years", 1.0, 40.0, 10.0)),
        Single(_whole("prior_ratings", 0, 60, 10)),
    )
)

# Whom the users' tastes follow; a search can reach it, and noise makes others a little better.
TRUTH: Configuration = {
    "genre": 0.30,
    "cast": 0.22,
    "franchise": 0.03,
    "rating": 0.12,
    "popularity": 0.08,
    "recency": 0.25,
    "boost_high": 0.38,
    "boost_medium": 0.06,
    "boost_low": -0.32,
    "match_low": 0.22,
    "match_medium": 0.46,
    "match_high": 0.66,
    "lead_weight": 0.85,
    "supporting_weight": 0.35,
    "background_weight": 0.05,
    "lead_until": 3,
    "supporting_until": 9,
    "popular_rating": 0.25,
    "popular_count": 0.75,
    "half_life_years": 6.0,
    "prior_ratings": 25,
}


class World:
    """World of users and their films: arrays (U, F), and (B + 1, U, F) by billing order."""

    def __init__(self, seed: int = 7, truth: Configuration = TRUTH) -> None:
        rng = np.random.default_rng(seed)
        shape = (N_USERS, N_FILMS)
        self.match = rng.beta(2, 2, shape)
        likings = rng.beta(1.2, 1.2, (N_BILLED, *shape))
        billed = np.arange(N_BILLED)[:, None, None] < rng.integers(2, N_BILLED + 1, shape)
        self.liking_before = _sums_before(likings * billed)
        self.people_before = _sums_before(billed.astype(np.float64))
        self.franchise = np.where(rng.random(shape) < 0.2, rng.random(shape), 0.5)
        self.n_ratings: Ints = np.exp(rng.normal(3, 1.5, shape)).astype(np.int64) + 1
        quality = rng.normal(0.6, 0.12, shape)
        self.rating = np.clip(quality + rng.normal(0, 0.35, shape) / np.sqrt(self.n_ratings), 0, 1)
        self.age = rng.gamma(1.3, 12.0, shape)
        taste = self.scores(truth) + rng.normal(0, TASTE_NOISE, shape)
        order = np.argsort(-taste, axis=1)
        self.liked, self.disliked = np.split(order, 2, axis=1)  # (U, F/2) each

    def scores(self, c: Configuration) -> Floats:
        """(U, F) the made-up recommender's scores."""
        shrunk = (self.n_ratings * self.rating + c["prior_ratings"] * 0.6) / (
            self.n_ratings + c["prior_ratings"]
        )
        count = np.log1p(self.n_ratings) / 8
        parts = {
            "genre": self._genre(c),
            "cast": self._cast(c),
            "franchise": self.franchise,
            "rating": shrunk,
            "popularity": c["popular_rating"] * self.rating + c["popular_count"] * count,
            "recency": 0.5 ** (self.age / c["half_life_years"]),
        }
        total: Floats = np.zeros_like(self.match)
        for name, part in parts.items():
            total += c[name] * part
        return total

    def _genre(self, c: Configuration) -> Floats:
        """Return the match, raised where it is high or medium and lowered where it is low."""
        step = np.digitize(self.match, [c["match_low"], c["match_medium"], c["match_high"]])
        boost = np.array([c["boost_low"], 0.0, c["boost_medium"], c["boost_high"]])
        moved: Floats = np.clip(self.match + boost[step], 0, 1)
        return moved

    def _cast(self, c: Configuration) -> Floats:
        """Mean liking of the people, by billing order; one half where none counts."""
        lead, supporting = int(c["lead_until"]), int(c["supporting_until"])
        parts = ((0, lead), (lead, supporting), (supporting, N_BILLED))
        names = ("lead_weight", "supporting_weight", "background_weight")
        liking, total = np.zeros_like(self.match), np.zeros_like(self.match)
        for name, (start, end) in zip(names, parts, strict=True):
            liking += c[name] * (self.liking_before[end] - self.liking_before[start])
            total += c[name] * (self.people_before[end] - self.people_before[start])
        return np.divide(liking, total, out=np.full_like(total, 0.5), where=total > 0)

    def accuracy(self, configuration: Configuration) -> float:
        """Share of (liked, disliked) pairs in the right order, ties one half; mean over users."""
        scores = self.scores(configuration)
        better = np.take_along_axis(scores, self.liked, axis=1)[:, :, None]
        worse = np.take_along_axis(scores, self.disliked, axis=1)[:, None, :]
        return float(np.mean((better > worse) + 0.5 * (better == worse)))


def _sums_before(parts: Floats) -> Floats:
    """(B + 1, U, F) the sum of the first 0, 1, ... B of `parts` (B, U, F)."""
    return np.concatenate([np.zeros((1, *parts.shape[1:])), np.cumsum(parts, axis=0)])


@cache
def _world() -> World:
    return World()


@cache
def world_of_tastes(seed: int) -> World:
    """Return a world whose users have tastes drawn by the seed."""
    return World(seed, tastes(seed))


def tastes(seed: int) -> Configuration:
    """Return a configuration drawn by the seed alone, however the space maps its cube."""
    rng = np.random.default_rng([seed, 1])
    weights = rng.dirichlet(np.ones(6))
    names = ("genre", "cast", "franchise", "rating", "popularity", "recency")
    low, medium, high = np.sort(rng.random(3))
    lead = int(rng.integers(1, 13))
    mixed = float(rng.random())
    return RECOMMENDER.checked(
        {
            **dict(zip(names, map(float, weights), strict=True)),
            "boost_high": rng.uniform(0, 0.5),
            "boost_medium": rng.uniform(0, 0.5),
            "boost_low": rng.uniform(-0.5, 0),
            "match_low": float(0.05 + 0.55 * low),
            "match_medium": float(0.1 + 0.7 * medium),
            "match_high": float(0.2 + 0.75 * high),
            "lead_weight": float(rng.random()),
            "supporting_weight": float(rng.random()),
            "background_weight": float(rng.random()),
            "lead_until": lead,
            "supporting_until": int(rng.integers(lead + 1, 25)),
            "popular_rating": mixed,
            "popular_count": 1 - mixed,
            "half_life_years": rng.uniform(1, 40),
            "prior_ratings": int(rng.integers(0, 61)),
        }
    )


def recommender_value(configuration: Configuration) -> float:
    """Accuracy in the one made-up world."""
    return _world().accuracy(configuration)
