"""How the fused engine's inner loops are compiled."""

from numba import njit

# No fastmath: it would change bits. NumPy's way with a division by 0 lets many be done at once.
allocating = njit(cache=True, nogil=True, error_model="numpy")

# What makes no array need not count who uses those that it is given: each call would count twice
# for each of its arrays, by an atomic operation.
compiled = njit(cache=True, nogil=True, error_model="numpy", _nrt=False)
inlined = njit(cache=True, nogil=True, error_model="numpy", _nrt=False, forceinline=True)
