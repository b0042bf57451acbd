"""What a dataset is: pictures, labels and class names, split once into training and test pictures. No torch."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from resnet_core.data.names import check_class_names
from resnet_core.errors import DataError
from resnet_core.formatting import percent

Progress = Callable[[str, float], None]
"""What long work on data reports to: what is happening, in words, and the fraction done, 0 to 1."""

RGB = tuple[float, float, float]

MIN_TRAIN, MIN_TEST = 4, 1
"""Pictures that each class needs."""

IMBALANCE = 4
"""Classes are called unbalanced from where the largest has so many times the training pictures of the smallest."""

_ROWS_AT_ONCE = 2048


@dataclass(frozen=True, eq=False)
class Dataset:
    """Pictures as bytes (N, H, W, 3), RGB, 0 to 255, and labels (N,) that index ``classes``.

    The arrays may be memory-mapped and read-only. ``fingerprint`` is the SHA-256 of pictures, labels and class names:
    two datasets with one fingerprint are the same data, wherever they came from. ``test_masks`` (M, H, W) is true on
    the object, where the dataset knows it (Shapes-10 does).

    Raises DataError when the arrays do not fit each other.
    """

    name: str
    title: str
    classes: tuple[str, ...]
    x_train: np.ndarray  # uint8 (N, H, W, 3)
    y_train: np.ndarray  # int64 (N,)
    x_test: np.ndarray  # uint8 (M, H, W, 3)
    y_test: np.ndarray  # int64 (M,)
    source: str
    fingerprint: str
    test_masks: np.ndarray | None = None  # bool (M, H, W)

    def __post_init__(self) -> None:
        check_part("train", self.x_train, self.y_train, len(self.classes))
        check_part("test", self.x_test, self.y_test, len(self.classes))
        if self.test_masks is not None and self.test_masks.shape != self.x_test.shape[:3]:
            raise DataError(f"The masks of {self.name} are {self.test_masks.shape}, its pictures {self.x_test.shape}.")

    @property
    def num_classes(self) -> int:
        return len(self.classes)

    @property
    def mean(self) -> RGB:
        """Mean of each colour channel over all pixels of the training pictures, in [0, 1]."""
        return self._channel_statistics[0]

    @property
    def std(self) -> RGB:
        """Standard deviation of each channel over all pixels of the training pictures, in [0, 1].

        Over pixels, as cifar10-airbench and torchvision's recipes have it (0.247, 0.243, 0.262 on CIFAR-10); the often
        copied 0.202 is the mean of the single pictures' deviations.
        """
        return self._channel_statistics[1]

    @cached_property
    def _channel_statistics(self) -> tuple[RGB, RGB]:
        """Mean and standard deviation."""
        values = self.x_train.shape[1] * self.x_train.shape[2] * 3
        total = np.zeros(values, np.int64)
        squares = np.zeros(values, np.int64)
        for start in range(0, len(self.x_train), _ROWS_AT_ONCE):
            rows = np.asarray(self.x_train[start : start + _ROWS_AT_ONCE]).reshape(-1, values)
            total += rows.sum(axis=0, dtype=np.int64)
            squares += np.square(rows, dtype=np.uint16).sum(axis=0, dtype=np.int64)  # 255^2 fits
        pixels = self.x_train.size / 3
        mean = total.reshape(-1, 3).sum(axis=0) / pixels
        variance = squares.reshape(-1, 3).sum(axis=0) / pixels - mean**2
        # A channel that never varies would make the normalisation divide by zero.
        std = np.sqrt(np.maximum(variance, 1.0))
        return _rgb(mean / 255), _rgb(std / 255)


@dataclass(frozen=True)
class DatasetInfo:
    """What the catalog says of a dataset without opening its pictures.

    ``ready`` is false for a dataset the lab knows how to get but does not have yet; ``bytes`` is then what it will take
    on disk, and ``fingerprint`` is None. The counts are of the pictures of each class, in the order of ``classes``;
    empty where they were not counted when the dataset was written.
    """

    name: str
    title: str
    classes: tuple[str, ...]
    n_train: int
    n_test: int
    source: str
    ready: bool
    bytes: int
    fingerprint: str | None
    train_counts: tuple[int, ...] = ()
    test_counts: tuple[int, ...] = ()

    @property
    def imbalance(self) -> str:
        """A warning where one class has many times the training pictures of another; else empty."""
        if not self.train_counts or max(self.train_counts) < IMBALANCE * min(self.train_counts):
            return ""
        most, fewest = (self.train_counts.index(pick(self.train_counts)) for pick in (max, min))
        largest, smallest = self.classes[most], self.classes[fewest]
        error = percent(1 - self.test_counts[most] / sum(self.test_counts))
        return (
            f"The classes are far from balanced: {largest} has {self.train_counts[most]:,} training pictures, "
            f"{smallest} {self.train_counts[fewest]:,}. A network that always answers {largest} has a test error of "
            f"{error}: that number alone tells little here."
        )


def _rgb(values: np.ndarray) -> RGB:
    red, green, blue = values.tolist()
    return red, green, blue


def check_part(part: str, images: np.ndarray, labels: np.ndarray, num_classes: int) -> None:
    """Raises DataError unless images are uint8 (N, H, W, 3) and labels N numbers below ``num_classes``."""
    if images.ndim != 4 or images.shape[3] != 3 or images.dtype != np.uint8:
        raise DataError(f"x_{part} must be uint8 (N, height, width, 3), not {images.dtype} {tuple(images.shape)}.")
    if labels.ndim != 1 or labels.dtype.kind not in "iu":
        raise DataError(f"y_{part} must be whole numbers (N,), not {labels.dtype} {tuple(labels.shape)}.")
    if len(images) != len(labels):
        raise DataError(f"x_{part} has {len(images):,} pictures but y_{part} {len(labels):,} labels.")
    if len(images) == 0:
        raise DataError(f"There are no {part} pictures: x_{part} is empty.")
    low, high = int(labels.min()), int(labels.max())
    if low < 0 or high >= num_classes:
        wrong = low if low < 0 else high
        raise DataError(f"y_{part} holds {wrong}; with {num_classes} classes labels go from 0 to {num_classes - 1}.")


def check_classes(classes: tuple[str, ...], y_train: np.ndarray, y_test: np.ndarray) -> None:
    """Raises DataError unless there are two classes or more and each has pictures to train on and to test."""
    check_class_names(classes)
    if len(classes) < 2:
        there = f"only one class, {classes[0]!r}" if classes else "no class"
        raise DataError(f"There is {there}: a network needs two or more to tell apart.")
    for part, labels, needed in (("training", y_train, MIN_TRAIN), ("test", y_test, MIN_TEST)):
        counts = np.bincount(labels, minlength=len(classes))
        fewest = int(counts.argmin())
        if counts[fewest] < needed:
            raise DataError(
                f"The class {classes[fewest]!r} has {counts[fewest]} {part} pictures: each class needs "
                f"at least {MIN_TRAIN} to train on and {MIN_TEST} to test."
            )
