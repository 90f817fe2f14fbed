"""Optional components of the hybrid: neighbouring users, and EASE on deviations."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, Self

import numpy as np

from reeltune.components.compiled_loops import product_loops
from reeltune.components.interactions import Interactions
from reeltune.components.learned_component import History, Planes
from reeltune.components.linear_autoencoder import LinearAutoencoder
from reeltune.domain.arrays import AnyArray, Floats, Ints
from reeltune.domain.parameters import FloatParameter, Hyperparameter, IntParameter
from reeltune.domain.space import Configuration

ALL_IN_COMMON = 1 - 1e-9  # similarity

NEIGHBOURS = IntParameter(
    name="user_neighbours",
    default=0,
    low=0,
    high=400,
    searched=False,
    meaning="most alike users whose ratings count; 0: the component is left out",
)
DEVIATION_RIDGE = FloatParameter(
    name="deviation_ease_ridge",
    default=0.0,
    low=0.0,
    high=1_000.0,
    searched=False,
    meaning="ridge penalty of EASE on ratings less their user's mean; 0: it is left out",
)


@dataclass(frozen=True, eq=False)
class UserNeighbours:
    """Sum over the most alike users who rated a movie, by the cosine of what both have rated.

    Source: Herlocker et al. 1999, "An algorithmic framework for performing collaborative
    filtering", on what is rated and not on how; without the division by the sum of similarities.
    """

    name: ClassVar[str] = "user_neighbours"
    hyperparameters: ClassVar[tuple[Hyperparameter, ...]] = (NEIGHBOURS,)
    planes: ClassVar[tuple[str, ...]] = ("user_neighbours",)

    others: Interactions  # of the users it was fitted to, of length 1 each
    own: Interactions  # of the users who are scored
    n_neighbours: int

    @classmethod
    def fit(cls, history: History, values: Configuration) -> Self:
        """Scale each user to length 1."""
        own = history.kept("unit strengths", 0.0, lambda: _unit(history))
        return cls(own, own, int(values[NEIGHBOURS.name]))

    def score(self, users: Ints) -> Planes:
        """Return the sums, (U, M)."""
        loops, own, others = product_loops(), self.own, self.others
        columns = (others.column_starts, others.column_users, others.column_values)
        rows = (users, own.starts, own.movies, own.values)
        alike = loops.shared_strength(*rows, *columns, others.n_users)
        alike[alike > ALL_IN_COMMON] = 0  # the user, and who has nothing else to offer
        n = min(self.n_neighbours, alike.shape[1])
        least = -np.partition(-alike, n - 1, axis=1)[:, n - 1 : n]
        alike[alike < least] = 0
        return {"user_neighbours": loops.times_columns(alike, *columns)}

    def fold_in(self, history: History) -> Self:
        """Return the component for other users, whose neighbours are those of the fit."""
        return replace(self, own=_unit(history))

    def arrays(self) -> dict[str, AnyArray]:
        """Return what was fitted."""
        return self.others.arrays() | {"n_neighbours": np.array([self.n_neighbours])}

    @classmethod
    def load(cls, arrays: Mapping[str, AnyArray]) -> Self:
        """Return the component that `arrays` are of."""
        others = Interactions.load(arrays)
        return cls(others, others, int(arrays["n_neighbours"].astype(np.int64)[0]))


@dataclass(frozen=True, eq=False)
class DeviationEase:
    """EASE on ratings less their user's mean: how much better a movie is than what one sees.

    Source: Steck 2019, "Embarrassingly shallow autoencoders for sparse data".
    """

    name: ClassVar[str] = "deviation_ease"
    hyperparameters: ClassVar[tuple[Hyperparameter, ...]] = (DEVIATION_RIDGE,)
    planes: ClassVar[tuple[str, ...]] = ("deviation_ease",)

    solved: LinearAutoencoder
    own: Interactions  # of the users who are scored: those it was fitted to, or others

    @classmethod
    def fit(cls, history: History, values: Configuration) -> Self:
        """Solve for all pairs of movies at once."""
        own = history.kept("deviations", 0.0, lambda: _deviations(history))
        return cls(LinearAutoencoder.fit(own, float(values[DEVIATION_RIDGE.name])), own)

    def score(self, users: Ints) -> Planes:
        """Return the scores, (U, M)."""
        return {"deviation_ease": self.solved.score(self.own, users)}

    def fold_in(self, history: History) -> Self:
        """Return the component for other users; the pairs of movies stay."""
        return replace(self, own=_deviations(history))

    def arrays(self) -> dict[str, AnyArray]:
        """Return what was fitted."""
        return self.solved.arrays()

    @classmethod
    def load(cls, arrays: Mapping[str, AnyArray]) -> Self:
        """Return the component that `arrays` are of."""
        solved = LinearAutoencoder.load(arrays)
        return cls(solved, solved.interactions)


def _unit(history: History) -> Interactions:
    """Return 1 for each movie that a user has rated, over the length of all of the user's."""
    n = np.maximum(np.diff(history.ratings.starts), 1)
    values: Floats = np.repeat(1 / np.sqrt(n), np.diff(history.ratings.starts))
    return Interactions.of(history.ratings, values)


def _deviations(history: History) -> Interactions:
    return Interactions.of(history.ratings, history.centred.deviations)
