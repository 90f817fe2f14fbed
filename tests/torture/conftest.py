"""What tests of faults share: the shim, and a process that starts others."""

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.torture.nursery import Nursery
from tests.torture.shim import build


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path | None:
    """The shim between programs and the disk; None where it cannot be built."""
    if sys.platform != "linux" or shutil.which("cc") is None:
        return None
    return build(tmp_path_factory.mktemp("shim"))


@pytest.fixture(scope="session")
def nursery(library: Path | None) -> Iterator[Nursery]:
    """Starts commands without a second of imports each, with the shim where there is one."""
    with Nursery(library) as nursery:
        yield nursery
