"""Where a result comes from: machine, software, date, command."""

import os
import platform
import shlex
import time
from collections.abc import Sequence
from pathlib import Path

import torch


def describe_origin(module: str, arguments: Sequence[str]) -> dict[str, object]:
    """What every file of results/ says about its origin.

    ``arguments``: of the command line, without folders of this machine.
    """
    return {
        "machine": f"{cpu_name()}, {os.cpu_count()} cores, {torch.get_num_threads()} threads",
        "load": f"{os.getloadavg()[0]:.1f} processes on average in the minute before the end",
        "software": f"torch {torch.__version__}, Python {platform.python_version()}",
        "date": time.strftime("%Y-%m-%d"),
        "command": shlex.join(["python", "-m", module, *arguments]),
    }


def cpu_name() -> str:
    """The processor's model as the system names it; empty where it does not."""
    listing = Path("/proc/cpuinfo")
    if listing.exists():
        for line in listing.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor()
