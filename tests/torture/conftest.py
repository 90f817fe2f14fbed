"""What tests of faults share: the shim, a process that starts others, and what was done before.

In full they take a while: one that has passed, with these very sources, is not run again as long
as the file with the figures is there.
"""

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.torture.nursery import Nursery
from tests.torture.scale import FULL, note, noted
from tests.torture.shim import build


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what was tried in full before."""
    passed = {line["test"] for line in noted() if "test" in line} if FULL else set()
    for item in items:
        if item.nodeid in passed:
            item.add_marker(pytest.mark.skip(reason="passed before, with the same code"))


@pytest.hookimpl(trylast=True)
def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Keep that a test passed, and how long it took."""
    if FULL and report.when == "call" and report.passed and "PYTEST_XDIST_WORKER" not in os.environ:
        note(test=report.nodeid, seconds=round(report.duration, 1))


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
