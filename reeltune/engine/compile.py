"""Compilers of the engine's inner loops."""

from collections.abc import Callable
from typing import Any, TypeVar

import numba
from numba.extending import intrinsic

Function = TypeVar("Function", bound=Callable[..., Any])

# No fastmath: it would change bits. NumPy's way with a division by 0 lets many be done at once.
_HOW = {"cache": True, "nogil": True, "error_model": "numpy"}
_njit: Any = numba.njit


def allocating(function: Function) -> Function:
    """Compile a function that makes arrays."""
    compiled_function: Function = _njit(**_HOW)(function)
    return compiled_function


def compiled(function: Function) -> Function:
    """Compile a function that makes no arrays, so that it need not count references to its own.

    Each call would count twice for each of its arrays, by an atomic operation.
    """
    compiled_function: Function = _njit(**_HOW, _nrt=False)(function)
    return compiled_function


def inlined(function: Function) -> Function:
    """Compile a function into each place that calls it."""
    compiled_function: Function = _njit(**_HOW, _nrt=False, forceinline=True)(function)
    return compiled_function


def vector_code(writer: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function for compiled code, of which `writer` gives the type and writes the code.

    The writer's arguments are the typing context and then those of the function, as types.
    """
    return intrinsic(writer)
