"""Processes are killed, and disks fail, at every change that the work makes to a file."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.torture.nursery import Nursery
from tests.torture.scale import note, times

pytestmark = pytest.mark.slow
WORKLOADS = ("tune", "retrain", "promote", "import", "migrate", "backup", "restore", "remove")
# by fault, how often each workload is tried: in every run of the tests, and by `make torture`
COUNTS = {
    "kill": (5, 150),
    "kill at random": (2, 100),
    "tear": (2, 30),
    "power cut": (6, 150),
    "full once": (2, 30),
    "full for ever": (2, 30),
    "I/O error once": (2, 30),
    "I/O error for ever": (2, 30),
}


def rig(nursery: Nursery, scratch: Path, workload: str, seed: int) -> list[Any]:
    orders = [f"{fault}={times(*counts)}" for fault, counts in COUNTS.items()]
    words: list[str | Path] = ["-m", "tests.torture.rig", workload, scratch, str(seed), *orders]
    done = nursery.start(*words, said=scratch / "said")
    assert done.wait(3000) == 0, done.stderr[-2000:]
    reports = [json.loads(line) for line in done.stdout.splitlines()]
    for report in reports:
        note(**report | {"wrong": len(report["wrong"])})
    return reports


@pytest.mark.parametrize("workload", WORKLOADS)
def test_whatever_the_disk_does_nothing_acknowledged_is_lost_and_nothing_is_half_done(
    library: Path | None, nursery: Nursery, tmp_path: Path, workload: str
) -> None:
    if library is None:
        pytest.skip("needs Linux and a C compiler")
    reports = rig(nursery, tmp_path, workload, seed=int.from_bytes(os.urandom(3)))
    assert [report["fault"] for report in reports] == list(COUNTS)
    for report in reports:
        assert report["wrong"] == []
        assert report["tried"] == times(*COUNTS[report["fault"]])
        assert report["changes"] > 20 or report["fault"] == "kill at random"
    assert sum(report["struck"] for report in reports) > sum(r["tried"] for r in reports) / 2
