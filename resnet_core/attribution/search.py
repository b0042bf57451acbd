"""Finding pictures by what networks answer. No torch.

``logits`` are those of `questions.compute_logits`: (R, N, num_classes), R networks over the same N pictures.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Search:
    """One way to look for pictures.

    Attributes:
        order: (logits, y) -> indices of the pictures that match, most telling first. y: (N,) the true classes.
        networks: how many it needs at least.
        needs_truth: whether the pictures' classes must be those of the networks.
    """

    title: str
    help: str
    order: Callable[[np.ndarray, np.ndarray], np.ndarray]
    networks: int = 1
    needs_truth: bool = False


def probabilities(logits: np.ndarray) -> np.ndarray:
    """Softmax over the last axis, float64."""
    shifted = np.exp(logits.astype(np.float64) - logits.max(axis=-1, keepdims=True))
    return shifted / shifted.sum(axis=-1, keepdims=True)


def confidence(logits: np.ndarray) -> np.ndarray:
    """(N,) largest probability of a class, the mean over the networks."""
    return probabilities(logits).max(axis=-1).mean(axis=0)


def _disagree(logits: np.ndarray, _: np.ndarray) -> np.ndarray:
    answers = logits.argmax(axis=-1)
    return _by_confidence((answers != answers[0]).any(axis=0), logits)


def _all_wrong(logits: np.ndarray, y: np.ndarray) -> np.ndarray:
    return _by_confidence((logits.argmax(axis=-1) != y).all(axis=0), logits)


def _least_confident(logits: np.ndarray, _: np.ndarray) -> np.ndarray:
    return np.argsort(confidence(logits), kind="stable")


def _most_confident(logits: np.ndarray, _: np.ndarray) -> np.ndarray:
    return np.argsort(-confidence(logits), kind="stable")


def _by_confidence(matches: np.ndarray, logits: np.ndarray) -> np.ndarray:
    """Indices of the pictures that match, those first of which the networks are most confident."""
    found = np.flatnonzero(matches)
    return found[np.argsort(-confidence(logits[:, found]), kind="stable")]


SEARCHES = {
    "disagree": Search(
        "The networks disagree",
        "At least two of the networks on the table answer differently; the surest answers come first.",
        _disagree,
        networks=2,
    ),
    "all_wrong": Search(
        "All of them are wrong",
        "None of the networks on the table answers the true class; the surest mistakes come first.",
        _all_wrong,
        needs_truth=True,
    ),
    "least_sure": Search(
        "Least sure", "The lowest best probability first, averaged over the networks.", _least_confident
    ),
    "most_sure": Search(
        "Most sure", "The highest best probability first, averaged over the networks.", _most_confident
    ),
}
