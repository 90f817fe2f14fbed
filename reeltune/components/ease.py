"""EASE components: linear models of which movie goes with which, in closed form.

Source: Steck 2019, "Embarrassingly shallow autoencoders for sparse data".
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, Self

import numpy as np

from reeltune.components.interactions import Interactions
from reeltune.components.learned_component import History, Planes
from reeltune.components.linear_autoencoder import LinearAutoencoder
from reeltune.domain.arrays import AnyArray, Floats, Ints
from reeltune.domain.parameters import FloatParameter, Hyperparameter
from reeltune.domain.space import Configuration
from reeltune.ratings.table import HIGHEST_RATING, RELEVANT_RATING, RatingTable

LOWEST_STRENGTH, NO_STRENGTH = 0.25, 1.5  # stars: the least that a rating counts, and what is none

EASE_RIDGE = FloatParameter(
    name="ease_ridge",
    default=140.0,
    low=5.0,
    high=5_000.0,
    log=True,
    meaning="ridge penalty of EASE; the higher, the fewer rare pairs of movies count",
)
LIKED_RIDGE = FloatParameter(
    name="ease_liked_ridge",
    default=140.0,
    low=5.0,
    high=5_000.0,
    log=True,
    meaning="ridge penalty of EASE on liked movies alone",
)
RATING_POWER = FloatParameter(
    name="ease_rating_power",
    default=1.0,
    low=0.0,
    high=2.0,
    meaning="how much more a high rating counts for EASE than a low one; 0: alike",
)
RECENT_HALF_LIFE = FloatParameter(
    name="ease_recent_half_life",
    default=15.0,
    low=3.0,
    high=50.0,
    log=True,
    meaning="ratings of a user after which an earlier one counts half for recent taste",
)


@dataclass(frozen=True, eq=False)
class Ease:
    """EASE on ratings by their strength: of all the user has rated, and of the latest."""

    name: ClassVar[str] = "ease"
    hyperparameters: ClassVar[tuple[Hyperparameter, ...]] = (
        EASE_RIDGE,
        RATING_POWER,
        RECENT_HALF_LIFE,
    )
    planes: ClassVar[tuple[str, ...]] = ("ease", "ease_recent")

    solved: LinearAutoencoder
    own: Interactions  # of the users who are scored: those it was fitted to, or others
    recency: Floats  # (N,) of these, 1 for the user's latest
    settings: Floats  # (2,) power of ratings, half-life

    @classmethod
    def fit(cls, history: History, values: Configuration) -> Self:
        """Solve for all pairs of movies at once."""
        power = float(values[RATING_POWER.name])
        half_life = float(values[RECENT_HALF_LIFE.name])
        interactions = history.kept(
            "strengths", power, lambda: Interactions.of(history.ratings, _strengths(history, power))
        )
        ridge = float(values[EASE_RIDGE.name])
        return cls(
            solved=LinearAutoencoder.fit(interactions, ridge),
            own=interactions,
            recency=0.5 ** (history.later / half_life),
            settings=np.array([power, half_life]),
        )

    def score(self, users: Ints) -> Planes:
        """Return the scores of all ratings and of the latest, (U, M) each."""
        return {
            "ease": self.solved.score(self.own, users),
            "ease_recent": self.solved.score(replace(self.own, values=self.recency), users),
        }

    def fold_in(self, history: History) -> Self:
        """Return the component for other users; the pairs of movies stay."""
        power, half_life = self.settings.tolist()
        return replace(
            self,
            own=Interactions.of(history.ratings, _strengths(history, power)),
            recency=0.5 ** (history.later / half_life),
        )

    def arrays(self) -> dict[str, AnyArray]:
        """Return what was fitted."""
        return self.solved.arrays() | {"recency": self.recency, "settings": self.settings}

    @classmethod
    def load(cls, arrays: Mapping[str, AnyArray]) -> Self:
        """Return the component that `arrays` are of."""
        solved = LinearAutoencoder.load(arrays)
        recency, settings = (arrays[name].astype(np.float64) for name in ("recency", "settings"))
        return cls(solved, solved.interactions, recency, settings)


@dataclass(frozen=True, eq=False)
class EaseLiked:
    """EASE on liked movies alone, each counting 1."""

    name: ClassVar[str] = "ease_liked"
    hyperparameters: ClassVar[tuple[Hyperparameter, ...]] = (LIKED_RIDGE,)
    planes: ClassVar[tuple[str, ...]] = ("ease_liked",)

    solved: LinearAutoencoder
    own: Interactions  # of the users who are scored: those it was fitted to, or others

    @classmethod
    def fit(cls, history: History, values: Configuration) -> Self:
        """Solve for all pairs of movies at once."""
        interactions = history.kept("liked", 0.0, lambda: _liked(history.ratings))
        solved = LinearAutoencoder.fit(interactions, float(values[LIKED_RIDGE.name]))
        return cls(solved, interactions)

    def score(self, users: Ints) -> Planes:
        """Return the scores, (U, M)."""
        return {"ease_liked": self.solved.score(self.own, users)}

    def fold_in(self, history: History) -> Self:
        """Return the component for other users; the pairs of movies stay."""
        return replace(self, own=_liked(history.ratings))

    def arrays(self) -> dict[str, AnyArray]:
        """Return what was fitted."""
        return self.solved.arrays()

    @classmethod
    def load(cls, arrays: Mapping[str, AnyArray]) -> Self:
        """Return the component that `arrays` are of."""
        solved = LinearAutoencoder.load(arrays)
        return cls(solved, solved.interactions)


def _strengths(history: History, power: float) -> Floats:
    """Return how much each rating counts (N,), 1 for the highest."""
    stars = history.ratings.ratings.astype(np.float64) - NO_STRENGTH
    strengths: Floats = np.maximum(stars, LOWEST_STRENGTH) / (HIGHEST_RATING - NO_STRENGTH)
    return strengths**power


def _liked(ratings: RatingTable) -> Interactions:
    liked = ratings.where(ratings.ratings >= RELEVANT_RATING)
    return Interactions.of(liked, np.ones(len(liked)))
