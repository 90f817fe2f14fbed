"""Two-tower network in torch, in double precision: the training alone."""

from pathlib import Path

import numpy as np
import torch
from torch.nn.functional import embedding

from reeltune.components.biased_means import Biases
from reeltune.components.factorization_training import Factors, settings_for, stars_problem
from reeltune.components.torch_training import FIRST_SEED, MAX_EPOCHS, TrainingRatings, small_random
from reeltune.domain.arrays import Floats
from reeltune.training.loop import train_to_end


class Tower(torch.nn.Module):
    """Network from an embedding and features to a vector, with a bias of each row."""

    def __init__(self, features: Floats, biases: Floats, width: int, seed: int) -> None:
        super().__init__()
        n, n_features = features.shape
        rng = np.random.default_rng(seed)
        self.features: torch.Tensor
        self.register_buffer("features", torch.tensor(features, dtype=torch.float64))
        # The bias of a row is the first column.
        self.rows = _parameter(np.column_stack([biases, small_random(n, width, seed)]))
        self.hidden = _parameter(_uniform(rng, width + n_features, width))
        self.output = _parameter(_uniform(rng, width, width))

    def forward(self, rows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return of rows (n,) the biases (n,), the vectors (n, k), and the squares of both (n,)."""
        own = embedding(rows, self.rows)
        given = torch.cat([own[:, 1:], self.features[rows]], dim=1)
        vectors = torch.relu(given @ self.hidden) @ self.output
        return own[:, 0], vectors, (own**2).sum(dim=1) + (vectors**2).sum(dim=1)


class TwoTowerModel(torch.nn.Module):
    """Tower of users and tower of movies."""

    def __init__(self, mean: float, user: Tower, movie: Tower) -> None:
        super().__init__()
        self.mean, self.user, self.movie = mean, user, movie

    def forward(
        self, users: torch.Tensor, movies: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return stars (n,), and the squares of all that belongs to pairs (n,)."""
        user_biases, u, user_sizes = self.user(users)
        movie_biases, m, movie_sizes = self.movie(movies)
        stars = self.mean + user_biases + movie_biases + (u * m).sum(dim=1)
        return stars, user_sizes + movie_sizes


def trained_towers(
    data: TrainingRatings,
    biases: Biases,
    features: tuple[Floats, Floats],
    device: torch.device,
    *,
    width: int,
    rate: float,
    penalty: float,
    checkpoint: Path | None,
    max_epochs: int = MAX_EPOCHS,
) -> Factors:
    """Return biases and vectors of users and movies after training."""
    towers = (
        Tower(features[0], biases.users, width, FIRST_SEED),
        Tower(features[1], biases.movies, width, FIRST_SEED + 1),
    )
    model = TwoTowerModel(biases.mean, *towers).to(device)
    if len(data.stars):
        settings = settings_for(len(data.stars), rate, penalty, max_epochs)
        train_to_end(stars_problem("two-tower network", model, data), settings, checkpoint)
    user_biases, user_vectors = _finished(model.user, data.users, data.watched[0])
    movie_biases, movie_vectors = _finished(model.movie, data.movies, data.watched[1])
    return user_biases, movie_biases, user_vectors, movie_vectors


def _finished(tower: Tower, *rated: torch.Tensor) -> tuple[Floats, Floats]:
    """Return biases and vectors of all rows.

    Embeddings of what has no ratings are cleared: they are what they were at random.
    """
    with torch.no_grad():
        known = torch.zeros(len(tower.rows), dtype=torch.bool, device=tower.rows.device)
        for rows in rated:
            known[rows] = True
        tower.rows[~known] = 0.0
        biases, vectors, _ = tower(torch.arange(len(tower.rows), device=tower.rows.device))
    return _as_array(biases), _as_array(vectors)


def _as_array(tensor: torch.Tensor) -> Floats:
    return np.asarray(tensor.detach().cpu().numpy(), dtype=np.float64)


def _uniform(rng: np.random.Generator, n_in: int, n_out: int) -> Floats:
    """Return the weights of a layer. Source: Glorot and Bengio 2010."""
    limit = float(np.sqrt(6 / (n_in + n_out)))
    return rng.uniform(-limit, limit, size=(n_in, n_out))


def _parameter(values: Floats) -> torch.nn.Parameter:
    return torch.nn.Parameter(torch.tensor(values, dtype=torch.float64))
