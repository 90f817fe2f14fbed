"""Loads the compiled scoring of one user, and calls it."""

from functools import lru_cache
from pathlib import Path
from types import ModuleType

import numpy as np

from reeltune.domain.arrays import Floats, Ints, Ints32
from reeltune.engine.arrays import Bytes
from reeltune.serving.arrays import N_PERSONAL, ServingIndex, UserProfile, Workspace
from reeltune.storage.compiled_code import stored_code


@lru_cache(maxsize=1)
def _kernel() -> ModuleType:
    """Return the compiled module; the compiler is imported at the first call only."""
    import reeltune.components as components
    import reeltune.engine as engine

    here = Path(__file__).parent
    sources = [
        here / "kernel.py",
        here / "arrays.py",
        Path(str(engine.__file__)).with_name("compile.py"),
        *(
            Path(str(components.__file__)).with_name(f"{name}.py")
            for name in ("cast", "genre", "damped_mean")
        ),
    ]
    with stored_code(
        "reeltune.serving.kernel",
        sources,
        name="serving",
        main="recommend_user",
        message="compiling the scoring for this machine, once: some seconds",
    ):
        from reeltune.serving import kernel
    return kernel


def best_of_user(
    index: ServingIndex, profile: UserProfile, left_out: Bytes, work: Workspace, k: int
) -> tuple[Ints32, Floats, Floats]:
    """Return the best movies of a user, (n,) positions, with n at most `k`, and their scores (n,).

    Also what the personal components give each, (n, N_PERSONAL).
    """
    top, scores = np.empty(k, dtype=np.int32), np.empty(k)
    preferences = np.empty((k, N_PERSONAL))
    n = _kernel().recommend_user(index, profile, left_out, work, top, scores, preferences)
    return top[:n], scores[:n], preferences[:n]


def best_of_scores(scores: Floats, places: Ints, left_out: Bytes, k: int) -> tuple[Ints32, Floats]:
    """Return the positions of the `k` best of `scores` (M,) in order, and their scores.

    Movies where `left_out` is 1 stay out; of equal scores the lower of `places` comes first.
    """
    top, top_scores = np.empty(k, dtype=np.int32), np.empty(k)
    n = _kernel().select_best(scores, places, left_out, top, top_scores)
    return top[:n], top_scores[:n]
