"""The share of this machine's processors that is ours, and how to be a good neighbour on it. No torch."""

import math
import os
from pathlib import Path

import psutil

NICENESS = 10

_CGROUP = Path("/sys/fs/cgroup")
_OWN_CGROUP = Path("/proc/self/cgroup")


def available_cores() -> int:
    """Cores that this process may use: those of its CPU affinity, or fewer where a container limits its CPU time.

    ``os.cpu_count()`` tells all cores of the machine, also where a container or ``taskset`` grants two of 64; with a
    thread for each of them a training would mostly wait for its own threads.
    """
    granted = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = _container_quota()
    return max(1, granted if quota is None else min(granted, math.ceil(quota)))


def let_threads_sleep() -> None:
    """Have OpenMP's threads wait asleep. Call it before torch is imported: the setting is read once.

    By default a thread that waits for another spins, and where other work shares the cores it keeps them from the very
    thread it waits for: a training on a machine with twice as many busy processes as cores slowed down twentyfold.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def lower_priority() -> None:
    """Let processes of the usual priority, such as the pages' server, go first. It cannot be taken back."""
    process = psutil.Process()
    if psutil.WINDOWS:
        process.nice(psutil.BELOW_NORMAL_PRIORITY_CLASS)
    else:
        process.nice(max(NICENESS, process.nice()))


def _container_quota() -> float | None:
    """Cores' worth of CPU time that the control groups of this process grant (the least of them); None for no limit."""
    quotas = [quota for folder in _own_groups() if (quota := _quota(folder)) is not None]
    return min(quotas, default=None)


def _own_groups() -> list[Path]:
    """This process's control group and those around it (version 2), or the CPU controller's (version 1)."""
    try:
        lines = _OWN_CGROUP.read_text().splitlines()
    except OSError:
        return []
    folders = []
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if not controllers or "cpu" in controllers.split(","):
            root = _CGROUP / "cpu" if controllers else _CGROUP
            own = root / path.strip("/")
            # Inside a container the path may be the one outside of it; its limit then stands at the root.
            folders += [own, *(parent for parent in own.parents if parent.is_relative_to(root))]
    return folders


def _quota(folder: Path) -> float | None:
    try:
        if (folder / "cpu.max").is_file():
            quota, period = (folder / "cpu.max").read_text().split()
        else:
            quota, period = ((folder / f"cpu.cfs_{name}_us").read_text() for name in ("quota", "period"))
        return float(quota) / float(period) if quota != "max" and float(quota) > 0 else None
    except (OSError, ValueError):
        return None
