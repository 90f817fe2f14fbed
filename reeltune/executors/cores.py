"""Number of tasks that can compute at once on this machine."""

import os
from pathlib import Path, PurePosixPath

_TOPOLOGY = Path("/sys/devices/system/cpu")
_CGROUPS = Path("/sys/fs/cgroup")
_OWN_CGROUP = Path("/proc/self/cgroup")


def physical_cores() -> int:
    """Return the cores this process may use, threads of one core counted once; at least 1.

    Respects CPU affinity (taskset, cpusets) and quotas (containers, systemd). Where the topology
    is unknown each logical CPU counts as a core.
    """
    cores = len({_core_of(cpu) for cpu in _usable_cpus()})
    return max(1, min(cores, _quota() or cores))


def _usable_cpus() -> set[int]:
    if hasattr(os, "sched_getaffinity"):
        return os.sched_getaffinity(0)
    return set(range(os.cpu_count() or 1))


def _core_of(cpu: int) -> str:
    """Return a name that the logical CPUs of one core share."""
    return _read(_TOPOLOGY / f"cpu{cpu}" / "topology" / "thread_siblings_list") or str(cpu)


def _quota() -> int | None:
    """Return the whole CPUs that control groups allow, at least 1; None without a limit."""
    own = [line[3:] for line in _read(_OWN_CGROUP).splitlines() if line.startswith("0::/")]
    limits = []
    for path in own[:1]:
        group = PurePosixPath(path.lstrip("/"))
        for level in (group, *group.parents):
            limit, _, period = _read(_CGROUPS / level / "cpu.max").partition(" ")
            if limit.isdecimal() and period.isdecimal():
                limits.append(max(1, int(limit) // int(period)))
    return min(limits, default=None)


def _read(path: Path) -> str:
    """Read a file's text without white space around it; empty if it cannot be read."""
    try:
        return path.read_text().strip()
    except OSError:
        return ""
