"""Files in folders, on disk or in a zip, seen alike. A zip is read in place: nothing of it is unpacked. No torch."""

import os
import stat
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from resnet_core.data.names import natural_key, short_name, shorten
from resnet_core.data.zips import UNPACKING_ERRORS, check_count, member_path, open_zip
from resnet_core.errors import DataError

Place = TypeVar("Place", Path, zipfile.ZipInfo)


@dataclass(frozen=True)
class Entry(Generic[Place]):
    """A file of a tree: its parts below the top, e.g. ("train", "rose", "1.jpg"), its size, and where to read it."""

    parts: tuple[str, ...]
    size: int  # bytes
    place: Place


class Tree(Protocol):
    """What can list its files and read one."""

    def entries(self) -> list[Entry]:
        """All files in natural order (2 before 10), without hidden ones and what macOS adds to zips."""

    def read(self, entry: Entry, limit: int) -> bytes:
        """At most ``limit`` bytes of a file, from its start. Raises DataError when it cannot be read."""


@contextmanager
def open_tree(path: Path) -> Iterator[Tree]:
    """The tree of a folder or zip. Raises DataError for a zip that is damaged, dangerous or far too large."""
    if path.is_dir():
        yield _Folder(path)
    else:
        with open_zip(path) as archive:
            yield _Zip(archive)


class _Folder:
    def __init__(self, top: Path) -> None:
        self._top = top

    def entries(self) -> list[Entry[Path]]:
        found = []
        for folder, _, names in os.walk(self._top):  # does not follow links to folders: they can run in circles
            for name in names:
                path = Path(folder, name)
                size = _size_of_file(path)
                if size is not None:
                    found.append(Entry(path.relative_to(self._top).parts, size, path))
                    check_count(len(found), short_name(self._top.name))
        return _sorted_visible(found)

    def read(self, entry: Entry[Path], limit: int) -> bytes:
        try:
            with open(entry.place, "rb") as file:
                return file.read(limit)
        except OSError as error:
            raise DataError(f"{short_name(entry.parts[-1])} cannot be read: {error.strerror}.") from error


class _Zip:
    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive

    def entries(self) -> list[Entry[zipfile.ZipInfo]]:
        files = (info for info in self._archive.infolist() if not info.is_dir())
        return _sorted_visible([Entry(member_path(info).parts, info.file_size, info) for info in files])

    def read(self, entry: Entry[zipfile.ZipInfo], limit: int) -> bytes:
        try:
            with self._archive.open(entry.place) as file:
                return file.read(limit)
        except UNPACKING_ERRORS as error:
            name, reason = short_name(entry.parts[-1]), shorten(str(error))
            raise DataError(f"{name} cannot be read from the zip: {reason}.") from error


def _size_of_file(path: Path) -> int | None:
    """Its bytes; None for what is no file, such as a pipe, which would be waited for, or a link to nothing."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_size if stat.S_ISREG(found.st_mode) else None


def _sorted_visible(entries: list[Entry]) -> list[Entry]:
    def hidden(part: str) -> bool:
        return part.startswith(".") or part == "__MACOSX"

    visible = [entry for entry in entries if entry.parts and not any(map(hidden, entry.parts))]
    return sorted(visible, key=lambda entry: [natural_key(part) for part in entry.parts])
