"""Loader of the compiled loops, which imports the compiler only when they are first used."""

from contextlib import AbstractContextManager
from functools import cache
from pathlib import Path
from typing import Any

from reeltune.storage.compiled_code import stored_code


@cache
def plane_loops() -> Any:
    """Return the compiled loops over planes of scores."""
    with _stored("plane_loops", "add_plane"):
        from reeltune.components import plane_loops as loops
    return loops


@cache
def product_loops() -> Any:
    """Return the compiled products of matrices."""
    with _stored("product_loops", "times_columns"):
        from reeltune.components import product_loops as loops
    return loops


@cache
def loss_loops() -> Any:
    """Return the compiled losses."""
    with _stored("loss_loops", "list_loss"):
        from reeltune.components import loss_loops as loops
    return loops


def _stored(module: str, main: str) -> AbstractContextManager[None]:
    return stored_code(
        f"reeltune.components.{module}",
        [Path(__file__).with_name(f"{module}.py")],
        name=module.replace("_", "-"),
        main=main,
        message=f"compiling {module} of the hybrid for this machine, once: a few seconds",
    )
