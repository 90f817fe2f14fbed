from pathlib import Path

import pytest

from reeltune.executors import cores


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A made-up machine of 8 logical CPUs, with nothing known about them."""
    monkeypatch.setattr(cores, "_TOPOLOGY", tmp_path / "cpu")
    monkeypatch.setattr(cores, "_CGROUPS", tmp_path / "cgroup")
    monkeypatch.setattr(cores, "_OWN_CGROUP", tmp_path / "own")
    monkeypatch.setattr(cores, "_usable_cpus", lambda: set(range(8)))
    return tmp_path


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_without_a_topology_each_logical_cpu_is_a_core() -> None:
    assert cores.physical_cores() == 8


def test_two_threads_of_a_core_count_once(machine: Path) -> None:
    for cpu in range(8):
        siblings = f"{cpu % 4},{cpu % 4 + 4}\n"
        write(machine / "cpu" / f"cpu{cpu}" / "topology" / "thread_siblings_list", siblings)
    assert cores.physical_cores() == 4


@pytest.mark.parametrize(
    ("quota", "expected"),
    [("max 100000", 8), ("300000 100000", 3), ("50000 100000", 1), ("1600000 100000", 8)],
)
def test_a_quota_limits(machine: Path, quota: str, expected: int) -> None:
    write(machine / "own", "1:name=x:/\n0::/a.slice/b.service\n")
    write(machine / "cgroup" / "a.slice" / "cpu.max", quota)
    write(machine / "cgroup" / "a.slice" / "b.service" / "cpu.max", "max 100000")
    assert cores.physical_cores() == expected
