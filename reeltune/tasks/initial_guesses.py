"""Initial guesses: weights fitted in milliseconds to pairs of ratings of the fitting part.

The score is linear in the weights of the components, and nearly so in the boosts and in the mix of
popularity. So once components are fitted, weights that order pairs well are a convex problem.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from reeltune.components import COMPONENTS, Component
from reeltune.components.hyperparameters import GENRE_BOOSTS
from reeltune.components.user_centred import UserCentredRatings
from reeltune.domain.arrays import Floats
from reeltune.domain.limits import projected
from reeltune.domain.space import Configuration, Space
from reeltune.ratings.dataset import Dataset
from reeltune.ratings.splits import SPLITS
from reeltune.tasks.pairs import Pairs, sample_pairs
from reeltune.tasks.ranking_loss import ordering_weights

BOOSTED_BY = 0.2  # to see what a boost adds: less than the cut at 1 takes away


@dataclass(frozen=True)
class Surrogate:
    """Fitted components at the pairs, and what is deployed.

    The components are fitted to the first part of what a search is fitted on, and the pairs are of
    the rest of it: nothing that a search is measured on is seen.
    """

    pairs: Pairs
    components: Mapping[str, Component]
    current: Configuration

    @classmethod
    def of(
        cls, data: Dataset, split_name: str, seed: int, current: Configuration
    ) -> "Surrogate | None":
        """Return the surrogate of accuracy under a split; None where nobody has a pair."""
        split = SPLITS[split_name]
        inner = split(split(data.ratings).fitting_for("validation"))
        pairs = sample_pairs(inner.held_out_for("test"), seed)
        if pairs is None:
            return None
        fitting = inner.fitting_for("test")  # once: not worth remembering as a run's own fit is
        centred = UserCentredRatings.of(fitting)
        components = {n: kind.fit(centred, data.catalogue) for n, kind in COMPONENTS.items()}
        return cls(pairs, components, current)

    def configurations(self, space: Space) -> list[dict[str, Any]]:
        """Return two in `space`: with boosts fitted as well, and with weights and mix alone."""
        return [projected(space, {**self.current, **found}) for found in (self.boosted, self.mixed)]

    @cached_property
    def mixed(self) -> dict[str, Any]:
        """Weights and the mix of popularity of the least loss."""
        fitted = self._fitted(self._common | {"genre": self._column("genre")})
        return self._shares(fitted["genre"], fitted)

    @cached_property
    def boosted(self) -> dict[str, Any]:
        """Weights, mix and boosts: each adds to a match, so that it has a weight of its own."""
        plain = dict.fromkeys((boost.name for boost in GENRE_BOOSTS), 0.0)
        match = self._column("genre", **plain)
        raised = {
            boost.name: self._column("genre", **{**plain, boost.name: _step(boost.low)}) - match
            for boost in GENRE_BOOSTS
        }
        fitted = self._fitted(self._common | {"genre": match} | raised)
        # A boost of more than its bound is had by weighing the match itself more.
        most = {boost.name: abs(boost.low or boost.high) / BOOSTED_BY for boost in GENRE_BOOSTS}
        genre = max(fitted["genre"], *(fitted[name] / most[name] for name in most))
        boosts = {
            boost.name: _step(boost.low) * fitted[boost.name] / genre if genre else boost.default
            for boost in GENRE_BOOSTS
        }
        return self._shares(genre, fitted) | boosts

    @cached_property
    def _common(self) -> dict[str, Floats]:
        """Columns (N,) of what needs no boost; the count stands for popularity."""
        counts = {"popularity_rating_weight": 0.0, "popularity_count_weight": 1.0}
        plain = {name: self._column(name) for name in self._plain}
        return plain | {"number_of_ratings": self._column("popularity", **counts)}

    @cached_property
    def _plain(self) -> Sequence[str]:
        """Components with a column each, as they are."""
        return sorted(self.components.keys() - {"genre", "popularity"})

    def _column(self, name: str, **values: float) -> Floats:
        """Return a component at the rated movies (N,), with `values` in place of current ones."""
        at = {**self.current, **values}
        return self.components[name].score_at(self.pairs.users, self.pairs.movies, at)

    def _fitted(self, columns: Mapping[str, Floats]) -> dict[str, float]:
        """Return the weight of each column."""
        differences = self.pairs.differences(np.column_stack(list(columns.values())))
        weights = ordering_weights(differences, self.pairs.shares)
        return dict(zip(columns, map(float, weights), strict=True))

    def _shares(self, genre: float, fitted: Mapping[str, float]) -> dict[str, Any]:
        """Return the weights as shares of 1, and the mix of popularity.

        Popularity mixes the number of ratings with their mean, which is the rating component too.
        So the mix stays as it is where the rating's weight suffices, and else it takes all of that.
        """
        number, share = fitted["number_of_ratings"], float(self.current["popularity_count_weight"])
        popularity = number / share if share else np.inf
        rating = fitted["rating"] - (popularity - number)
        if not rating >= 0:
            popularity, rating = fitted["rating"] + number, 0.0
            share = number / popularity if popularity else share
        plain = {name: fitted[name] for name in self._plain} | {"rating": rating}
        weights = {"genre": genre, **plain, "popularity": popularity}
        total = sum(weights.values())
        if not total > 0:
            return {}
        return {f"{name}_weight": weight / total for name, weight in weights.items()} | {
            "popularity_rating_weight": 1 - share,
            "popularity_count_weight": share,
        }


def _step(low: float) -> float:
    """Return the boost that a column is made with: down where it may only lower."""
    return -BOOSTED_BY if low < 0 else BOOSTED_BY
