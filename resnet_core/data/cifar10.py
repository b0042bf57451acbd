"""CIFAR-10 (Krizhevsky 2009, https://www.cs.toronto.edu/~kriz/cifar.html), through torchvision's download. No torch."""

import hashlib
import tarfile
import threading
import time
from http.client import HTTPException
from pathlib import Path

import numpy as np

from resnet_core.data import storage
from resnet_core.data.dataset import DatasetInfo, Progress
from resnet_core.errors import DataError

NAME = "cifar-10"
TITLE = "CIFAR-10"
CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
SOURCE = "CIFAR-10 (Krizhevsky 2009): photographs of 32x32, 50,000 to train on and 10,000 to test."
ARCHIVE = "cifar-10-python.tar.gz"
ARCHIVE_BYTES = 170_498_071
STALLED_S = 60
"""So long a download may stand still before it is given up."""


def planned() -> DatasetInfo:
    """What the catalog shows before the pictures are there."""
    size = 60_000 * (32 * 32 * 3 + 8)
    return DatasetInfo(NAME, TITLE, CLASSES, 50_000, 10_000, SOURCE, ready=False, bytes=size, fingerprint=None)


def downloads_folder(home: Path) -> Path:
    """Where a person puts the archive when the server has no network."""
    return Path(home) / "downloads"


def way_out(home: Path) -> str:
    return (
        f"without a network, put {ARCHIVE} into {downloads_folder(home)} and ask for the download again, "
        "or import an .npz with x_train, y_train, x_test and y_test."
    )


def fetch_cifar10(home: Path, progress: Progress | None = None) -> DatasetInfo:
    """Download CIFAR-10 (170 MB) with torchvision, which verifies its checksums, and keep it as a dataset.

    An archive that a person put into ``downloads_folder(home)`` is used instead of the network. Whatever
    happens, no part of a download stays behind. Raises DataError when there is no network or the archive is
    another, and says the way out.
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
            (scratch / ARCHIVE).symlink_to(archive.resolve())
        _download(scratch, home, progress)
        progress("Unpacking CIFAR-10", 0.95)
        return _keep(scratch, home)


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
    from torchvision.datasets import CIFAR10
    from torchvision.datasets.utils import check_integrity

    if not check_integrity(archive, CIFAR10.tgz_md5):
        raise DataError(
            f"{archive} is not the archive of CIFAR-10, or not all of it (its checksum differs): delete it "
            "or put the right one there."
        )


def _download(folder: Path, home: Path, progress: Progress) -> None:
    """Download, verify and unpack into ``folder``, in a thread: progress is told meanwhile from here."""
    from torchvision.datasets import CIFAR10

    failures: list[Exception] = []

    def work() -> None:
        try:
            CIFAR10(str(folder), train=False, download=True)  # the smaller part is read at once
        except (OSError, RuntimeError, HTTPException, tarfile.TarError) as error:
            failures.append(error)

    # A daemon: when the person gives up, or the network stands still, nobody waits for it.
    thread = threading.Thread(target=work, name="cifar-10 download", daemon=True)
    thread.start()
    partial = folder / ARCHIVE
    local = partial.is_symlink()
    size, grown_at = -1, time.monotonic()
    while thread.is_alive():
        thread.join(timeout=0.2)
        if local:
            progress(f"Unpacking {ARCHIVE}", 0.5)
            continue
        now = partial.stat().st_size if partial.exists() else 0
        if now != size:
            size, grown_at = now, time.monotonic()
            done = f"{size / 1e6:.0f} of {ARCHIVE_BYTES / 1e6:.0f} MB"
            progress(f"Downloading CIFAR-10: {done}", min(0.9, 0.9 * size / ARCHIVE_BYTES))
        elif size < ARCHIVE_BYTES and time.monotonic() - grown_at > STALLED_S:
            raise DataError(f"The download of CIFAR-10 stands still at {size / 1e6:.0f} MB: {way_out(home)}")
    if failures:
        raise DataError(f"CIFAR-10 could not be downloaded ({failures[0]}): {way_out(home)}") from failures[0]


def _keep(folder: Path, home: Path) -> DatasetInfo:
    """Make the dataset of what torchvision unpacked in ``folder``; part after part, to save memory."""
    from torchvision.datasets import CIFAR10

    with storage.new_folder(home) as target:
        for part in ("train", "test"):
            unpacked = CIFAR10(str(folder), train=part == "train", download=False)
            labels = np.array(unpacked.targets, dtype=np.int64)
            order = canonical_order(unpacked.data, labels)
            with storage.ImageFile(target, f"x_{part}") as images:
                for start in range(0, len(order), 5000):
                    images.append(unpacked.data[order[start : start + 5000]])
            storage.save_array(target, f"y_{part}", labels[order])
        classes = tuple(unpacked.classes)
        return storage.commit(target, home, name=NAME, title=TITLE, classes=classes, source=SOURCE)
