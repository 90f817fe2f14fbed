"""How often things are tried: a few times in every run of the tests, in full by `make torture`."""

import json
import os
from pathlib import Path
from typing import Any

FULL = bool(os.environ.get("REELTUNE_TORTURE"))
_FIGURES = os.environ.get("REELTUNE_FIGURES")


def times(quick: int, full: int) -> int:
    """How often to try something this time."""
    return full if FULL else quick


def note(**figures: Any) -> None:
    """Add what was measured to the file that REELTUNE_FIGURES names, if it names one."""
    if _FIGURES:
        with Path(_FIGURES).open("a", encoding="utf-8") as file:
            file.write(json.dumps(figures) + "\n")
