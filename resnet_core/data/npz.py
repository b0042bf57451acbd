"""Datasets from .npz files: read in pieces, so that a large one takes little memory, and never unpickled. No torch."""

import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from resnet_core.data.class_folders import MAX_CLASSES, RESIZED, ImportResult
from resnet_core.data.dataset import Progress, check_classes
from resnet_core.data.pictures import NETWORK_SIZE, to_network
from resnet_core.data.storage import ImageFile
from resnet_core.errors import DataError

NEEDED = ("x_train", "y_train", "x_test", "y_test")
MAX_SIDE = 4096
MAX_BYTES = 8 << 30  # of one array

_AT_ONCE = 1 << 23  # bytes
_SHAPES = "(N, height, width, 3), (N, 3, height, width) or (N, height, width)"


def read_npz(path: Path, folder: Path, progress: Progress) -> ImportResult:
    """Write the pictures, 32x32, as x_train.npy and x_test.npy into ``folder``.

    Wanted are x_train and x_test as uint8, or floats in [0, 1], channels last, first or none (gray); y_train
    and y_test as whole numbers from 0; ``classes``, an array of their names, if there are names. Raises
    DataError with the reason why it is no dataset.
    """
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError) as error:
        raise DataError(f"{path.name} is not an .npz file that can be read ({error}).") from error
    with archive:
        missing = [key for key in NEEDED if f"{key}.npy" not in archive.namelist()]
        if missing:
            raise DataError(f"{path.name} lacks {', '.join(missing)}: it must hold {', '.join(NEEDED)}.")
        y_train, y_test = (_Array(archive, key).labels() for key in ("y_train", "y_test"))
        classes = _classes(archive, y_train, y_test)
        check_classes(classes, y_train, y_test)
        parts = [(_Pictures(archive, "x_train"), y_train), (_Pictures(archive, "x_test"), y_test)]
        for pictures, labels in parts:
            pictures.check_count(len(labels))
        total, done = len(y_train) + len(y_test), 0
        for pictures, _ in parts:
            with ImageFile(folder, pictures.key) as file:
                for images in pictures.pieces():
                    file.append(images)
                    done += len(images)
                    progress(f"Reading picture {done:,} of {total:,}", done / total)
        notes = [RESIZED] if any(pictures.resizes for pictures, _ in parts) else []
    return ImportResult(classes, y_train, y_test, notes)


class _Array:
    """One array of the file: type and shape from its header, then its rows piece by piece."""

    def __init__(self, archive: zipfile.ZipFile, key: str):
        self.key = key
        self._archive = archive
        with self._open() as stream:
            self.shape, self._fortran, self.dtype = self._header(stream)
        if self.dtype.hasobject:
            raise DataError(
                f"{key} holds pickled Python objects, which could run a program when loaded: save it as an "
                "array of numbers (of text for classes)."
            )
        if self.dtype.itemsize * np.prod(self.shape, dtype=float) > MAX_BYTES:
            raise DataError(f"{key} with shape {self.shape} is larger than {MAX_BYTES >> 30} GB.")

    def whole(self) -> np.ndarray:
        pieces = list(self.rows(at_once=max(1, len(self)))) if self.shape else []
        return pieces[0] if pieces else np.empty(self.shape, self.dtype)

    def __len__(self) -> int:
        return self.shape[0] if self.shape else 0

    def rows(self, at_once: int) -> Iterator[np.ndarray]:
        """The array in pieces of ``at_once`` rows."""
        if self._fortran:
            at_once = len(self)  # the rows lie interleaved
        with self._open() as stream:
            self._header(stream)
            for start in range(0, len(self), at_once):
                n = min(at_once, len(self) - start)
                shape = (n, *self.shape[1:])
                flat = np.frombuffer(self._read(stream, int(np.prod(shape)) * self.dtype.itemsize), self.dtype)
                yield flat.reshape(shape[::-1]).T if self._fortran else flat.reshape(shape)

    def labels(self) -> np.ndarray:
        """As int64 (N,). Raises DataError for anything but whole numbers from 0, below MAX_CLASSES."""
        shape = self.shape[:1] if self.shape[1:] == (1,) else self.shape
        if len(shape) != 1 or self.dtype.kind not in "iu":
            raise DataError(f"{self.key} must be whole numbers (N,), not {self.dtype} {self.shape}.")
        if len(self) == 0:
            raise DataError(f"{self.key} is empty: there is nothing to learn from.")
        labels = self.whole().reshape(-1)
        for value in (labels.min(), labels.max()):
            if not 0 <= value < MAX_CLASSES:
                raise DataError(f"{self.key} holds the label {value}; labels go from 0 to {MAX_CLASSES - 1} at most.")
        return labels.astype(np.int64)

    def _open(self):
        try:
            return self._archive.open(f"{self.key}.npy")
        except (zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
            raise DataError(f"{self.key} cannot be read: {error}.") from error

    def _header(self, stream) -> tuple[tuple[int, ...], bool, np.dtype]:
        try:
            version = np.lib.format.read_magic(stream)
            old = version == (1, 0)
            read = np.lib.format.read_array_header_1_0 if old else np.lib.format.read_array_header_2_0
            shape, fortran, dtype = read(stream)
        except (ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
            raise DataError(f"{self.key} is not an array that can be read ({error}).") from error
        if min(shape, default=0) < 0:
            raise DataError(f"{self.key} is not an array that can be read: its shape is {shape}.")
        return shape, fortran, dtype

    def _read(self, stream, size: int) -> bytes:
        try:
            content = stream.read(size)
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError) as error:
            raise DataError(f"{self.key} is damaged: {error}.") from error
        if len(content) < size:
            raise DataError(f"{self.key} is cut off: it ends before its {len(self):,} rows do.")
        return content


class _Pictures(_Array):
    """An array of pictures, in whatever layout, as uint8 (n, 32, 32, 3)."""

    def __init__(self, archive: zipfile.ZipFile, key: str):
        super().__init__(archive, key)
        self._layout, sides = self._find_layout()
        self.resizes = sides != (NETWORK_SIZE, NETWORK_SIZE)
        if self.dtype.kind not in "uif":
            raise DataError(f"{key} must be uint8, or floats between 0 and 1, not {self.dtype}.")

    def check_count(self, labels: int) -> None:
        if len(self) != labels:
            raise DataError(f"{self.key} has {len(self):,} pictures but there are {labels:,} labels for them.")

    def pieces(self) -> Iterator[np.ndarray]:
        row_bytes = self.dtype.itemsize * int(np.prod(self.shape[1:]))
        for rows in self.rows(at_once=max(1, _AT_ONCE // row_bytes)):
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


def _classes(archive: zipfile.ZipFile, y_train: np.ndarray, y_test: np.ndarray) -> tuple[str, ...]:
    """The names in the file, else "0", "1", ... up to the highest label."""
    highest = int(max(y_train.max(), y_test.max()))
    if "classes.npy" not in archive.namelist():
        return tuple(map(str, range(highest + 1)))
    array = _Array(archive, "classes")
    if len(array.shape) != 1 or array.dtype.kind not in "US":
        raise DataError(f"classes must be an array of names, not {array.dtype} {array.shape}.")
    if highest >= len(array):
        raise DataError(f"There is the label {highest} but only {len(array)} classes: labels go from 0.")
    if len(array) > MAX_CLASSES:
        raise DataError(f"There are {len(array):,} classes; at most {MAX_CLASSES:,} can be told apart here.")
    names = array.whole()
    if names.dtype.kind == "S":
        names = np.char.decode(names, "utf-8", "replace")
    return tuple(names.tolist())
