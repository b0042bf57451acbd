"""Choosing some pictures of many. No torch."""

import numpy as np


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
