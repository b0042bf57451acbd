"""Finding pictures by what networks answer, and telling pictures unlike any they were trained for. No torch.

``logits`` are a survey's, see `survey.py`: (R, N, num_classes), R networks over the same N pictures.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

FEW = 0.05
"""A picture is called unlike a network's own when this share of the network's test pictures, or less, scores
lower. So one of twenty of its own is called so by mistake. Of other pictures (photos or shapes, blurred colours,
shuffled pixels, noise, one colour) it catches 71 to 100 % with networks trained on Shapes-10, but with networks
trained on CIFAR-10 anything from 0 % (one colour, plain-56) to 100 % (one colour, plain-20): `benchmarks/unlike.py`."""


@dataclass(frozen=True)
class Search:
    """One way to look for pictures.

    Attributes:
        order: (logits, y) -> indices of the hits, the most telling first. y: (N,) the true classes.
        networks: how many it takes at least.
        needs_truth: whether the pictures' classes must be those the networks answer with.
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


def sureness(logits: np.ndarray) -> np.ndarray:
    """(N,) largest probability, the mean over the networks."""
    return probabilities(logits).max(axis=-1).mean(axis=0)


def _disagree(logits: np.ndarray, _: np.ndarray) -> np.ndarray:
    answers = logits.argmax(axis=-1)
    return _surest((answers != answers[0]).any(axis=0), logits)


def _all_wrong(logits: np.ndarray, y: np.ndarray) -> np.ndarray:
    return _surest((logits.argmax(axis=-1) != y).all(axis=0), logits)


def _least_sure(logits: np.ndarray, _: np.ndarray) -> np.ndarray:
    return np.argsort(sureness(logits), kind="stable")


def _most_sure(logits: np.ndarray, _: np.ndarray) -> np.ndarray:
    return np.argsort(-sureness(logits), kind="stable")


def _surest(hit: np.ndarray, logits: np.ndarray) -> np.ndarray:
    """Indices where ``hit``, those first that the networks are surest about."""
    found = np.flatnonzero(hit)
    return found[np.argsort(-sureness(logits[:, found]), kind="stable")]


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
    "least_sure": Search("Least sure", "The lowest best probability first, averaged over the networks.", _least_sure),
    "most_sure": Search("Most sure", "The highest best probability first, averaged over the networks.", _most_sure),
}


def share_below(logits: np.ndarray, own: Sequence[float]) -> float:
    """Which share of a network's own test pictures has a lower best score than this picture.

    The score is the maximum logit (Hendrycks et al. 2019, Scaling Out-of-Distribution Detection for Real-World
    Settings, https://arxiv.org/abs/1911.11132): measured here, it tells other pictures apart better than the
    largest probability, and as well as the energy.

    Args:
        logits: (num_classes,) of the picture.
        own: the largest logits of the network's test pictures, or percentiles of them.
    """
    return float(np.mean(np.asarray(own) < logits.max()))
