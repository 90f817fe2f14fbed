"""How often things are tried: a few times in every run of the tests, in full by `make torture`."""

import hashlib
import json
import os
import random
from functools import cache
from pathlib import Path
from typing import Any

from tests.running import ROOT

FULL = bool(os.environ.get("REELTUNE_TORTURE"))
_FIGURES = os.environ.get("REELTUNE_FIGURES")
_SOURCES = ("*.py", "*.sql", "*.c")


def times(quick: int, full: int) -> int:
    """How often to try something this time."""
    return full if FULL else quick


def new_seed() -> int:
    """Seed of what is made up: a new one in full, else the same each time, so that a run of the
    checks fails by what was changed and never by chance."""
    return random.randrange(2**32) if FULL else 20_240_229


def note(**figures: Any) -> None:
    """Add what was measured to the file that REELTUNE_FIGURES names, if it names one."""
    if _FIGURES:
        with Path(_FIGURES).open("a", encoding="utf-8") as file:
            file.write(json.dumps(figures | {"code": code()}) + "\n")


def noted() -> list[dict[str, Any]]:
    """What was measured before, of the code as it is now."""
    if not _FIGURES or not Path(_FIGURES).exists():
        return []
    lines = map(json.loads, Path(_FIGURES).read_text(encoding="utf-8").splitlines())
    return [line for line in lines if line.get("code") == code()]


@cache
def code() -> str:
    """Hash of all sources, tests among them."""
    digest = hashlib.sha256()
    for path in sorted(p for pattern in _SOURCES for p in ROOT.rglob(pattern)):
        parts = path.relative_to(ROOT).parts
        if not any(part.startswith(".") for part in parts):
            digest.update("/".join(parts).encode() + path.read_bytes())
    return digest.hexdigest()[:12]
