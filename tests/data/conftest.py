"""Small pictures and datasets to try things on."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from resnet_core.data import limits
from resnet_core.data.dataset import Dataset


def encoded(image: Image.Image, kind: str = "PNG", **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


@pytest.fixture
def encode():
    """A function that gives a Pillow image's bytes in a format."""
    return encoded


@pytest.fixture
def class_folders(tmp_path: Path):
    """A function that makes class folders, {"rose": 6, ...}, with a colour for each class."""

    def make(counts: dict[str, int], top: Path | None = None, size: tuple[int, int] = (20, 20)) -> Path:
        top = top or tmp_path / "pictures"
        for k, (name, n) in enumerate(counts.items()):
            (top / name).mkdir(parents=True, exist_ok=True)
            for i in range(n):
                image = Image.new("RGB", size, (40 * k, 3 * i, 200))
                (top / name / f"{i}.png").write_bytes(encoded(image))
        return top

    return make


@pytest.fixture
def save_npz(tmp_path: Path):
    """A function that writes an .npz of two classes, with arrays replaced, added or (None) left out."""

    def save(name: str = "own.npz", **changes) -> Path:
        random = np.random.default_rng(0)
        arrays = {
            "x_train": random.integers(0, 256, (12, 32, 32, 3), dtype=np.uint8),
            "y_train": np.arange(12) % 2,
            "x_test": random.integers(0, 256, (4, 32, 32, 3), dtype=np.uint8),
            "y_test": np.arange(4) % 2,
        } | changes
        path = tmp_path / name
        np.savez(path, **{key: value for key, value in arrays.items() if value is not None})
        return path

    return save


@pytest.fixture
def free_bytes(monkeypatch):
    """A function that makes the machine have so much memory or disk, as far as imports can see."""

    def set_free(memory: int | None = None, disk: int | None = None) -> None:
        if memory is not None:
            monkeypatch.setattr(limits, "free_memory", lambda: memory)
        if disk is not None:
            monkeypatch.setattr(limits, "_free_disk", lambda folder: disk)

    return set_free


@pytest.fixture
def tiny_dataset():
    """A function that makes a dataset of two classes in memory, with fields replaced."""

    def make(**changes) -> Dataset:
        fields = {
            "name": "tiny",
            "title": "Tiny",
            "classes": ("a", "b"),
            "x_train": np.zeros((4, 8, 8, 3), np.uint8),
            "y_train": np.array([0, 1, 0, 1]),
            "x_test": np.zeros((2, 8, 8, 3), np.uint8),
            "y_test": np.array([0, 1]),
            "source": "made for a test",
            "fingerprint": "0" * 64,
        }
        return Dataset(**(fields | changes))

    return make
