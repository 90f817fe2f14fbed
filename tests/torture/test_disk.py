"""Processes are killed, and disks fail, at every change that the work makes to a file."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.torture.nursery import Nursery
from tests.torture.scale import new_seed, note, times

pytestmark = pytest.mark.slow
WORKLOADS = (
    "tune",
    "retrain",
    "promote",
    "import",
    "migrate",
    "backup",
    "restore",
    "remove",
    "erase",
)
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
    reports = rig(nursery, tmp_path, workload, seed=new_seed() % 2**24)
    assert [report["fault"] for report in reports] == list(COUNTS)
    for report in reports:
        assert report["wrong"] == []
        assert report["tried"] == times(*COUNTS[report["fault"]])
        assert report["changes"] > 20 or report["fault"] == "kill at random"
    assert sum(report["struck"] for report in reports) > sum(r["tried"] for r in reports) / 2


def test_output_that_cannot_be_written_is_one_line(
    nursery: Nursery, world: Path, tmp_path: Path
) -> None:
    code = "import os, sys; os.dup2(os.open('/dev/full', os.O_WRONLY), 1); "
    code += "from {0} import {1} as main; sys.argv = sys.argv[1:]; main()"
    for module, command, *words in (
        ("reeltune.commands.tune", "main", "--summary"),
        ("reeltune.commands.versions", "model_versioning", "list", "--json"),
        ("reeltune.commands.database", "db", "check"),
    ):
        words = ["-c", code.format(module, command), module, *words, "--db", str(world)]
        told = nursery.run(*words, said=tmp_path / "said")
        assert (told.returncode, told.stderr.count("\n")) == (1, 1), told.stderr
        assert "No space left" in told.stderr
    closed = "import sys; sys.stdout = None; sys.argv = sys.argv[1:]; "
    closed += "from model_versioning import model_versioning as main; main()"
    told = nursery.run("-c", closed, "m", "list", "--db", world, said=tmp_path / "said")
    assert (told.returncode, told.stderr) == (0, "")
