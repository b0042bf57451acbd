"""Folders that exist while somebody writes or reads them: datasets in the making and uploaded files. No torch.

Each bears the name of the process that made it, so that what a killed process left is known for what it is.
"""

import secrets
import shutil
from pathlib import Path

from resnet_core.processes import is_abandoned, process_tag

NEW_DATASET = ".new-"
UPLOAD = "upload-"


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
            if is_abandoned(folder, folder.name.removeprefix(prefix).partition(".")[0]):
                shutil.rmtree(folder, ignore_errors=True)
