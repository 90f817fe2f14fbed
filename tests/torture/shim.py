"""Arms the shim that stands between this process and the disk; see faults.c."""

import ctypes
import errno
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path

SOURCE = Path(__file__).with_name("faults.c")
OFF, COUNT, KILL, TEAR, FAIL, RECORD = range(6)
ERRORS = {"ENOSPC": errno.ENOSPC, "EIO": errno.EIO, "EROFS": errno.EROFS}


def build(directory: Path) -> Path:
    """Compile the shim; the library to preload."""
    library = directory / "faults.so"
    flags = ["-shared", "-fPIC", "-O1", "-Wall", "-Werror"]
    subprocess.run(["cc", *flags, "-o", library, SOURCE, "-ldl"], check=True)
    return library


@cache
def _library() -> ctypes.CDLL:
    library = ctypes.CDLL(None)
    library.faults_arm.argtypes = [
        ctypes.c_int,
        ctypes.c_char_p,
        ctypes.c_long,
        ctypes.c_int,
        ctypes.c_int,
        ctypes.c_int,
    ]
    library.faults_seen.restype = ctypes.c_long
    return library


def arm(
    mode: int, under: Path, number: int = 0, *, error: int = 0, always: bool = False, log: int = -1
) -> None:
    """From now on strike at change `number` of a file below `under`, or record all of them."""
    _library().faults_arm(mode, str(under).encode(), number, error, int(always), log)


def disarm() -> int:
    """Let everything pass again; how many changes there were."""
    seen = int(_library().faults_seen())
    _library().faults_arm(OFF, b"", 0, 0, 0, -1)
    return seen


def count(under: Path, work: Callable[[], object]) -> int:
    """How many changes `work` makes."""
    arm(COUNT, under)
    work()
    return disarm()
