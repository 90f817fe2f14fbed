"""Array types of signatures, and a hash of arrays."""

import hashlib
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Floats32 = NDArray[np.float32]
Ints = NDArray[np.int64]
Ints32 = NDArray[np.int32]
Bools = NDArray[np.bool_]
AnyArray = NDArray[np.generic]


def content_hash(arrays: Iterable[AnyArray]) -> str:
    """Return SHA-256 over dtype, shape and bytes of `arrays`, in order, as 64 hex digits.

    >>> content_hash([np.arange(3)]) == content_hash([np.arange(3)])
    True
    >>> content_hash([np.arange(3)]) == content_hash([np.arange(3.0)])
    False
    """
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(f"{array.dtype.str}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array).data.cast("B") if array.size else b"")
    return digest.hexdigest()
