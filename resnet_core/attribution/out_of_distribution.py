"""Telling pictures that are unlike any that a network was trained for. No torch."""

from collections.abc import Sequence

import numpy as np

OOD_SHARE = 0.05
"""A picture is called unlike a network's own when this share of the network's test pictures, or less, scores lower.

So one of twenty of its own is called so by mistake. Of other pictures (photos or shapes, blurred colours, shuffled
pixels, noise, one colour) it catches 71 to 100 % with networks trained on Shapes-10, but with networks trained on
CIFAR-10 anything from 0 % (one colour, plain-56) to 100 % (one colour, plain-20): `benchmarks/unlike.py`.
"""


def share_below(logits: np.ndarray, own: Sequence[float]) -> float:
    """Share of a network's own test pictures that have a lower best score than this picture.

    The score is the maximum logit (Hendrycks et al. 2019, Scaling Out-of-Distribution Detection for Real-World
    Settings, https://arxiv.org/abs/1911.11132): measured here, it tells other pictures apart better than the
    largest probability, and as well as the energy.

    Args:
        logits: (num_classes,) of the picture.
        own: the largest logits of the network's test pictures, or percentiles of them.
    """
    return float(np.mean(np.asarray(own) < logits.max()))
