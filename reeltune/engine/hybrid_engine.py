"""Evaluation of the hybrid by planes: each is made once, and serves every vector of weights."""

from collections.abc import Sequence

import numpy as np

from reeltune.components.compiled_loops import plane_loops
from reeltune.domain.arrays import Floats, Ints
from reeltune.domain.evaluation import Evaluation
from reeltune.domain.space import Configuration
from reeltune.metrics.evaluate import measure
from reeltune.metrics.ranking import Ranking, join, tie_order
from reeltune.metrics.ranking_metrics import LIST_LENGTH, METRICS, Outcome
from reeltune.rating_models.hybrid import (
    L2,
    LIST_PLACES,
    POPULARITY_DISCOUNT,
    TAU,
    Hybrid,
    score_models,
)
from reeltune.rating_models.hybrid_examples import KEPT_PLANES
from reeltune.rating_models.hybrid_features import RatedMovies, blocks
from reeltune.ratings.catalogue import Catalogue
from reeltune.ratings.table import RatingTable
from reeltune.search.single_thread import one_thread

SCORE_BYTES = 2**22  # of scores under work at a time: what stays in a core's own cache
MAX_MODELS = 16  # measured in one pass
# Hyperparameters that only decide weights.
_OF_WEIGHTS = (TAU.name, L2.name, LIST_PLACES.name, POPULARITY_DISCOUNT.name)


class HybridEngine:
    """Held-out part, ready to measure configurations of the hybrid.

    Those that differ in `tau` and `weight_penalty` alone share their components' planes. Sums of
    scores are exact, so that neither pieces nor company change a bit.
    """

    def __init__(self, fitting: RatingTable, held_out: RatingTable, catalogue: Catalogue) -> None:
        self.fitting, self.held_out, self.catalogue = fitting, held_out, catalogue
        self.rated = RatedMovies.of(fitting)
        self.places = tie_order(held_out.movie_ids)

    def applies(self) -> bool:
        """Return if no rating is in both parts."""
        return not np.isin(_keys(self.held_out), _keys(self.fitting)).any()

    def evaluate(
        self, configurations: Sequence[Configuration], units: Ints | None = None
    ) -> list[Evaluation]:
        """Measure on the users at positions `units`; None: on all with a held-out rating."""
        held_out = self.held_out
        if units is not None:
            held_out = held_out.where(np.isin(held_out.users, units))
        found: dict[int, Evaluation] = {}
        for numbers in _alike(configurations):
            models = [Hybrid(configurations[n]).fit(self.fitting, self.catalogue) for n in numbers]
            for n, ranking in zip(numbers, self._rank(models, held_out), strict=True):
                found[n] = measure(
                    Outcome(ranking, self.fitting, held_out, self.catalogue), METRICS
                )
        return [found[n] for n in range(len(configurations))]

    def _rank(self, models: Sequence[Hybrid], held_out: RatingTable) -> list[Ranking]:
        """Rank the whole catalogue by each of the models, for all users with held-out ratings."""
        users = np.flatnonzero(np.diff(held_out.starts))
        rankings: list[list[Ranking]] = [[] for _ in models]
        size = max(1, SCORE_BYTES // (8 * len(models) * max(1, held_out.n_movies)))
        components = {part.name: part for model in models for part in model.components}.values()
        with one_thread():
            for block in blocks(users, held_out.n_movies):
                planes = KEPT_PLANES.planes_of(components, block, self.rated)
                for first in range(0, len(block), size):
                    some = block[first : first + size]
                    scores = score_models(models, planes, some, first)
                    for each, own in zip(rankings, scores, strict=True):
                        each.append(self._ranking(own, some, held_out))
        return [join(each, LIST_LENGTH) for each in rankings]

    def _ranking(self, scores: Floats, users: Ints, held_out: RatingTable) -> Ranking:
        """Rank by the scores (n, M), which are overwritten."""
        n_held_out = int(np.diff(held_out.starts)[users].sum())
        top = np.empty((len(users), LIST_LENGTH), dtype=np.int64)
        ranks, held_scores = np.empty(n_held_out, dtype=np.int64), np.empty(n_held_out)
        plane_loops().rank_rows(
            scores,
            users,
            self.rated.starts,
            self.rated.movies,
            held_out.starts,
            held_out.movies,
            self.places,
            top,
            ranks,
            held_scores,
        )
        return Ranking(top, ranks, held_scores)


def _keys(part: RatingTable) -> Ints:
    """Return a number for user and movie of each rating, (N,)."""
    return part.users * np.int64(part.n_movies) + part.movies


def _alike(configurations: Sequence[Configuration]) -> list[list[int]]:
    """Return the positions of configurations with the same components, a pass's worth each."""
    groups: dict[tuple[tuple[str, float], ...], list[int]] = {}
    for n, each in enumerate(configurations):
        key = tuple(sorted((name, v) for name, v in each.items() if name not in _OF_WEIGHTS))
        groups.setdefault(key, []).append(n)
    return [
        group[start : start + MAX_MODELS]
        for group in groups.values()
        for start in range(0, len(group), MAX_MODELS)
    ]
