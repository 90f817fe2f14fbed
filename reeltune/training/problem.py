"""TrainingProblem that is trained for: a model, the losses of examples, and a validation metric."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reeltune.domain.direction import Direction
from reeltune.domain.errors import InputError
from reeltune.training.monitor import MonitorSettings

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, eq=False)
class TrainingProblem:
    """Model, and what it is trained for.

    The loss of a batch is the mean of its examples' losses, each of which depends on that example
    alone: so that a batch can be computed in pieces with the same gradients. The model is trained
    where its parameters are.
    """

    name: str  # by which a checkpoint is known to be of this problem
    model: "torch.nn.Module"
    n_examples: int
    losses: Callable[["torch.Tensor"], "torch.Tensor | tuple[torch.Tensor, torch.Tensor]"]
    """Losses (n,) of the examples at positions (n,), in training mode.

    With them may come the squared size (n,) of what each example uses of the parameters, which L2
    penalises; without it, L2 penalises all parameters.
    """
    validate: Callable[[], float]
    """Value of the validation metric, in evaluation mode and without gradients."""
    direction: Direction = Direction.MINIMIZE
    """Direction of that metric."""

    def __post_init__(self) -> None:
        if self.n_examples < 1:
            raise InputError(f"{self.name} needs at least one example to be trained on")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingSettings:
    """Settings of a training.

    The rate and the penalty are those of the first epoch; the monitor changes them.
    """

    max_epochs: int = 100
    batch_size: int = 1024
    learning_rate: float = 1e-3
    l2: float = 0.0
    seed: int = 0
    checkpoint_epochs: int = 1  # between two checkpoints
    rules: MonitorSettings = field(default_factory=MonitorSettings)

    def __post_init__(self) -> None:
        faults = [
            f"{name} must be {least} or more, got {value!r}"
            for name, value, least in (
                ("max_epochs", self.max_epochs, 1),
                ("batch_size", self.batch_size, 1),
                ("checkpoint_epochs", self.checkpoint_epochs, 1),
                ("l2", self.l2, 0),
            )
            if not value >= least
        ]
        if not self.learning_rate > 0:
            faults.append(f"learning_rate must be above 0, got {self.learning_rate!r}")
        if faults:
            raise InputError("; ".join(faults))
