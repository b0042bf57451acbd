"""Choosing some pictures of many. No torch."""

import numpy as np

from resnet_core.data.dataset import Dataset


def sample_indices(dataset: Dataset, part: str, size: int) -> np.ndarray:
    """Indices of `size` pictures (all of them where there are fewer) of the part "train" or "test", drawn at random:
    the same ones whenever they are asked for, and a smaller sample begins a larger one.

    The first pictures of a part would not do: imported folders are written class by class.
    """
    labels = dataset.y_train if part == "train" else dataset.y_test
    return np.random.default_rng(0).permutation(len(labels))[:size]


def balanced_sample(labels: np.ndarray, size: int) -> np.ndarray:
    """Indices of `size` pictures (all of them where there are fewer), in order: as many of each class as can be, the
    first of each.

    Args:
        labels: (N,) int, the class of each picture.
    """
    place_in_class = np.zeros(len(labels), int)
    for label in np.unique(labels):
        of_class = labels == label
        place_in_class[of_class] = np.arange(of_class.sum())
    return np.sort(np.argsort(place_in_class, kind="stable")[:size])
