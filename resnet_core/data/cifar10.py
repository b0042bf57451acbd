"""CIFAR-10 (Krizhevsky 2009, https://www.cs.toronto.edu/~kriz/cifar.html): its download, its archive. No torch."""

import hashlib
import pickle
import tarfile
import zlib
from collections.abc import Collection
from pathlib import Path
from typing import IO, Any

import numpy as np

from resnet_core.data import storage
from resnet_core.data.dataset import DatasetInfo, Progress
from resnet_core.data.download import Checksum, DownloadError, download, downloads_folder
from resnet_core.errors import DataError

NAME = "cifar-10"
TITLE = "CIFAR-10"
CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
SOURCE = "CIFAR-10 (Krizhevsky 2009): photographs of 32x32, 50,000 to train on and 10,000 to test."
URL = "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz"
ARCHIVE = "cifar-10-python.tar.gz"
ARCHIVE_BYTES = 170_498_071
CHECKSUM = Checksum("md5", "c58f30108f718f92721af3b95e74349a")  # as published on the page above

_FILES = {
    "train": tuple(f"cifar-10-batches-py/data_batch_{number}" for number in range(1, 6)),
    "test": ("cifar-10-batches-py/test_batch",),
}
_AT_ONCE = 5000  # pictures written at once


def planned() -> DatasetInfo:
    """What the catalog shows before the pictures are there."""
    size = 60_000 * (32 * 32 * 3 + 8)
    return DatasetInfo(NAME, TITLE, CLASSES, 50_000, 10_000, SOURCE, ready=False, bytes=size, fingerprint=None)


def way_out(home: Path) -> str:
    """What to do without a network."""
    return (
        f"without a network, put {ARCHIVE} into {downloads_folder(home)} and ask for the download again, "
        "or import an .npz with x_train, y_train, x_test and y_test."
    )


def fetch_cifar10(home: Path, progress: Progress | None = None) -> DatasetInfo:
    """Download CIFAR-10 (170 MB), verify it, and keep it as a dataset.

    An archive that a person put into ``downloads_folder(home)`` is used instead of the network. Whatever happens, no
    part of a download stays behind. Raises DataError when there is no network or the archive is another, and says
    the way out.
    """
    progress = progress or (lambda what, fraction: None)
    present = storage.stored_info(home, NAME)
    if present is not None:
        return present
    with storage.new_folder(home) as scratch:
        archive = downloads_folder(home) / ARCHIVE
        if archive.is_file():
            progress(f"Checking {ARCHIVE}", 0.0)
            _check_archive(archive)
        else:
            archive = scratch / ARCHIVE
            _download(archive, home, progress)
        progress("Unpacking CIFAR-10", 0.95)
        return _unpack(archive, home)


def canonical_order(pictures: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Indices that sort pictures (N, 32, 32, 3) uint8 by a hash of their pixels and label.

    Whatever copy of CIFAR-10 they come from, they are then the same dataset: the same fingerprint, and the same
    batches from the same seed.
    """
    keys = [
        hashlib.sha256(picture.tobytes() + bytes([label])).digest()
        for picture, label in zip(pictures, labels, strict=True)
    ]
    return np.array(sorted(range(len(keys)), key=keys.__getitem__), dtype=np.int64)


def _check_archive(archive: Path) -> None:
    if not CHECKSUM.matches(archive):
        raise DataError(
            f"{archive} is not the archive of CIFAR-10, or not all of it (its checksum differs): delete it "
            "or put the right one there."
        )


def _download(archive: Path, home: Path, progress: Progress) -> None:
    def report(received: int) -> None:
        done = f"{received / 1e6:.0f} of {ARCHIVE_BYTES / 1e6:.0f} MB"
        progress(f"Downloading CIFAR-10: {done}", min(0.9, 0.9 * received / ARCHIVE_BYTES))

    try:
        download(URL, archive, CHECKSUM, report)
    except DownloadError as error:
        raise DataError(f"CIFAR-10 could not be downloaded ({error}): {way_out(home)}") from error


def _unpack(archive: Path, home: Path) -> DatasetInfo:
    """Make the dataset of the archive, part after part, to save memory."""
    with storage.new_folder(home) as target:
        for part, files in _FILES.items():
            pictures, labels = read_batches(archive, files)
            order = canonical_order(pictures, labels)
            with storage.ImageFile(target, f"x_{part}") as images:
                for start in range(0, len(order), _AT_ONCE):
                    images.append(pictures[order[start : start + _AT_ONCE]])
            storage.save_array(target, f"y_{part}", labels[order])
        return storage.commit(target, home, name=NAME, title=TITLE, classes=CLASSES, source=SOURCE)


def read_batches(archive: Path, files: Collection[str]) -> tuple[np.ndarray, np.ndarray]:
    """Pictures uint8 (N, 32, 32, 3) and labels int64 (N,) of these files of the archive, in its order.

    Raises DataError when the archive does not hold them as published.
    """
    batches = []
    try:
        with tarfile.open(archive, "r:gz") as tar:
            for member in tar:  # once through: going back means unpacking from the start again
                if member.name in files and (file := tar.extractfile(member)):
                    batches.append(_read_batch(file))
        if len(batches) != len(files):
            raise ValueError(f"it holds {len(batches)} of {len(files)} files")
    except (tarfile.TarError, zlib.error, pickle.UnpicklingError, EOFError, KeyError, TypeError, ValueError) as error:
        raise DataError(f"{archive.name} is not CIFAR-10 as it was published ({error}): fetch it again.") from error
    pictures, labels = zip(*batches, strict=True)
    return np.concatenate(pictures), np.concatenate(labels)


def _read_batch(file: IO[bytes]) -> tuple[np.ndarray, np.ndarray]:
    """One batch: a dictionary with "data", a row of 3072 bytes for each picture (red, then green, then
    blue), and "labels".
    """
    batch = _ArrayUnpickler(file, encoding="latin1").load()
    data, labels = np.asarray(batch["data"]), np.asarray(batch["labels"], dtype=np.int64)
    if data.dtype != np.uint8 or data.shape != (len(labels), 3072) or not set(labels.tolist()) <= set(range(10)):
        raise ValueError(f"a batch is {data.dtype} {data.shape} with {len(labels)} labels")
    return np.ascontiguousarray(data.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)), labels


class _ArrayUnpickler(pickle.Unpickler):
    """Reads pickles of plain values and NumPy arrays, and runs nothing else that a pickle may ask for."""

    allowed = (("numpy._core.multiarray", "_reconstruct"), ("numpy", "ndarray"), ("numpy", "dtype"))

    def find_class(self, module: str, name: str) -> Any:
        """One of ``allowed``; UnpicklingError for everything else."""
        module = module.replace("numpy.core", "numpy._core")  # where it was when the archive was made
        if (module, name) not in self.allowed:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}")
        return super().find_class(module, name)
