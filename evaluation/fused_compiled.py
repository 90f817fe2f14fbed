"""How the fused engine's inner loops are compiled."""

from numba import njit

# No fastmath: it would change bits. NumPy's way with a division by 0 lets many be done at once.
compiled = njit(cache=True, nogil=True, error_model="numpy")
inlined = njit(cache=True, nogil=True, error_model="numpy", forceinline=True)
