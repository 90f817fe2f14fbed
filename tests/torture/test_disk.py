"""Processes are killed, and disks fail, at every change that the work makes to a file."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.commands import ROOT, command, environment
from tests.torture.scale import note, times
from tests.torture.shim import build

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        sys.platform != "linux" or shutil.which("cc") is None, reason="needs Linux and a C compiler"
    ),
]
WORKLOADS = ("tune", "retrain", "promote", "import", "migrate", "backup", "restore", "remove")
# by fault, how often each workload is tried: in every run of the tests, and by `make torture`
COUNTS = {
    "kill": (6, 150),
    "tear": (3, 30),
    "power cut": (8, 150),
    "full once": (3, 30),
    "full for ever": (3, 30),
    "I/O error once": (3, 30),
    "I/O error for ever": (3, 30),
}


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("shim"))


def rig(library: Path, scratch: Path, workload: str, seed: int) -> list[Any]:
    orders = [f"{fault}={times(*counts)}" for fault, counts in COUNTS.items()]
    done = subprocess.run(
        command("-m", "tests.torture.rig", workload, scratch, str(seed), *orders),
        cwd=ROOT,
        env=environment() | {"LD_PRELOAD": str(library), "OPENBLAS_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        timeout=3000,
    )
    assert done.returncode == 0
    reports = [json.loads(line) for line in done.stdout.splitlines()]
    for report in reports:
        note(**report | {"wrong": len(report["wrong"])})
    return reports


@pytest.mark.parametrize("workload", WORKLOADS)
def test_whatever_the_disk_does_nothing_acknowledged_is_lost_and_nothing_is_half_done(
    library: Path, tmp_path: Path, workload: str
) -> None:
    reports = rig(library, tmp_path, workload, seed=int.from_bytes(os.urandom(3)))
    assert [report["fault"] for report in reports] == list(COUNTS)
    for report in reports:
        assert report["wrong"] == []
        assert report["tried"] == times(*COUNTS[report["fault"]])
        assert report["changes"] > 20
    assert sum(report["struck"] for report in reports) > sum(r["tried"] for r in reports) / 2
