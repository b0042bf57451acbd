"""CIFAR-10 (Krizhevsky 2009, https://www.cs.toronto.edu/~kriz/cifar.html), through torchvision's download."""

from pathlib import Path

from resnet_core.data.dataset import DatasetInfo

NAME = "cifar-10"
TITLE = "CIFAR-10"
CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
SOURCE = "CIFAR-10 (Krizhevsky 2009): photographs of 32x32, 50,000 to train on and 10,000 to test."
ARCHIVE = "cifar-10-python.tar.gz"
ARCHIVE_BYTES = 170_498_071


def planned() -> DatasetInfo:
    """What the catalog shows before the pictures are there."""
    size = 60_000 * (32 * 32 * 3 + 8)
    return DatasetInfo(
        NAME, TITLE, CLASSES, 50_000, 10_000, SOURCE, ready=False, bytes=size, fingerprint=None
    )


def downloads_folder(home: Path) -> Path:
    """Where a person puts the archive when the server has no network."""
    return Path(home) / "downloads"


def way_out(home: Path) -> str:
    return (
        f"download it, or put {ARCHIVE} into {downloads_folder(home)} and download again, "
        "or import it as an .npz with x_train, y_train, x_test and y_test."
    )
