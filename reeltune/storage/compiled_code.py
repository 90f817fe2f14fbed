"""Compiled code on disk, made once for each machine and each state of its sources."""

import hashlib
import logging
import os
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

_loading = threading.Lock()
_log = logging.getLogger(__name__)


@contextmanager
def stored_code(
    module: str, sources: Iterable[Path], *, name: str, main: str, message: str
) -> Iterator[None]:
    """Return a context in which to import `module`, whose compiled code is stored on disk.

    In a directory named after a hash of all its sources: the compiler alone would look at the date
    of one file, and miss a constant that another one declares. One thread imports at a time.

    Args:
        module: dotted name.
        sources: files that the code is made of.
        name: what the directory's name begins with.
        main: function of the module without whose stored code `message` is logged.
        message: what is about to be compiled, and for how long.
    """
    with _loading:
        if module not in sys.modules:
            _keep_code_in(_code_directory(name, sources), main, message)
        yield


def _code_directory(name: str, sources: Iterable[Path]) -> Path:
    digest = hashlib.sha256()
    for path in sorted(sources):
        digest.update(path.read_bytes())
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return caches / "reeltune" / f"{name}-{digest.hexdigest()[:16]}"


def _keep_code_in(directory: Path, main: str, message: str) -> None:
    """Let the compiler store its results in `directory`; log if it has to compile first."""
    import numba

    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        _log.warning("compiled code cannot be stored in %s: %s", directory, error)
    else:
        numba.config.CACHE_DIR = str(directory)  # type: ignore[attr-defined]
    if not any(directory.glob(f"**/*{main}*.nbc")):
        _log.warning("%s", message)
