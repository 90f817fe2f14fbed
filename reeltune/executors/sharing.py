"""Shared memory: one value for many worker processes, without copies of its arrays."""

import io
import mmap
import os
import pickle
import tempfile
from dataclasses import dataclass
from multiprocessing.reduction import DupFd
from typing import Any

import numpy as np

_ALIGNMENT = 64  # bytes; what vector instructions like


class Shared:
    """Value written once to a file without a name, for workers to map read-only into memory.

    Nothing of the file is left when the last process that has it open ends, however it ends.
    Picklable only on the way to a process being spawned, where it arrives as a `Mapped`.
    """

    def __init__(self, value: object) -> None:
        buffers: list[pickle.PickleBuffer] = []
        stream = io.BytesIO()
        _Pickler(stream, protocol=5, buffer_callback=buffers.append).dump(value)
        self._file = tempfile.TemporaryFile(prefix="reeltune-")  # noqa: SIM115 closed by close
        try:
            parts = [stream.getbuffer(), *(buffer.raw() for buffer in buffers)]
            self._spans = [self._write(part) for part in parts]
            self._file.flush()
        except BaseException:
            self._file.close()
            raise

    def _write(self, part: memoryview) -> tuple[int, int]:
        offset = self._file.seek(-(-self._file.tell() // _ALIGNMENT) * _ALIGNMENT)
        self._file.write(part)
        return offset, part.nbytes

    def close(self) -> None:
        """Close the file; processes that have it mapped keep it."""
        self._file.close()

    def __reduce__(self) -> tuple[Any, ...]:
        return Mapped, (DupFd(self._file.fileno()), self._spans)


@dataclass(frozen=True)
class Mapped:
    """Value of a `Shared`, in the worker."""

    file: Any  # what DupFd gives: its detach() is the file descriptor here
    spans: list[tuple[int, int]]  # offset and length in bytes: the pickle, then each buffer

    def load(self) -> Any:
        """Return the value; its arrays are read-only views of the file."""
        descriptor = self.file.detach()
        try:
            content = memoryview(mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ))
        finally:
            os.close(descriptor)
        first, *rest = (content[offset : offset + length] for offset, length in self.spans)
        return pickle.loads(first, buffers=rest)  # noqa: S301 our own parent wrote it


class _Pickler(pickle.Pickler):
    """Pickler that keeps out of the pickle arrays NumPy would put in: strided ones, memory maps."""

    def reducer_override(self, value: object) -> Any:
        if isinstance(value, np.memmap) or (type(value) is np.ndarray and _is_strided(value)):
            return np.array(value, order="C", subok=False).__reduce_ex__(5)
        return NotImplemented


def _is_strided(array: np.ndarray[Any, Any]) -> bool:
    return not (array.flags.forc or array.dtype.hasobject)
