"""Arrays of a safetensors file, mapped: nothing is read before it is used."""

import json
import math
import mmap
from pathlib import Path
from typing import Any

import numpy as np

from reeltune.domain.arrays import AnyArray
from reeltune.domain.errors import StorageError

_DTYPES = {
    "BOOL": "bool",
    "U8": "uint8",
    "U16": "<u2",
    "U32": "<u4",
    "U64": "<u8",
    "I8": "int8",
    "I16": "<i2",
    "I32": "<i4",
    "I64": "<i8",
    "F16": "<f2",
    "F32": "<f4",
    "F64": "<f8",
}
_MAX_HEADER = 100_000_000  # bytes, as safetensors itself allows
_LENGTH = 8  # bytes of the header's length


def map_arrays(path: Path, start: int = 0, size: int | None = None) -> dict[str, AnyArray]:
    """Return the arrays of the safetensors in a file, or in `size` bytes from `start` of it.

    They are views of the file, read-only. Source: the format as safetensors documents it.

    Raises:
        StorageError: the file cannot be read, or is no safetensors.
    """
    try:
        with path.open("rb") as file:
            mapped = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        content = mapped[start : len(mapped) if size is None else start + size]
        length = int.from_bytes(content[:_LENGTH], "little")
        if not 2 <= length <= min(_MAX_HEADER, len(content) - _LENGTH):
            raise ValueError("its header has no length that can be")
        header = json.loads(bytes(content[_LENGTH : _LENGTH + length]))
        data = content[_LENGTH + length :]
        return {name: _array(data, each) for name, each in header.items() if name != "__metadata__"}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise StorageError(f"{str(path)!r} has no arrays that can be read: {error}") from error


def _array(data: memoryview, described: dict[str, Any]) -> AnyArray:
    begin, end = described["data_offsets"]
    shape, dtype = tuple(described["shape"]), np.dtype(_DTYPES[described["dtype"]])
    if not 0 <= begin <= end <= len(data) or end - begin != math.prod(shape) * dtype.itemsize:
        raise ValueError("an array does not have the size that its header gives")
    found: AnyArray = np.frombuffer(data[begin:end], dtype=dtype).reshape(shape)
    return found
