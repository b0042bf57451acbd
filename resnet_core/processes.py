"""Names of processes and of the machine they run on, to tell what a process works on from what one left. No torch."""

import hashlib
import os
import socket
import time
from pathlib import Path

_PROC = Path("/proc")  # Linux
_ABANDONED_AFTER_S = 24 * 3600
"""Age at which a file of another machine, whose processes cannot be seen from here, is nobody's."""


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
    import psutil  # not needed on Linux, where a bare GPU machine has to do without

    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else repr(process.create_time())
    except psutil.NoSuchProcess:
        return None


def process_tag() -> str:
    """A name for this process that can be part of a file's: number, start and machine, "4711-882210-9f3c2a10"."""
    return f"{os.getpid()}-{_file_safe(process_start(os.getpid()) or '')}-{_machine_tag()}"


def has_ended(tag: str) -> bool | None:
    """Whether the process of that tag has ended; None when it is one of another machine, or no tag at all."""
    pid, _, rest = tag.partition("-")
    start, _, machine = rest.rpartition("-")
    if not pid.isdecimal() or machine != _machine_tag():
        return None
    now = process_start(int(pid))
    return now is None or _file_safe(now) != start


def is_abandoned(path: Path, tag: str) -> bool:
    """Whether nobody works on a file or folder any more that bears a process's tag: the process has ended or, where it
    cannot be seen from here, nothing in it has changed for a day.
    """
    ended = has_ended(tag)
    return _age(path) > _ABANDONED_AFTER_S if ended is None else ended


def _age(path: Path) -> float:
    """Seconds since it, or anything in it, changed; 0 for one that has gone meanwhile."""
    try:
        return time.time() - max(each.stat().st_mtime for each in (path, *(path.iterdir() if path.is_dir() else ())))
    except OSError:
        return 0.0


def machine_id() -> str:
    """The machine since its last start, and the container in it: process numbers mean something only inside."""
    parts = [socket.gethostname()]
    boot, namespace = _PROC / "sys/kernel/random/boot_id", _PROC / "self/ns/pid"
    if boot.exists():
        parts.append(boot.read_text().strip()[:13])
    if namespace.is_symlink():
        parts.append(os.readlink(namespace))
    return " ".join(parts)


def _machine_tag() -> str:
    return hashlib.blake2b(machine_id().encode(), digest_size=4).hexdigest()


def _file_safe(start: str) -> str:
    return "".join(character if character.isalnum() else "_" for character in start)
