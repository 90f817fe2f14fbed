"""Hash of ids: an order of users and movies that no order of their ids decides."""

import numpy as np
from numpy.typing import NDArray


def mixed(z: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return the SplitMix64 hash of each number, (n,)."""
    z = z + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))
