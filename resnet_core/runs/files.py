"""A run's files: its newest checkpoint and, once it is done, its weights. No torch.

Each file appears under its name only when all its bytes are on disk, so whatever has the right name is whole.
"""

import os
import re
import shutil
from pathlib import Path

from resnet_core.processes import is_abandoned, process_tag

WEIGHTS = "weights.safetensors"
ERROR_LOG = "error.log"
_CHECKPOINT = re.compile(r"checkpoint-(\d+)\.safetensors")


def write_whole(path: Path, data: bytes) -> None:
    """Write ``data`` under a temporary name, have the disk take it, then rename: a crash leaves the old or the new."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{process_tag()}.tmp")
    try:
        with open(temporary, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        _sync_folder(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def clear_leftovers(runs: Path) -> None:
    """Remove the temporary files that killed processes left in the folders below ``runs``."""
    for file in runs.glob("*/*.tmp"):
        tag = file.name.removesuffix(".tmp").rpartition(".")[2]
        if is_abandoned(file, tag):
            file.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    """Have the disk take the rename as well. Systems whose folders cannot be opened keep renames in order anyway."""
    if hasattr(os, "O_DIRECTORY"):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def write_checkpoint(folder: Path, step: int, data: bytes) -> None:
    """Keep ``data`` as the run's only checkpoint."""
    kept = folder / f"checkpoint-{step:09d}.safetensors"
    write_whole(kept, data)
    for path in checkpoints(folder).values():
        if path != kept:
            path.unlink(missing_ok=True)


def checkpoints(folder: Path) -> dict[int, Path]:
    """The checkpoints in ``folder`` by step, newest first. Usually one; two after a crash between the two steps."""
    if not folder.is_dir():
        return {}
    found = {int(match[1]): path for path in folder.iterdir() if (match := _CHECKPOINT.fullmatch(path.name))}
    return dict(sorted(found.items(), reverse=True))


def drop_checkpoints(folder: Path, after: int = -1) -> None:
    """Remove the checkpoints of steps greater than ``after``."""
    for step, path in checkpoints(folder).items():
        if step > after:
            path.unlink(missing_ok=True)


def remove_folder(folder: Path) -> None:
    if folder.is_dir():
        shutil.rmtree(folder)
