"""A store of one's own, and noise in the place of CIFAR-10."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from resnet_core.data import storage
from resnet_core.runs.store import RunStore


@pytest.fixture
def store(home: Path) -> Iterator[RunStore]:
    store = RunStore(home)
    yield store
    store.close()


@pytest.fixture
def cifar10(home: Path) -> None:
    """40 training and 20 test pictures that are called CIFAR-10."""
    rng = np.random.default_rng(1)
    with storage.new_folder(home) as folder:
        for part, count in (("train", 40), ("test", 20)):
            storage.save_array(folder, f"x_{part}", rng.integers(0, 256, (count, 32, 32, 3), np.uint8))
            storage.save_array(folder, f"y_{part}", np.arange(count) % 10)
        classes = tuple(f"class {i}" for i in range(10))
        storage.commit(folder, home, name="cifar-10", title="CIFAR-10", classes=classes, source="noise")
