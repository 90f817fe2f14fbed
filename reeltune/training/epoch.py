"""Epoch of a training: its figures, for displays, the database and pruners."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Epoch:
    """Figures of one pass over the training examples, and what the monitor did about them."""

    number: int  # 1 and up
    loss: float  # mean over the examples, without the penalty; NaN where it diverged
    validation: float  # NaN where it diverged
    is_best: bool  # so far
    learning_rate: float  # during this epoch
    l2: float
    gradient_norm: float  # median over the steps, before clipping
    max_gradient_norm: float
    seconds: float
    memory_bytes: int  # most that was used: of the device, or of the process where that is the CPU
    chunk_size: int  # examples whose gradients were computed at a time
    actions: tuple[str, ...] = ()  # names of rules of the monitor that applied

    def as_dict(self) -> dict[str, Any]:
        """Return the fields, for JSON."""
        return asdict(self)
