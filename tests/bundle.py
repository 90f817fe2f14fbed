"""Where the bundle of real ratings lies: MovieLens ml-latest-small with TMDB metadata."""

import os
from pathlib import Path

import pytest

_LAST_RESORT = Path(__file__).parents[2] / "shared" / "data"


def bundle() -> Path:
    """The bundle's directory; skips the test where there is none.

    The environment's REELTUNE_DATA names the directory itself or the one above it.
    """
    start = Path(os.environ.get("REELTUNE_DATA") or _LAST_RESORT)
    for directory in (start / "movielens-tmdb", start):
        if (directory / "ratings.csv.gz").is_file():
            return directory
    pytest.skip(f"no MovieLens bundle in {start}: set REELTUNE_DATA to where movielens-tmdb lies")
