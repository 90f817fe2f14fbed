"""Training loop: epochs of mini-batches by Adam, watched, checkpointed and resumable.

Source of the optimizer: Kingma and Ba 2015, "Adam: a method for stochastic optimization".
"""

import hashlib
import math
import os
import resource
import sys
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median
from typing import Literal

import torch

from reeltune.domain.progress import report_progress
from reeltune.training.checkpoint import (
    Checkpoint,
    Tensors,
    copied,
    load_checkpoint,
    optimizer_tensors,
    restore_optimizer,
    save_checkpoint,
)
from reeltune.training.epoch import Epoch
from reeltune.training.gradients import BatchGradients, clip_gradients, compute_gradients
from reeltune.training.listeners import listening, tell_listeners
from reeltune.training.monitor import (
    DIVERGED,
    EXPLODING,
    OUT_OF_MEMORY,
    Monitor,
    MonitorState,
)
from reeltune.training.problem import TrainingProblem, TrainingSettings

EndReason = Literal["no gain", "all epochs", "diverged", "stopped"]
_MAX_SEED = 2**63 - 1


@dataclass(frozen=True, slots=True)
class TrainingEnd:
    """End of a training; the model has the state of its best epoch."""

    reason: EndReason
    best_epoch: int  # 0: no epoch was finite, and the model is what it was at first
    best: float  # value of the validation metric then


def train_to_end(
    problem: TrainingProblem,
    settings: TrainingSettings,
    checkpoint: Path | None = None,
    stops: Callable[[Epoch], bool] | None = None,
) -> TrainingEnd:
    """Train to the end, or until `stops` says so of an epoch; see `train`."""
    with listening(lambda _name, epoch: stops is not None and stops(epoch)):
        epochs = train(problem, settings, checkpoint)
        while True:
            try:
                next(epochs)
            except StopIteration as end:
                found: TrainingEnd = end.value
                return found


def train(
    problem: TrainingProblem, settings: TrainingSettings, checkpoint: Path | None = None
) -> Generator[Epoch, None, TrainingEnd]:
    """Yield each epoch when it is over; whenever this ends, the model is that of the best epoch.

    With `checkpoint`, a file, the training goes on from there if it was killed, to the same bits,
    and yields the earlier epochs again first. Whoever has the result removes the file.

    Raises:
        InputError: the checkpoint is of another training, or one example needs too much memory.
        StorageError: the checkpoint cannot be read or written.
    """
    training = _Training(problem, settings, checkpoint)
    try:
        is_stopped = False
        for epoch in tuple(training.epochs):
            yield epoch
            is_stopped = tell_listeners(problem.name, epoch) or is_stopped
        while not is_stopped and training.ended() is None:
            epoch = training.next_epoch()
            report_progress(f"training: {problem.name}", epoch.number / settings.max_epochs)
            yield epoch
            is_stopped = tell_listeners(problem.name, epoch)
        report_progress(f"training: {problem.name}", 1.0)
        reason = training.ended() or "stopped"
        return TrainingEnd(reason, training.monitor.state.best_epoch, training.monitor.state.best)
    finally:
        problem.model.load_state_dict(training.best)


class _Training:
    """Training under way."""

    def __init__(
        self, problem: TrainingProblem, settings: TrainingSettings, checkpoint: Path | None
    ) -> None:
        self.problem, self.settings, self.path = problem, settings, checkpoint
        self.device = next(problem.model.parameters()).device
        self.optimizer = torch.optim.Adam(problem.model.parameters(), lr=settings.learning_rate)
        self.chunk_size = settings.batch_size
        self.epochs: list[Epoch] = []
        self.has_diverged = False
        self.key = training_key(problem, settings)
        state = MonitorState(settings.learning_rate, settings.l2, settings.learning_rate)
        found = None if checkpoint is None else load_checkpoint(checkpoint, self.key)
        if found is not None:
            state, self.chunk_size = found.monitor, found.chunk_size
            self.epochs = list(found.epochs)
            problem.model.load_state_dict(found.model)
            restore_optimizer(self.optimizer, found.optimizer)
        self.monitor = Monitor(settings.rules, state, problem.direction)
        self.good = copied(problem.model), optimizer_tensors(self.optimizer)
        on_device = {} if found is None else {n: t.to(self.device) for n, t in found.best.items()}
        self.best: Tensors = on_device or self.good[0]

    def ended(self) -> EndReason | None:
        """Return why no more epochs follow; None if more do."""
        if self.has_diverged:
            return "diverged"
        if self.epochs and self.monitor.stops(self.epochs[-1].number):
            return "no gain"
        return "all epochs" if len(self.epochs) >= self.settings.max_epochs else None

    def next_epoch(self) -> Epoch:
        """Train for an epoch, apply the monitor's rules, and keep a checkpoint."""
        number = len(self.epochs) + 1
        state, began, chunk_size = self.monitor.state, time.perf_counter(), self.chunk_size
        rate, l2, was_clipping = state.learning_rate, state.l2, state.clip_norm
        with _reproducible(_mixed(self.settings.seed, number), self.device):
            losses, norms = self._steps(number)
            validation = self._validated() if math.isfinite(losses) else math.nan
        actions = [OUT_OF_MEMORY] if self.chunk_size < chunk_size else []
        is_best = False
        if math.isfinite(validation):
            if state.clip_norm != was_clipping:
                actions.append(EXPLODING)
            is_best, others = self.monitor.observe(number, losses, validation, median(norms))
            actions += others
            self.good = copied(self.problem.model), optimizer_tensors(self.optimizer)
            self.best = self.good[0] if is_best else self.best
        else:
            actions.append(DIVERGED)
            self._restore()
        epoch = Epoch(
            number=number,
            loss=losses,
            validation=validation,
            is_best=is_best,
            learning_rate=rate,
            l2=l2,
            gradient_norm=median(norms),
            max_gradient_norm=max(norms),
            seconds=time.perf_counter() - began,
            memory_bytes=used_memory(self.device),
            chunk_size=self.chunk_size,
            actions=tuple(actions),
        )
        self.epochs.append(epoch)
        self._keep(number)
        return epoch

    def _steps(self, number: int) -> tuple[float, list[float]]:
        """Take the steps of an epoch; return the mean loss, NaN where one is not, and the norms."""
        for group in self.optimizer.param_groups:
            group["lr"] = self.monitor.state.learning_rate
        self.problem.model.train()
        total, norms = 0.0, []
        for positions in self._batches(number):
            step = compute_gradients(
                self.problem, positions, self.monitor.state.l2, self.chunk_size
            )
            self.chunk_size = step.chunk_size
            norms.append(step.norm)
            if not (math.isfinite(step.norm) and math.isfinite(step.total_loss)):
                return math.nan, norms
            self._take(step)
            total += step.total_loss
        return total / self.problem.n_examples, norms

    def _take(self, step: BatchGradients) -> None:
        clip_norm = self.monitor.clip_for(step.norm)
        if clip_norm is not None:
            clip_gradients(self.problem.model, step.norm, clip_norm)
        self.optimizer.step()

    def _batches(self, number: int) -> Iterator[torch.Tensor]:
        """Yield positions of the examples, in an order that the seed and the epoch decide."""
        generator = torch.Generator().manual_seed(_mixed(self.settings.seed, number))
        order = torch.randperm(self.problem.n_examples, generator=generator)
        on_device = order.to(self.device)
        for start in range(0, len(order), self.settings.batch_size):
            yield on_device[start : start + self.settings.batch_size]

    def _validated(self) -> float:
        self.problem.model.eval()
        with torch.no_grad():
            return float(self.problem.validate())

    def _restore(self) -> None:
        """Go back to the end of the latest epoch that was finite."""
        self.has_diverged = not self.monitor.diverged()
        model, optimizer = self.good
        self.problem.model.load_state_dict(model)
        self.optimizer.state.clear()
        restore_optimizer(self.optimizer, optimizer)

    def _keep(self, number: int) -> None:
        """Write a checkpoint, if it is time for one or training is over."""
        is_due = number % self.settings.checkpoint_epochs == 0 or self.ended() is not None
        if self.path is None or not is_due:
            return
        found = Checkpoint(
            key=self.key,
            epochs=tuple(self.epochs),
            monitor=self.monitor.state,
            chunk_size=self.chunk_size,
            model=self.problem.model.state_dict(),
            optimizer=optimizer_tensors(self.optimizer),
            best=self.best,
        )
        save_checkpoint(self.path, found)


def training_key(problem: TrainingProblem, settings: TrainingSettings) -> str:
    """Return a hash of what a training depends on, but for its data: 64 hex digits.

    Trainings that differ in their number of epochs alone have the same.
    """
    shapes = [(n, tuple(t.shape), str(t.dtype)) for n, t in problem.model.state_dict().items()]
    fixed = asdict(replace(settings, max_epochs=1, checkpoint_epochs=1))
    identity = repr((problem.name, problem.n_examples, problem.direction.value, shapes, fixed))
    return hashlib.sha256(identity.encode()).hexdigest()


def used_memory(device: torch.device) -> int:
    """Return the most bytes that were used: of a CUDA device, else of this process."""
    if device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(device))
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _mixed(seed: int, number: int) -> int:
    """Return a seed for an epoch."""
    digest = hashlib.sha256(f"{seed} {number}".encode()).digest()
    return int.from_bytes(digest[:8], "little") & _MAX_SEED


@contextmanager
def _reproducible(seed: int, device: torch.device) -> Generator[None]:
    """Run a block with a seed and deterministic algorithms, and leave torch as it was."""
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # else cuBLAS is not deterministic
    was = torch.are_deterministic_algorithms_enabled()
    n_threads = torch.get_num_threads()
    devices = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices):
        torch.manual_seed(seed)
        torch.use_deterministic_algorithms(True)
        torch.set_num_threads(1)  # sums in one order, on any number of cores
        try:
            yield
        finally:
            torch.set_num_threads(n_threads)
            torch.use_deterministic_algorithms(was)
