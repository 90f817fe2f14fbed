"""Rating prediction: the stars that models predict, measured on held-out ratings."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np

from reeltune.domain.errors import InputError
from reeltune.domain.evaluation import Part
from reeltune.domain.space import Configuration
from reeltune.domain.study import STAR_MODELS
from reeltune.metrics.rating_errors import RatingErrors, rating_errors
from reeltune.rating_models.registry import model_class
from reeltune.rating_models.star_models import PredictsStars
from reeltune.ratings.calls import fit_recommender
from reeltune.ratings.dataset import Dataset
from reeltune.ratings.shared_fits import SharedFits
from reeltune.ratings.splits import SPLITS
from reeltune.views.json_ready import json_ready

NEEDED_PACKAGES = {
    "ridge": "sklearn",
    "boosted-trees": "xgboost",
    "boosted-ranking": "xgboost",
    "matrix-factorization": "torch",
    "two-tower": "torch",
}
"""By model, the package without which it is not fitted."""


@dataclass(frozen=True, slots=True)
class RatingPrediction:
    """Model, and how well it predicts."""

    model: str
    errors: RatingErrors
    seconds: float  # of the fit

    def as_dict(self) -> dict[str, Any]:
        """Return the figures for `--json`."""
        return {"model": self.model, **json_ready(self.errors), "seconds": self.seconds}


def installed_models() -> list[str]:
    """Return the models by predicted stars whose packages are here."""
    return [each for each in STAR_MODELS if find_spec(NEEDED_PACKAGES.get(each, "numpy"))]


def measure_predictions(
    data: Dataset,
    models: Sequence[tuple[str, Configuration | None]],
    split: str = "user-time",
    part: Part = "validation",
) -> Iterator[RatingPrediction]:
    """Fit each model to what is before a part, and yield how well it predicts the part.

    Args:
        data: ratings and movies.
        models: names and hyperparameters; None: its defaults.
        split: how ratings are held out.
        part: what is predicted.

    Raises:
        InputError: a model predicts no stars, or the part has no ratings.
    """
    kinds = [_predicting(name) for name, _ in models]
    parts, shared = SPLITS[split](data.ratings), SharedFits()
    fitting, held_out = parts.fitting_for(part), parts.held_out_for(part)
    if not len(held_out):
        raise InputError(f"the {part} part of the {split} split has no ratings: import more")
    users, movies = (each.astype(np.int64) for each in (held_out.users, held_out.movies))
    for (name, values), kind in zip(models, kinds, strict=True):
        began = time.perf_counter()
        unfitted = kind(kind.space.defaults() if values is None else kind.space.checked(values))
        model = fit_recommender(unfitted, fitting, data.catalogue, held_out, shared)
        seconds = time.perf_counter() - began
        predicted = np.asarray(model.predict(users, movies), dtype=np.float64)
        if predicted.shape != users.shape or not np.isfinite(predicted).all():
            raise InputError(
                f"model {name!r} must predict a finite number for each rating; correct its predict"
            )
        yield RatingPrediction(name, rating_errors(predicted, held_out.ratings), seconds)


def _predicting(name: str) -> Any:
    kind = model_class(name)
    if not issubclass(kind, PredictsStars):
        raise InputError(
            f"model {name!r} predicts no stars: take one of {', '.join(STAR_MODELS)},"
            " or one of your own with predict(users, movies)"
        )
    return kind
