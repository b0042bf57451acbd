"""The datasets a person can choose from: two the lab knows, then their own. No torch."""

from pathlib import Path

import numpy as np

from resnet_core.data import cifar10, shapes10, storage
from resnet_core.data.dataset import Dataset, DatasetInfo, Progress
from resnet_core.errors import DataError


def catalog(home: Path) -> list[DatasetInfo]:
    """Shapes-10 and CIFAR-10 first, ready or not, then the imported ones by name. Opens no pictures."""
    stored = {info.name: info for info in storage.stored_infos(home)}
    if not shapes10.is_stored(home):
        stored.pop(shapes10.NAME, None)  # of an older version: made anew when first used
    known = [stored.pop(info.name, info) for info in (shapes10.planned(), cifar10.planned())]
    return known + list(stored.values())


def load_dataset(name: str, home: Path, progress: Progress | None = None) -> Dataset:
    """The dataset, its pictures memory-mapped. Shapes-10 is generated when first asked for, and anew when the copy that
    is here comes from an older version of the generator.

    Raises DataError when it is not there, and says how to get it.
    """
    if name == shapes10.NAME and not shapes10.is_stored(home):
        shapes10.create(home, progress)
    dataset = storage.read_dataset(home, name)
    if dataset is None:
        raise _missing(name, home)
    return dataset


def delete_dataset(name: str, home: Path) -> None:
    """Delete it from disk; trainings that have it open go on. Raises DataError when it is not there."""
    if not storage.remove_dataset(home, name):
        raise _missing(name, home)


def preview(name: str, home: Path, per_class: int = 8) -> tuple[np.ndarray, tuple[str, ...]]:
    """The first training pictures of each class, uint8 (C, k, 32, 32, 3), and the class names.

    k is ``per_class``, or less when the smallest class has fewer. Before Shapes-10 is generated, pictures of the same
    kind are drawn on the spot.
    """
    dataset: Dataset | None
    if name == shapes10.NAME and not shapes10.is_stored(home):
        dataset = shapes10.small_dataset(n_train=len(shapes10.CLASSES) * per_class, n_test=len(shapes10.CLASSES))
    else:
        dataset = storage.read_dataset(home, name)
    if dataset is None:
        raise _missing(name, home)
    rows = [np.flatnonzero(dataset.y_train == label) for label in range(dataset.num_classes)]
    k = min(per_class, min(len(r) for r in rows))
    return np.stack([dataset.x_train[r[:k]] for r in rows]), dataset.classes


def _missing(name: str, home: Path) -> DataError:
    if name == cifar10.NAME:
        return DataError(f"CIFAR-10 is not here yet: fetch it on the Train page; {cifar10.way_out(home)}")
    there = ", ".join(info.name for info in catalog(home) if info.ready or info.name == shapes10.NAME)
    return DataError(f"There is no dataset called {name!r}; there are: {there}.")
