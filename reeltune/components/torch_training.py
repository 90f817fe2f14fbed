"""Training of rating predictors in torch: where it runs, and on which ratings."""

import os
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np

from reeltune.components.rating_predictor import folds_of
from reeltune.domain.arrays import Floats, Ints
from reeltune.domain.errors import InputError
from reeltune.ratings.table import RatingTable

if TYPE_CHECKING:
    import torch

DEVICE = "REELTUNE_DEVICE"  # environment variable: cpu or cuda; by default cuda where there is one
MAX_EPOCHS = 60
FIRST_SEED = 0  # of the numbers that training begins with
WATCHED_FOLDS = 20  # one in so many ratings is not trained on, but what the monitor goes by


@dataclass(frozen=True, eq=False)
class TrainingRatings:
    """Ratings as tensors: those that are trained on, and those that the monitor goes by."""

    users: "torch.Tensor"  # (n,)
    movies: "torch.Tensor"  # (n,)
    stars: "torch.Tensor"  # (n,)
    watched: tuple["torch.Tensor", "torch.Tensor", "torch.Tensor"]

    @classmethod
    def of(cls, table: RatingTable, device: "torch.device") -> "TrainingRatings":
        """Return the ratings of a table; of few, all are trained on and watched."""
        held_out = folds_of(table, WATCHED_FOLDS) == 0
        if not held_out.any() or held_out.all():
            everything = np.arange(len(table))
            return cls(*_tensors(table, everything, device), _tensors(table, everything, device))
        rest, watched = np.flatnonzero(~held_out), np.flatnonzero(held_out)
        return cls(*_tensors(table, rest, device), _tensors(table, watched, device))


def chosen_device() -> "torch.device":
    """Return the device to train on.

    Raises:
        InputError: the environment names none that there is, or torch is not installed.
    """
    check_torch()
    import torch

    wanted = os.environ.get(DEVICE, "")
    if wanted not in ("", "cpu", "cuda"):
        raise InputError(f"{DEVICE} must be cpu or cuda, got {wanted!r}")
    if wanted == "cuda" and not torch.cuda.is_available():
        raise InputError(f"{DEVICE} is cuda, but torch finds no such device here")
    is_cuda = wanted != "cpu" and torch.cuda.is_available()
    return torch.device("cuda" if is_cuda else "cpu")


def check_torch() -> None:
    """Check that torch is installed.

    Raises:
        InputError: it is not.
    """
    if find_spec("torch") is None:
        raise InputError("this model needs torch: pip install -r requirements-models.txt")


def small_random(n: int, width: int, seed: int) -> Floats:
    """Return normal numbers (n, width) to begin with, of which a row's product is small."""
    rng = np.random.default_rng(seed)
    return rng.normal(scale=0.1 / np.sqrt(width), size=(n, width))


def _tensors(
    table: RatingTable, rows: Ints, device: "torch.device"
) -> tuple["torch.Tensor", "torch.Tensor", "torch.Tensor"]:
    import torch

    return (
        torch.as_tensor(table.users[rows].astype(np.int64), device=device),
        torch.as_tensor(table.movies[rows].astype(np.int64), device=device),
        torch.as_tensor(table.ratings[rows].astype(np.float64), device=device),
    )
