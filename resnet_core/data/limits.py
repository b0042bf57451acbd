"""What one import may take of the machine: memory, disk and computing time. No torch.

Memory and disk are checked against what headers say, before anything is read or written. Computing time is estimated
from headers and then watched, because a header cannot be trusted to say how long a picture takes to decode.
"""

import shutil
from pathlib import Path
from time import process_time

from resnet_core.errors import DataError
from resnet_core.formatting import file_size
from resnet_core.memory import free_memory

MEMORY_SHARE = 0.5
"""Of the free memory, what an import may take: others share the machine."""

DISK_RESERVE = 16 << 20
"""Bytes of disk that are left free: a store of runs that cannot write loses trainings."""

CPU_SECONDS = 300.0
"""Computing time of one import: about 1,000 PNGs of 25 megapixels or 5,000 photos (JPEG) of 12."""


class DiskFullError(DataError):
    """There is no room for what is to be written; there may be later."""


def check_memory(needed: int, what: str, remedy: str = "choose fewer or smaller pictures") -> None:
    """Raise DataError when ``what``, which begins the sentence, needs more bytes of memory than an import may take."""
    free = free_memory()
    if needed > MEMORY_SHARE * free:
        raise DataError(
            f"{what} {file_size(needed)} of memory. {file_size(free)} are free, of which an import may take "
            f"{file_size(MEMORY_SHARE * free)}: {remedy}."
        )


def check_disk(folder: Path, needed: int, what: str) -> None:
    """Raise DiskFullError when ``what``, which begins the sentence, needs more bytes than ``folder``'s disk has."""
    free = _free_disk(folder)
    if needed + DISK_RESERVE > free:
        raise DiskFullError(f"{what} {file_size(needed)} of disk. {disk_is_full(folder)}")


def disk_is_full(folder: Path) -> str:
    """How much is free where ``folder`` lies, and what to do about it: two sentences."""
    free = file_size(max(0, _free_disk(folder) - DISK_RESERVE))
    return (
        f"Only {free} can be used on the disk of {folder}. Make room first, for example by deleting datasets or runs "
        "that are no longer needed (page Runs and data)."
    )


class CpuClock:
    """The computing time that this process has used since the clock was made."""

    def __init__(self) -> None:
        self._start = process_time()

    def check_estimate(self, seconds: float, what: str) -> None:
        """Raise DataError when ``what``, which begins the sentence, would take more than is left of CPU_SECONDS."""
        if seconds > CPU_SECONDS - self._used():
            raise DataError(
                f"{what} about {seconds:,.0f} seconds of computing; an import may take {CPU_SECONDS:,.0f}: "
                "choose fewer or smaller pictures."
            )

    def check(self, done: int, total: int) -> None:
        """Raise DataError when the time is up; ``done`` of ``total`` pictures are read."""
        if self._used() > CPU_SECONDS:
            raise DataError(
                f"Reading the pictures was stopped at {done:,} of {total:,}, after {CPU_SECONDS:,.0f} seconds of "
                "computing; an import may take no more: choose fewer or smaller pictures."
            )

    def _used(self) -> float:
        return process_time() - self._start


def _free_disk(folder: Path) -> int:
    """Bytes free on the disk of a folder that may not exist yet."""
    present = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    return shutil.disk_usage(present).free
