"""Zip files from people, .npz among them: checked by their directory before anything is unpacked. No torch."""

import re
import stat
import struct
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from resnet_core.data.limits import check_memory
from resnet_core.data.names import short_name, shorten
from resnet_core.errors import DataError
from resnet_core.formatting import file_size

MAX_FILES = 300_000
MAX_UNPACKED_BYTES = 8 << 30
"""What a zip may say it unpacks to."""

UNPACKING_ERRORS = (
    zipfile.BadZipFile,
    zlib.error,
    OSError,
    EOFError,
    NotImplementedError,
    RuntimeError,
    struct.error,
    ValueError,
)
"""What zipfile raises on damaged files; ValueError among others for names that are not the UTF-8 they claim to be."""

_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""Compression that is read: zipfile unpacks these in pieces of bounded size, LZMA and bzip2 a thousandfold at once."""

_METHOD_NAMES = {9: "Deflate64", zipfile.ZIP_BZIP2: "bzip2", zipfile.ZIP_LZMA: "LZMA", 93: "Zstandard", 95: "XZ"}

_BYTES_PER_FILE, _BYTES_PER_FOLDER = 2_000, 100  # of memory, while the files are listed and sorted
_END = struct.Struct("<4s4H2LH")  # end of central directory
_END_64 = struct.Struct("<4sQ2H2L4Q")  # the same of a zip64 archive
_LOCATOR_64 = struct.Struct("<4sLQL")
_ENTRY_SIZE = 46  # of an entry of the directory, before its name, extra field and comment


def open_zip(path: Path) -> zipfile.ZipFile:
    """The zip file, for ``with``. Raises DataError when it is damaged, dangerous or far too large."""
    name = short_name(path.name)
    try:
        with open(path, "rb") as file:
            _check_directory(file, name)
        archive = zipfile.ZipFile(path)
    except DataError:
        raise
    except UNPACKING_ERRORS as error:
        raise DataError(f"{name} is not a zip that can be read ({shorten(str(error))}).") from error
    try:
        for info in archive.infolist():
            _check_member(info, name)
        _check_size(sum(info.file_size for info in archive.infolist()), name)
    except DataError:
        archive.close()
        raise
    return archive


def member_path(info: zipfile.ZipInfo) -> PurePosixPath:
    """Where a file lies in the zip, also when it was made with backslashes."""
    return PurePosixPath(info.filename.replace("\\", "/"))


def check_count(files: int, name: str) -> None:
    """Raise DataError for more files than one import takes."""
    if files > MAX_FILES:
        raise DataError(f"{name} holds more than {MAX_FILES:,} files: choose fewer.")


def _check_directory(file: BinaryIO, name: str) -> None:
    """Count the files before zipfile makes an object for each: the number that the zip states may be wrong."""
    start, size = _directory(file)
    check_memory(2 * size, f"Listing the files of {name} takes")
    file.seek(start)
    directory = file.read(size)
    count, position = 0, 0
    while directory[position : position + 4] == b"PK\x01\x02" and position + _ENTRY_SIZE <= size:
        position += _ENTRY_SIZE + sum(struct.unpack_from("<3H", directory, position + 28))
        count += 1
        check_count(count, name)
    folders = directory.count(b"/") + directory.count(b"\\")
    needed = 2 * size + _BYTES_PER_FILE * count + _BYTES_PER_FOLDER * folders
    check_memory(needed, f"Listing the files of {name} takes")


def _directory(file: BinaryIO) -> tuple[int, int]:
    """Where the central directory begins and how many bytes it has, found as zipfile finds it."""
    length = file.seek(0, 2)
    tail_start = max(0, length - _END.size - (1 << 16))
    file.seek(tail_start)
    tail = file.read()
    whole = len(tail) - _END.size
    at = whole if tail[whole : whole + 4] == b"PK\x05\x06" and tail.endswith(b"\0\0") else tail.rfind(b"PK\x05\x06")
    if at < 0:
        raise zipfile.BadZipFile("it has no directory of files")
    size = _END.unpack_from(tail, at)[5]
    end = tail_start + at
    locator = end - _LOCATOR_64.size
    if locator >= _END_64.size:
        file.seek(locator - _END_64.size)
        record = file.read(_END_64.size + _LOCATOR_64.size)
        if record.startswith(b"PK\x06\x06") and record[_END_64.size :].startswith(b"PK\x06\x07"):
            size = _END_64.unpack_from(record)[8]
            end = locator - _END_64.size
    if size > end:
        raise zipfile.BadZipFile("its directory of files is damaged")
    return end - size, size


def _check_member(info: zipfile.ZipInfo, name: str) -> None:
    path = member_path(info)
    shown = shorten(info.filename)
    if path.is_absolute() or ".." in path.parts or re.match(r"[A-Za-z]:", str(path)):
        raise DataError(f"{name} holds the path {shown!r}, which points outside of it: zip it anew.")
    if stat.S_ISLNK(info.external_attr >> 16):
        raise DataError(f"{name} holds the link {shown!r}: zip the pictures, not links to them.")
    if info.flag_bits & 1:
        raise DataError(f"{name} is protected by a password: zip it without one.")
    if info.compress_type not in _METHODS:
        method = _METHOD_NAMES.get(info.compress_type, f"method {info.compress_type}")
        raise DataError(f"{shown} in {name} is compressed by {method}: zip it the usual way, which is called Deflate.")


def _check_size(size: int, name: str) -> None:
    if size > MAX_UNPACKED_BYTES:
        raise DataError(f"{name} unpacks to {file_size(size)}; at most {file_size(MAX_UNPACKED_BYTES)} are read.")
