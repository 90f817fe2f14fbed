"""Matrix factorization in torch, in double precision: the training alone."""

from pathlib import Path

import numpy as np
import torch
from torch.nn.functional import embedding

from reeltune.components.torch_training import MAX_EPOCHS, TrainingRatings
from reeltune.domain.arrays import Floats
from reeltune.training.loop import train_to_end
from reeltune.training.problem import TrainingProblem, TrainingSettings

N_BATCHES, MIN_BATCH, MAX_BATCH = 128, 256, 8192
Factors = tuple[Floats, Floats, Floats, Floats]  # biases (U,), (M,); vectors (U, k), (M, k)


class FactorModel(torch.nn.Module):
    """Biases and vectors; the bias of a row is the first column."""

    def __init__(self, mean: float, first: Factors, device: torch.device) -> None:
        super().__init__()
        self.mean = mean
        self.users = _rows(first[0], first[2], device)
        self.movies = _rows(first[1], first[3], device)

    def forward(
        self, users: torch.Tensor, movies: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return stars (n,), and the squares of all that belongs to pairs (n,)."""
        u, m = embedding(users, self.users), embedding(movies, self.movies)
        products = (u[:, 1:] * m[:, 1:]).sum(dim=1)
        stars = self.mean + u[:, 0] + m[:, 0] + products
        return stars, (u**2).sum(dim=1) + (m**2).sum(dim=1)


def trained_factors(
    data: TrainingRatings,
    mean: float,
    first: Factors,
    device: torch.device,
    *,
    rate: float,
    penalty: float,
    checkpoint: Path | None,
    max_epochs: int = MAX_EPOCHS,
) -> Factors:
    """Return the factors after training from `first`."""
    model = FactorModel(mean, first, device)
    problem = stars_problem("matrix factorization", model, data)
    settings = settings_for(len(data.stars), rate, penalty, max_epochs)
    train_to_end(problem, settings, checkpoint)
    u, m = (each.detach().cpu().numpy() for each in (model.users, model.movies))
    return u[:, 0], m[:, 0], u[:, 1:], m[:, 1:]


def settings_for(n: int, rate: float, penalty: float, max_epochs: int) -> TrainingSettings:
    """Return the settings for n ratings: about 128 batches an epoch, of 256 to 8,192 ratings."""
    batch_size = min(MAX_BATCH, max(MIN_BATCH, n // N_BATCHES))
    return TrainingSettings(
        max_epochs=max_epochs, batch_size=batch_size, learning_rate=rate, l2=penalty
    )


def stars_problem(name: str, model: torch.nn.Module, data: TrainingRatings) -> TrainingProblem:
    """Return the problem of predicting stars with the least squared error."""
    users, movies, stars = data.watched

    def losses(some: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        found, sizes = model(data.users[some], data.movies[some])
        return (found - data.stars[some]) ** 2, sizes

    def error() -> float:
        return float(torch.sqrt(((model(users, movies)[0] - stars) ** 2).mean()))

    return TrainingProblem(name, model, len(data.stars), losses, error)


def _rows(biases: Floats, vectors: Floats, device: torch.device) -> torch.nn.Parameter:
    both = np.column_stack([biases, vectors])
    return torch.nn.Parameter(torch.tensor(both, dtype=torch.float64, device=device))
