"""The share of this machine's processors that is ours, and how to be a good neighbour on it. No torch."""

import math
import os
from pathlib import Path

import psutil

from resnet_core.cgroups import control_groups

NICENESS = 10


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
    thread it waits for: beside 15 to 20 other busy processes on two cores ResNet-20 (batches of 32) trained on 3 images
    a second with spinning threads and on 20 with sleeping ones.
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
    quotas = [quota for folder, version in control_groups("cpu") if (quota := _quota(folder, version)) is not None]
    return min(quotas, default=None)


def _quota(folder: Path, version: int) -> float | None:
    try:
        if version == 2:
            quota, period = (folder / "cpu.max").read_text().split()
        else:
            quota, period = ((folder / f"cpu.cfs_{name}_us").read_text() for name in ("quota", "period"))
        return float(quota) / float(period) if quota != "max" and float(quota) > 0 else None
    except (OSError, ValueError):
        return None
