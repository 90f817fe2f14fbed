"""Which code and which machine a result came from."""

import hashlib
import platform
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path

_ROOT = Path(__file__).resolve().parent.parent
_DECIDING = ("model.py", "components/*.py", "domain/*.py", "evaluation/*.py")
_PACKAGES = ("numpy", "scipy", "numba")


@lru_cache(maxsize=1)
def code_version() -> str:
    """Hash of the sources that decide what a configuration is worth, 12 hex digits."""
    digest = hashlib.sha256()
    for path in sorted(path for pattern in _DECIDING for path in _ROOT.glob(pattern)):
        digest.update(path.relative_to(_ROOT).as_posix().encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def environment() -> dict[str, str]:
    """Versions of what computes, and the kind of machine."""
    packages = {name: version(name) for name in _PACKAGES}
    return {"python": platform.python_version(), "machine": platform.machine()} | packages
