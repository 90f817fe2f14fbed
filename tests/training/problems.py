"""Small problems to train for, with faults that really happen."""

from collections.abc import Callable

import torch

from reeltune.training.problem import TrainingProblem

Losses = Callable[[torch.Tensor], torch.Tensor]


def line(n: int = 64, noise: float = 0.0, seed: int = 0) -> TrainingProblem:
    """Fit a line to n points, measured on others."""
    generator = torch.Generator().manual_seed(seed)
    x, test_x = (torch.randn(n, 3, generator=generator, dtype=torch.float64) for _ in range(2))
    slope = torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64)
    y = x @ slope + noise * torch.randn(n, generator=generator, dtype=torch.float64)
    model = torch.nn.Linear(3, 1, dtype=torch.float64)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
    return TrainingProblem(
        name="line",
        model=model,
        n_examples=n,
        losses=lambda some: (model(x[some])[:, 0] - y[some]) ** 2,
        validate=lambda: float(((model(test_x)[:, 0] - test_x @ slope) ** 2).mean()),
    )


def memorised(n: int = 20, width: int = 64) -> TrainingProblem:
    """Fit noise with far more parameters than points: validation gets worse as training gains."""
    generator = torch.Generator().manual_seed(0)
    x, test_x = (torch.randn(n, 8, generator=generator, dtype=torch.float64) for _ in range(2))
    y, test_y = (torch.randn(n, generator=generator, dtype=torch.float64) for _ in range(2))
    model = torch.nn.Sequential(
        torch.nn.Linear(8, width, dtype=torch.float64),
        torch.nn.Tanh(),
        torch.nn.Linear(width, 1, dtype=torch.float64),
    )
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) / 4)
    return TrainingProblem(
        name="memorised",
        model=model,
        n_examples=n,
        losses=lambda some: (model(x[some])[:, 0] - y[some]) ** 2,
        validate=lambda: float(((model(test_x)[:, 0] - test_y) ** 2).mean()),
    )


def changed(problem: TrainingProblem, losses: Losses) -> TrainingProblem:
    """The same problem with other losses."""
    return TrainingProblem(
        name=problem.name,
        model=problem.model,
        n_examples=problem.n_examples,
        losses=losses,
        validate=problem.validate,
        direction=problem.direction,
    )


def losses_of(problem: TrainingProblem, some: torch.Tensor) -> torch.Tensor:
    """The losses of examples of a problem that says nothing of their sizes."""
    found = problem.losses(some)
    assert isinstance(found, torch.Tensor)
    return found
