"""Datasets from .npz files: read in pieces, so that a large one takes little memory, and never unpickled. No torch."""

import io
import math
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import numpy as np

from resnet_core.data.class_folders import MAX_CLASSES, RESIZED, ImportResult
from resnet_core.data.dataset import Progress, check_classes
from resnet_core.data.limits import CpuClock, check_memory
from resnet_core.data.names import MAX_LENGTH, shorten
from resnet_core.data.pictures import NETWORK_SIZE, to_network
from resnet_core.data.storage import ImageFile, check_room
from resnet_core.data.zips import UNPACKING_ERRORS, open_zip
from resnet_core.errors import DataError
from resnet_core.formatting import file_size

NEEDED = ("x_train", "y_train", "x_test", "y_test")
MAX_SIDE = 4096

_CHUNK_BYTES = 1 << 23  # of what is read and of what is written at once
_HEADER_BYTES = 10_000  # numpy's own limit; that of an array of pictures has 80
_MAX_AXES = 8
_MAX_AXIS = 1 << 48
_CLASS_NAMES_BYTES = 1 << 24
_COPIES = 4  # of a chunk, while floats become bytes
_NS_PER_PICTURE, _NS_PER_VALUE = 25_000, 5  # on one core of an AMD EPYC
_SHAPES = "(N, height, width, 3), (N, 3, height, width) or (N, height, width)"


def read_npz(path: Path, folder: Path, progress: Progress) -> ImportResult:
    """Write the pictures, 32x32, as x_train.npy and x_test.npy into ``folder``.

    Wanted are x_train and x_test as uint8, or floats in [0, 1], channels last, first or none (gray); y_train and y_test
    as whole numbers from 0; ``classes``, an array of their names, if there are names. Whether it is a dataset, and one
    there is room for, is decided by the headers of the arrays as far as they tell. Raises DataError with the reason why
    it is none.
    """
    with open_zip(path) as archive:
        missing = [key for key in NEEDED if f"{key}.npy" not in archive.namelist()]
        if missing:
            raise DataError(f"{shorten(path.name)} lacks {', '.join(missing)}: it must hold {', '.join(NEEDED)}.")
        labels = [_Labels(archive, key) for key in ("y_train", "y_test")]
        pictures = [_Pictures(archive, key) for key in ("x_train", "x_test")]
        for part, its_labels in zip(pictures, labels, strict=True):
            part.check_count(len(its_labels))
        total, clock = sum(map(len, labels)), CpuClock()
        check_room(folder, total)
        clock.check_estimate(sum(part.seconds for part in pictures), f"Reading {total:,} pictures of this size takes")

        y_train, y_test = (part.read() for part in labels)
        classes = _read_classes(archive, highest=int(max(y_train.max(), y_test.max())))
        check_classes(classes, y_train, y_test)
        done = 0
        for part in pictures:
            with ImageFile(folder, part.key) as file:
                for images in part.chunks():
                    file.append(images)
                    done += len(images)
                    clock.check(done, total)
                    progress(f"Reading picture {done:,} of {total:,}", done / total)
    return ImportResult(classes, y_train, y_test, [RESIZED] if any(part.resizes for part in pictures) else [])


class _Array:
    """One array of the file: type and shape from its header, then its rows chunk by chunk."""

    def __init__(self, archive: zipfile.ZipFile, key: str) -> None:
        self.key = key
        self._archive = archive
        with self._open() as stream:
            self.shape, self._fortran, self.dtype = self._read_header(stream)
            length = self._archive.getinfo(f"{key}.npy").file_size - stream.tell()
        if self.dtype.hasobject:
            raise DataError(
                f"{key} holds pickled Python objects, which could run a program when loaded: save it as an array of "
                "numbers (of text for classes)."
            )
        if self.nbytes > length:
            raise DataError(
                f"{key} is cut off or its header is wrong: {self.shape} of {shorten(str(self.dtype))} take "
                f"{file_size(self.nbytes)}, the file holds {file_size(length)}."
            )

    def __len__(self) -> int:
        return self.shape[0] if self.shape else 0

    @property
    def nbytes(self) -> int:
        return math.prod(self.shape) * self.dtype.itemsize

    def rows(self, at_once: int) -> Iterator[np.ndarray]:
        """The array in chunks of ``at_once`` rows. One in Fortran order is in memory as a whole meanwhile."""
        with self._open() as stream:
            self._read_header(stream)
            if self._fortran:
                whole = self._read(stream, self.nbytes).reshape(self.shape[::-1]).T
                for start in range(0, len(self), at_once):
                    yield whole[start : start + at_once]
                return
            for start in range(0, len(self), at_once):
                shape = (min(at_once, len(self) - start), *self.shape[1:])
                yield self._read(stream, math.prod(shape) * self.dtype.itemsize).reshape(shape)

    def _open(self) -> IO[bytes]:
        try:
            return self._archive.open(f"{self.key}.npy")
        except UNPACKING_ERRORS as error:
            raise DataError(f"{self.key} cannot be read: {shorten(str(error))}.") from error

    def _read_header(self, stream: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype]:
        """Shape, whether the order is Fortran's, and type."""
        wrong = f"{self.key} is not an array that can be read"
        start = self._unpack(stream, 12)
        width = 2 if start[6:7] == b"\x01" else 4  # of the header's length: of version 1, and of the later ones
        length = int.from_bytes(start[8 : 8 + width], "little")
        if not start.startswith(b"\x93NUMPY") or length > _HEADER_BYTES:
            raise DataError(f"{wrong}: it does not begin as an .npy file does.")
        header = io.BytesIO(start + self._unpack(stream, max(0, 8 + width + length - len(start))))
        try:
            version = np.lib.format.read_magic(header)
            read = np.lib.format.read_array_header_1_0 if width == 2 else np.lib.format.read_array_header_2_0
            shape, fortran, dtype = read(header)
        except Exception as error:  # numpy has Python parse it: much can be raised, and nothing of it is ours
            raise DataError(f"{wrong}: its header is damaged.") from error
        if version > (3, 0) or len(shape) > _MAX_AXES or not all(0 <= axis < _MAX_AXIS for axis in shape):
            raise DataError(f"{wrong}: its shape is {shorten(repr(shape))}.")
        return shape, fortran, dtype

    def _read(self, stream: IO[bytes], size: int) -> np.ndarray:
        """``size`` bytes as values (n,) of the array's type, unpacked into place."""
        content = np.empty(size, np.uint8)
        for start in range(0, size, _CHUNK_BYTES):
            chunk = self._unpack(stream, min(_CHUNK_BYTES, size - start))
            content[start : start + len(chunk)] = np.frombuffer(chunk, np.uint8)
        return content.view(self.dtype)

    def _unpack(self, stream: IO[bytes], size: int) -> bytes:
        try:
            content = stream.read(size)
        except UNPACKING_ERRORS as error:
            raise DataError(f"{self.key} is damaged: {shorten(str(error))}.") from error
        if len(content) < size:
            raise DataError(f"{self.key} is cut off: it ends before its header says.")
        return content


class _Names(_Array):
    """An array of class names, text or bytes."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        super().__init__(archive, "classes")
        if len(self.shape) != 1 or self.dtype.kind not in "US":
            raise DataError(f"classes must be an array of names, not {shorten(str(self.dtype))} {self.shape}.")
        if len(self) > MAX_CLASSES:
            raise DataError(f"There are {len(self):,} classes; at most {MAX_CLASSES:,} can be told apart here.")
        if self.nbytes > _CLASS_NAMES_BYTES:
            raise DataError(
                f"The class names take {file_size(self.nbytes)}: names of up to {MAX_LENGTH} characters do."
            )

    def read(self) -> tuple[str, ...]:
        """Raises DataError for what is no text: numpy would make a str of it that cannot be written."""
        size = self.dtype.itemsize
        with self._open() as stream:
            self._read_header(stream)
            content = self._unpack(stream, self.nbytes)
        return tuple(self._decode(content[k * size : (k + 1) * size], k) for k in range(len(self)))

    def _decode(self, name: bytes, index: int) -> str:
        if self.dtype.kind == "S":
            return name.rstrip(b"\0").decode("utf-8", "replace")
        try:
            return name.decode("utf-32-le" if self.dtype.str.startswith("<") else "utf-32-be").rstrip("\0")
        except UnicodeDecodeError as error:
            raise DataError(f"The name of class {index} is no text (no valid Unicode): name it anew.") from error


class _Labels(_Array):
    """An array of labels, (N,) or (N, 1)."""

    def __init__(self, archive: zipfile.ZipFile, key: str) -> None:
        super().__init__(archive, key)
        shape = self.shape[:1] if self.shape[1:] == (1,) else self.shape
        if len(shape) != 1 or self.dtype.kind not in "iu":
            raise DataError(f"{key} must be whole numbers (N,), not {shorten(str(self.dtype))} {self.shape}.")
        if len(self) == 0:
            raise DataError(f"{key} is empty: there is nothing to learn from.")

    def read(self) -> np.ndarray:
        """As int64 (N,). Raises DataError for numbers that are no labels."""
        labels = np.empty(len(self), np.int64)
        done = 0
        for rows in self.rows(at_once=_CHUNK_BYTES // self.dtype.itemsize):
            for value in (rows.min(), rows.max()):
                if not 0 <= value < MAX_CLASSES:
                    raise DataError(
                        f"{self.key} holds the label {value}; labels go from 0 to {MAX_CLASSES - 1} at most."
                    )
            labels[done : done + len(rows)] = rows.reshape(-1)
            done += len(rows)
        return labels


class _Pictures(_Array):
    """An array of pictures, in whatever layout, as uint8 (n, 32, 32, 3)."""

    def __init__(self, archive: zipfile.ZipFile, key: str) -> None:
        super().__init__(archive, key)
        self._layout, sides = self._find_layout()
        self.resizes = sides != (NETWORK_SIZE, NETWORK_SIZE)
        if self.dtype.kind not in "uif":
            raise DataError(f"{key} must be uint8, or floats between 0 and 1, not {self.dtype}.")
        check_memory(_COPIES * self._row_bytes, f"A single picture of {key} takes")
        if self._fortran:
            what, remedy = f"{key}, in Fortran order and so read at once, takes", f"save np.ascontiguousarray({key})"
            check_memory(self.nbytes, what, remedy)

    @property
    def seconds(self) -> float:
        """How long reading takes on one core, about."""
        values = math.prod(self.shape)
        return (values * _NS_PER_VALUE + self.resizes * len(self) * _NS_PER_PICTURE) * 1e-9

    @property
    def _row_bytes(self) -> int:
        return self.dtype.itemsize * math.prod(self.shape[1:])

    def check_count(self, labels: int) -> None:
        """Raise DataError unless there is a label for each picture."""
        if len(self) != labels:
            raise DataError(f"{self.key} has {len(self):,} pictures but there are {labels:,} labels for them.")

    def chunks(self) -> Iterator[np.ndarray]:
        """The pictures in their order, uint8 (n, 32, 32, 3); a tiny one grows on its way."""
        largest = max(self._row_bytes, NETWORK_SIZE * NETWORK_SIZE * 3)
        for rows in self.rows(at_once=max(1, _CHUNK_BYTES // largest)):
            images = self._as_bytes(rows)
            if self._layout == "first":
                images = images.transpose(0, 2, 3, 1)
            elif self._layout == "none":
                images = images[..., None]
            if images.shape[3] == 1:
                images = np.repeat(images, 3, axis=3)
            if self.resizes:
                images = np.stack([to_network(image) for image in images])
            yield images

    def _find_layout(self) -> tuple[str, tuple[int, ...]]:
        """Where the channels are, "last", "first" or "none", and height and width."""
        shape = self.shape
        wrong = DataError(f"{self.key} has the shape {shape}; pictures are {_SHAPES}.")
        if len(shape) == 3:
            layout, sides = "none", shape[1:]
        elif len(shape) == 4 and (shape[1] in (1, 3)) != (shape[3] in (1, 3)):
            layout, sides = ("last", shape[1:3]) if shape[3] in (1, 3) else ("first", shape[2:])
        else:
            raise wrong
        if not all(1 <= side <= MAX_SIDE for side in sides):
            raise wrong
        return layout, sides

    def _as_bytes(self, rows: np.ndarray) -> np.ndarray:
        if rows.dtype == np.uint8:
            return rows
        low, high = rows.min(), rows.max()
        is_float = self.dtype.kind == "f"
        if not (low >= 0 and high <= (1 if is_float else 255)):  # false for NaN too
            wanted = "floats between 0 and 1" if is_float else "whole numbers between 0 and 255"
            raise DataError(f"{self.key} holds values from {low} to {high}: save uint8 (0 to 255) or {wanted}.")
        return np.rint(rows * 255).astype(np.uint8) if is_float else rows.astype(np.uint8)


def _read_classes(archive: zipfile.ZipFile, highest: int) -> tuple[str, ...]:
    """The names in the file, else "0", "1", ... up to the highest label."""
    if "classes.npy" not in archive.namelist():
        return tuple(map(str, range(highest + 1)))
    names = _Names(archive)
    if highest >= len(names):
        raise DataError(f"There is the label {highest} but only {len(names)} classes: labels go from 0.")
    return names.read()
