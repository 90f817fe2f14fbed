"""Checkpoint of a training: one safetensors file, written whole or not at all."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from reeltune.domain.errors import InputError, StorageError
from reeltune.training.epoch import Epoch
from reeltune.training.monitor import MonitorState

CHECKPOINT_FORMAT = "reeltune checkpoint 1"
Tensors = dict[str, torch.Tensor]


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """State of a training after an epoch, from which it goes on to the same bits."""

    key: str  # of the problem and its settings
    epochs: tuple[Epoch, ...]
    monitor: MonitorState
    chunk_size: int
    model: Tensors
    optimizer: Tensors
    best: Tensors  # the model after its best epoch


def save_checkpoint(path: Path, found: Checkpoint) -> None:
    """Replace what is at `path` by a checkpoint, which is on the disk when this returns.

    Raises:
        StorageError: the disk does not take it.
    """
    tensors = {
        f"{part}.{name}": tensor.detach().cpu().contiguous()
        for part, group in _groups(found).items()
        for name, tensor in group.items()
    }
    progress = {
        "key": found.key,
        "epochs": [each.as_dict() for each in found.epochs],
        "monitor": asdict(found.monitor),
        "chunk_size": found.chunk_size,
    }
    data = save(tensors, {"format": CHECKPOINT_FORMAT, "progress": json.dumps(progress)})
    unfinished = path.with_name(f".{path.name}.unfinished")
    try:
        with unfinished.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        raise StorageError(f"checkpoint {str(path)!r} cannot be written: {error}") from error


def load_checkpoint(path: Path, key: str) -> Checkpoint | None:
    """Load the checkpoint at `path`; None where there is none.

    Raises:
        InputError: it is of another problem, or of other settings.
        StorageError: it cannot be read.
    """
    if not path.exists():
        return None
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        if metadata.get("format") != CHECKPOINT_FORMAT:
            raise ValueError("it was not written by this program")
        progress: dict[str, Any] = json.loads(metadata["progress"])
        if progress["key"] != key:
            raise InputError(
                f"checkpoint {str(path)!r} is of another training: remove it, or name another file"
            )
        return Checkpoint(
            key=key,
            epochs=tuple(_epoch(each) for each in progress["epochs"]),
            monitor=MonitorState(**progress["monitor"]),
            chunk_size=progress["chunk_size"],
            model=_group("model", tensors),
            optimizer=_group("optimizer", tensors),
            best=_group("best", tensors),
        )
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
        raise StorageError(
            f"checkpoint {str(path)!r} cannot be read ({error}): remove it to begin anew"
        ) from error


def copied(model: torch.nn.Module) -> Tensors:
    """Return a copy of a model's state."""
    return {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}


def optimizer_tensors(optimizer: torch.optim.Optimizer) -> Tensors:
    """Return a copy of what an optimizer remembers, by `parameter.name`."""
    return {
        f"{parameter}.{name}": tensor.detach().clone()
        for parameter, values in optimizer.state_dict()["state"].items()
        for name, tensor in values.items()
    }


def restore_optimizer(optimizer: torch.optim.Optimizer, tensors: Tensors) -> None:
    """Give an optimizer back what `optimizer_tensors` returned."""
    state: dict[int, Tensors] = {}
    for name, tensor in tensors.items():
        parameter, _, field = name.partition(".")
        state.setdefault(int(parameter), {})[field] = tensor.clone()
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": state, "param_groups": groups})


def _epoch(stored: Mapping[str, Any]) -> Epoch:
    return Epoch(**{**stored, "actions": tuple(stored["actions"])})


def _groups(found: Checkpoint) -> dict[str, Tensors]:
    return {"model": found.model, "optimizer": found.optimizer, "best": found.best}


def _group(part: str, tensors: Tensors) -> Tensors:
    prefix = f"{part}."
    return {n.removeprefix(prefix): t for n, t in tensors.items() if n.startswith(prefix)}
