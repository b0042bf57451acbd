"""Uploaded files, kept until they are imported. No torch."""

import shutil
from pathlib import Path, PureWindowsPath

from resnet_core.data.limits import check_disk, disk_is_full
from resnet_core.data.names import printable, short_name, title_of
from resnet_core.data.temporary import UPLOAD, temporary_name, uploads_folder
from resnet_core.errors import DataError

_STEM, _SUFFIX = 60, 10  # characters of a file's name: 255 bytes is what file systems take


def save_upload(home: Path, filename: str, data: bytes) -> Path:
    """Write an upload into a folder of its own and return its path. Raises DataError when the disk has no room."""
    folder = uploads_folder(home) / temporary_name(UPLOAD)
    path = folder / _safe_name(filename)
    try:
        folder.mkdir(parents=True)
        check_disk(folder, len(data), f"{short_name(filename)} takes")
        path.write_bytes(data)
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise DataError(f"{short_name(filename)} cannot be kept ({error.strerror}). {disk_is_full(home)}") from error
    except DataError:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return path


def remove_upload(home: Path, path: Path) -> None:
    """Remove an upload with its folder; a file that lies elsewhere is somebody's own and stays."""
    uploads, path = uploads_folder(home).resolve(), path.resolve()
    if uploads in path.parents:
        top = uploads / path.relative_to(uploads).parts[0]
        shutil.rmtree(top, ignore_errors=True)
        if top.is_file():
            top.unlink(missing_ok=True)


def _safe_name(filename: str) -> str:
    name = PureWindowsPath(filename)  # which knows both kinds of slashes
    stem = title_of(name.stem.strip(" ."))[:_STEM]
    return f"{stem}{printable(name.suffix)[:_SUFFIX]}"
