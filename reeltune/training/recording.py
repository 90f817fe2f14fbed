"""Recording of all epochs of a fit, whatever it trains."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass

from reeltune.training.epoch import Epoch
from reeltune.training.listeners import listening


@dataclass(frozen=True, slots=True)
class RecordedEpoch:
    """Epoch of one of the trainings of a fit."""

    training: int  # number of the training, 1 and up
    name: str  # of what is trained
    epoch: Epoch


@contextmanager
def recording() -> Generator[list[RecordedEpoch]]:
    """Collect the epochs of all trainings within the block, in their order."""
    recorded: list[RecordedEpoch] = []

    def listener(name: str, epoch: Epoch) -> bool:
        last = recorded[-1].training if recorded else 0
        recorded.append(RecordedEpoch(last + (epoch.number == 1), name, epoch))
        return False

    with listening(listener):
        yield recorded
