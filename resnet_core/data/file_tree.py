"""Files in folders, on disk or in a zip, seen alike. A zip is read in place: nothing of it is unpacked. No torch."""

import os
import re
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Protocol

from resnet_core.errors import DataError

MAX_FILES = 300_000
MAX_UNPACKED_BYTES = 8 << 30  # what a zip may say it unpacks to


@dataclass(frozen=True)
class Entry:
    """A file of a tree: its parts below the top, e.g. ("train", "rose", "1.jpg"), and where to read it."""

    parts: tuple[str, ...]
    place: Path | zipfile.ZipInfo


class Tree(Protocol):
    """What can list its files and read one."""

    def entries(self) -> list[Entry]:
        """All files in natural order (2 before 10), without hidden ones and what macOS adds to zips."""

    def read(self, entry: Entry, limit: int) -> bytes:
        """At most ``limit`` bytes of a file. Raises DataError when it cannot be read."""


@contextmanager
def open_tree(path: Path) -> Iterator[Tree]:
    """The tree of a folder or zip. Raises DataError for a zip that is damaged, dangerous or far too large."""
    if path.is_dir():
        yield _Folder(path)
        return
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError, NotImplementedError) as error:
        raise DataError(f"{path.name} is not a zip that can be read ({error}).") from error
    with archive:
        _check_zip(path.name, archive.infolist())
        yield _Zip(archive)


class _Folder:
    def __init__(self, top: Path):
        self._top = top

    def entries(self) -> list[Entry]:
        found = []
        for folder, _, names in os.walk(self._top):  # does not follow links to folders: they can run in circles
            for name in names:
                path = Path(folder, name)
                found.append(Entry(path.relative_to(self._top).parts, path))
                _check_count(len(found), self._top.name)
        return _visible(found)

    def read(self, entry: Entry, limit: int) -> bytes:
        try:
            with open(entry.place, "rb") as file:
                return file.read(limit)
        except OSError as error:
            raise DataError(f"{entry.parts[-1]} cannot be read: {error.strerror}.") from error


class _Zip:
    def __init__(self, archive: zipfile.ZipFile):
        self._archive = archive

    def entries(self) -> list[Entry]:
        files = (info for info in self._archive.infolist() if not info.is_dir())
        return _visible([Entry(_zip_path(info).parts, info) for info in files])

    def read(self, entry: Entry, limit: int) -> bytes:
        try:
            with self._archive.open(entry.place) as file:
                return file.read(limit)
        except (zipfile.BadZipFile, zlib.error, OSError, EOFError, NotImplementedError) as error:
            raise DataError(f"{entry.parts[-1]} cannot be read from the zip: {error}.") from error


def _check_zip(name: str, infos: list[zipfile.ZipInfo]) -> None:
    _check_count(len(infos), name)
    total = sum(info.file_size for info in infos)
    if total > MAX_UNPACKED_BYTES:
        raise DataError(f"{name} unpacks to {total / 1e9:.1f} GB; at most {MAX_UNPACKED_BYTES / 1e9:.1f} GB are read.")
    for info in infos:
        path = _zip_path(info)
        if path.is_absolute() or ".." in path.parts or re.match(r"[A-Za-z]:", str(path)):
            raise DataError(f"{name} holds the path {info.filename!r}, which points outside of it: zip it anew.")
        if stat.S_ISLNK(info.external_attr >> 16):
            raise DataError(f"{name} holds the link {info.filename!r}: zip the pictures, not links to them.")
        if info.flag_bits & 1:
            raise DataError(f"{name} is protected by a password: zip it without one.")


def _check_count(files: int, name: str) -> None:
    if files > MAX_FILES:
        raise DataError(f"{name} holds more than {MAX_FILES:,} files: choose fewer.")


def _zip_path(info: zipfile.ZipInfo) -> PurePosixPath:
    return PurePosixPath(info.filename.replace("\\", "/"))


def _visible(entries: list[Entry]) -> list[Entry]:
    def hidden(part: str) -> bool:
        return part.startswith(".") or part == "__MACOSX"

    seen = [entry for entry in entries if entry.parts and not any(map(hidden, entry.parts))]
    return sorted(seen, key=lambda entry: [natural_key(part) for part in entry.parts])


def natural_key(text: str) -> list:
    """A key that sorts numbers in names by their value: 2 before 10."""
    return [(0, int(run), run) if run.isdecimal() else (1, 0, run) for run in re.findall(r"\d+|\D+", text)]
