"""Gradients of a batch, in as many pieces as the memory asks for."""

from dataclasses import dataclass

import torch

from reeltune.domain.errors import InputError
from reeltune.training.problem import TrainingProblem

_NO_MEMORY = ("can't allocate memory", "not enough memory", "out of memory")  # of the CPU


@dataclass(frozen=True, slots=True)
class BatchGradients:
    """Figures of a batch whose gradients lie at the parameters."""

    total_loss: float  # of all examples, without the penalty
    norm: float  # of all gradients together, the penalty's too
    chunk_size: int  # examples that were computed at a time


def compute_gradients(
    problem: TrainingProblem, positions: torch.Tensor, l2: float, chunk_size: int
) -> BatchGradients:
    """Compute the gradients of a batch, `chunk_size` examples at a time.

    Where the memory does not hold them, half as many, and the whole batch anew: the gradients of
    the pieces add up to those of the batch.

    Raises:
        InputError: one example alone needs more memory than there is.
    """
    while True:
        total = _accumulated(problem, positions, l2, chunk_size)
        if total is not None:
            return BatchGradients(total, gradient_norm(problem.model), chunk_size)
        if chunk_size == 1:
            raise InputError(f"{problem.name}: one example needs more memory than there is")
        chunk_size = (min(chunk_size, len(positions)) + 1) // 2
        problem.model.zero_grad(set_to_none=True)
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


def clip_gradients(model: torch.nn.Module, norm: float, clip_norm: float) -> None:
    """Scale all gradients, whose norm is known, to `clip_norm`."""
    for parameter in model.parameters():
        if parameter.grad is not None:
            parameter.grad.mul_(clip_norm / norm)


def gradient_norm(model: torch.nn.Module) -> float:
    """Return the Euclidean norm of all gradients together."""
    gradients = [each.grad for each in model.parameters() if each.grad is not None]
    if not gradients:
        return 0.0
    norms = [torch.linalg.vector_norm(each) for each in gradients]
    return float(torch.linalg.vector_norm(torch.stack(norms)))


def _accumulated(
    problem: TrainingProblem, positions: torch.Tensor, l2: float, chunk_size: int
) -> float | None:
    """Add up the gradients of all pieces; return the total loss, or None without memory for it."""
    try:
        problem.model.zero_grad(set_to_none=True)
        total = torch.zeros((), dtype=torch.float64, device=positions.device)
        has_own_sizes = False
        for start in range(0, len(positions), chunk_size):
            found = problem.losses(positions[start : start + chunk_size])
            losses, sizes = found if isinstance(found, tuple) else (found, None)
            has_own_sizes = sizes is not None
            penalised = losses.sum() if sizes is None else (losses + l2 * sizes).sum()
            (penalised / len(positions)).backward()  # type: ignore[no-untyped-call]
            total += losses.detach().sum()
        if l2 and not has_own_sizes:
            squares = sum((each**2).sum() for each in problem.model.parameters())
            (l2 * torch.as_tensor(squares)).backward()  # type: ignore[no-untyped-call]
        return float(total)
    except RuntimeError as error:
        if not _is_out_of_memory(error):
            raise
        return None


def _is_out_of_memory(error: RuntimeError) -> bool:
    if isinstance(error, torch.OutOfMemoryError):
        return True
    return any(phrase in str(error).lower() for phrase in _NO_MEMORY)
