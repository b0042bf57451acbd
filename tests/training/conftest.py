"""A toy world for the trainer: sixteen-by-sixteen pixel nets would not do (specs are for 32), so the nets are
narrow and the sets tiny.
"""

import numpy as np
import pytest

from resnet_core.data.dataset import Dataset
from resnet_core.networks.spec import NetSpec


@pytest.fixture
def make_dataset():
    def make(n_train=20, n_test=10, classes=3, seed=0) -> Dataset:
        """Pictures whose class is told by their brightness."""
        rng = np.random.default_rng(seed)

        def part(n):
            y = np.arange(n) % classes
            x = rng.integers(0, 80, (n, 32, 32, 3)) + (y * 170 // max(1, classes - 1))[:, None, None, None]
            return x.astype(np.uint8), y.astype(np.int64)

        names = tuple(f"class {i}" for i in range(classes))
        return Dataset("toy", "Toy", names, *part(n_train), *part(n_test), "made up", f"toy-{n_train}-{seed}")

    return make


@pytest.fixture
def toy_spec() -> NetSpec:
    return NetSpec(family="residual", depth=8, width=4, num_classes=3)
