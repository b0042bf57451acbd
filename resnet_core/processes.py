"""Names of processes and of the machine they run on, to tell what a process works on from what one left. No torch."""

import os
import socket
from pathlib import Path

import psutil

_PROC = Path("/proc")  # Linux


def process_start(pid: int) -> str | None:
    """When process ``pid`` of this machine started, as the system writes it; None when there is none.

    Together with the number it names a process for good: numbers are given again, to other processes.
    """
    if (_PROC / "self/stat").exists():  # ticks since boot: unlike psutil's time, they stay when the clock is set
        try:
            after_name = (_PROC / f"{pid}/stat").read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            return None
        state, start = after_name[0], after_name[19]
        return None if state in "ZX" else start
    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else repr(process.create_time())
    except psutil.NoSuchProcess:
        return None


def machine_id() -> str:
    """The machine since its last start, and the container in it: process numbers mean something only inside."""
    parts = [socket.gethostname()]
    boot, namespace = _PROC / "sys/kernel/random/boot_id", _PROC / "self/ns/pid"
    if boot.exists():
        parts.append(boot.read_text().strip()[:13])
    if namespace.is_symlink():
        parts.append(os.readlink(namespace))
    return " ".join(parts)
