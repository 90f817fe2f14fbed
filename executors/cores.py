"""How many tasks can compute at once on this machine."""

import os
from pathlib import Path

_TOPOLOGY = Path("/sys/devices/system/cpu")


def physical_cores() -> int:
    """Cores that this process may use, threads of one core counted once; at least 1.

    Respects CPU affinity (taskset, container sets). Where the topology is unknown each logical
    CPU counts as a core.
    """
    cpus = _usable_cpus()
    return max(1, len({_core_of(cpu) for cpu in cpus}))


def _usable_cpus() -> set[int]:
    if hasattr(os, "sched_getaffinity"):
        return os.sched_getaffinity(0)
    return set(range(os.cpu_count() or 1))


def _core_of(cpu: int) -> str:
    """What the logical CPUs of one core have in common."""
    try:
        return (_TOPOLOGY / f"cpu{cpu}" / "topology" / "thread_siblings_list").read_text().strip()
    except OSError:
        return str(cpu)
