"""How much memory there is to take. No torch.

On Linux the system's own files say it, so that a bare GPU machine needs nothing more; elsewhere psutil asks.
"""

from collections.abc import Iterator
from pathlib import Path

from resnet_core.cgroups import control_groups

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

_PROC = Path("/proc")
_NAMES = {  # version of the control groups -> limit, usage, and what of it is given back when memory is short
    1: ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
    2: ("memory.max", "memory.current", "inactive_file"),
}


def free_memory() -> int:
    """Bytes that this process could still take: what the machine has available, or less where its container or a
    limit of its own (``ulimit -v``) allows less.
    """
    left = [_available(), *_left_in_container(), *_left_of_own_limit()]
    return max(0, min(left))


def oom_kills() -> int | None:
    """How often the system has killed a process for want of memory since it started; None where it does not say."""
    try:
        counters = dict(line.split() for line in (_PROC / "vmstat").read_text().splitlines())
        return int(counters["oom_kill"])
    except (OSError, ValueError, KeyError):
        return None


def _available() -> int:
    """Of the whole machine."""
    try:
        lines = (_PROC / "meminfo").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration):
        import psutil

        return psutil.virtual_memory().available


def _own_size() -> int:
    """Bytes of address space that this process has taken."""
    try:
        return int((_PROC / "self/statm").read_text().split()[0]) * resource.getpagesize()
    except OSError:
        import psutil

        return psutil.Process().memory_info().vms


def _left_in_container() -> Iterator[int]:
    """What control groups still allow, version 2 and version 1, from the process's own group up to the root.

    Pages of files that were read count as used but are given back when memory is short.
    """
    for folder, version in control_groups("memory"):
        names = _NAMES[version]
        try:
            limit, used = (int((folder / name).read_text()) for name in names[:2])
            statistics = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
        except (OSError, ValueError):  # no such group here, or "max": no limit
            continue
        yield limit - used + int(statistics.get(names[2], 0))


def _left_of_own_limit() -> Iterator[int]:
    if resource is None or not hasattr(resource, "RLIMIT_AS"):
        return
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    if limit != resource.RLIM_INFINITY:
        yield limit - _own_size()
