"""Contents of a model's artifact: its arrays, and what describes them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from reeltune.domain.arrays import AnyArray, Ints
from reeltune.domain.version import TrainingRun, Version
from reeltune.ratings.recommender import Recommender
from reeltune.ratings.table import RatingTable

MODEL = "model."  # prefix of the model's own arrays


@dataclass(frozen=True)
class LoadedModel:
    """Fitted model of a version, and whom and what its positions mean."""

    version: Version
    model: Recommender
    user_ids: Ints  # (U,) ascending
    movie_ids: Ints  # (M,) ascending


def artifact_contents(
    training: TrainingRun, model: Recommender, ratings: RatingTable
) -> tuple[dict[str, Any], dict[str, AnyArray]]:
    """Return the manifest and the arrays of a model fitted to all of `ratings`."""
    arrays = {MODEL + name: array for name, array in model.arrays().items()}
    arrays |= {"user_ids": ratings.user_ids, "movie_ids": ratings.movie_ids}
    manifest = {
        "model": training.model,
        "hyperparameters": dict(training.hyperparameters),
        "space_fingerprint": model.space.fingerprint,
        "data_fingerprint": training.data_fingerprint,
        "n_ratings": training.n_ratings,
        "code_version": training.code_version,
        "seed": training.seed,
        "environment": dict(training.environment),
    }
    return manifest, arrays


def model_arrays(arrays: Mapping[str, AnyArray]) -> dict[str, AnyArray]:
    """Return the model's own arrays, as it named them."""
    return {n.removeprefix(MODEL): a for n, a in arrays.items() if n.startswith(MODEL)}
