"""Measures of the replay: a model on the ratings after a night, user by user."""

from typing import Any

import numpy as np

from benchmarks.replay_models import Offer
from benchmarks.replay_world import World
from reeltune.domain.arrays import Floats
from reeltune.metrics.evaluate import evaluate

METRICS = ("accuracy", "ndcg@10", "recall@20")
COVERAGE = "coverage@10"


def measure(world: World, night: int, offer: Offer) -> dict[str, Any]:
    """Return the values of the users with a rating after the night, as JSON takes them."""
    known, after = world.before(night), world.after(night)
    found = evaluate(offer.score, known, after, world.catalogue, metrics=(*METRICS, COVERAGE))
    users = np.flatnonzero(np.diff(after.starts))
    n_ratings = np.diff(after.starts)[users]
    return {
        "users": after.user_ids[users].tolist(),
        "known": (np.diff(known.starts)[users] > 0).tolist(),
        "n_ratings": n_ratings.tolist(),
        "personal": offer.personal[users].tolist(),
        "coverage": found.values[COVERAGE],
        "values": {name: _plain(found.per_unit[name][users]) for name in METRICS},
    }


def _plain(values: Floats) -> list[float | None]:
    return [None if np.isnan(value) else round(float(value), 6) for value in values]
