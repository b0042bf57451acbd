"""Folders that exist while somebody writes or reads them: datasets in the making and uploaded files. No torch.

Each bears the name of the process that made it, so that what a killed process left is known for what it is.
"""

import secrets
import shutil
import time
from pathlib import Path

from resnet_core.processes import has_ended, process_tag

NEW_DATASET = ".new-"
UPLOAD = "upload-"

_ABANDONED_AFTER_S = 24 * 3600
"""Age at which a folder of another machine, whose processes cannot be seen from here, is nobody's."""


def datasets_folder(home: Path) -> Path:
    return Path(home) / "datasets"


def uploads_folder(home: Path) -> Path:
    return Path(home) / "uploads"


def temporary_name(prefix: str) -> str:
    """A name that no other folder has: the prefix, this process, and something random."""
    return f"{prefix}{process_tag()}.{secrets.token_hex(4)}"


def clear_leftovers(home: Path) -> None:
    """Remove what killed processes left: datasets that are half written or half deleted, and uploads."""
    for parent, prefix in ((datasets_folder(home), NEW_DATASET), (uploads_folder(home), UPLOAD)):
        for folder in parent.glob(f"{prefix}*"):
            if _is_abandoned(folder, prefix):
                shutil.rmtree(folder, ignore_errors=True)


def _is_abandoned(folder: Path, prefix: str) -> bool:
    ended = has_ended(folder.name.removeprefix(prefix).partition(".")[0])
    return _age(folder) > _ABANDONED_AFTER_S if ended is None else ended


def _age(folder: Path) -> float:
    """Seconds since anything in it changed; 0 for one that has gone meanwhile."""
    try:
        return time.time() - max(path.stat().st_mtime for path in (folder, *folder.iterdir()))
    except OSError:
        return 0.0
