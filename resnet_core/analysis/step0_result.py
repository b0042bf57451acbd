"""What was measured in a network before its first update, as NumPy arrays. No torch."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from resnet_core.networks.spec import NetSpec

PRECISIONS = ("fp32", "fp64")


@dataclass(frozen=True, eq=False)
class Step0Result:
    """One design at step 0 on one batch, for S seeds of its initial weights, B observed blocks (the stem first) and W
    layers with weights.

    All arrays are float64. They hold infinities and NaN as they were computed, and for a gradient that is too small for
    ``precision`` the exact 0 that a training in that precision would see.

    Of each block's output (after the addition):
    ``grad_rms``: RMS over all elements of the gradient of the batch's mean loss, taken times the batch size.
    ``mean``, ``variance``: over all elements.

    Of each convolution's and linear layer's weights:
    ``weight_grad_rms``: RMS of the gradient of the batch's mean loss. ``grad_over_weight``: that over the RMS of the
    weights; NaN where they are all 0.
    """

    spec: NetSpec
    pictures: int  # in the batch
    precision: str  # "fp32" or "fp64": of weights, signal and gradient
    seeds: tuple[int, ...]
    block_names: tuple[str, ...]
    weight_names: tuple[str, ...]
    weight_on_path: tuple[bool, ...]  # a convolution of stem or branch; not of a shortcut, a gate or the classifier
    loss: np.ndarray  # (S,), mean cross-entropy in nats
    grad_rms: np.ndarray  # (S, B)
    mean: np.ndarray  # (S, B)
    variance: np.ndarray  # (S, B)
    weight_grad_rms: np.ndarray  # (S, W)
    grad_over_weight: np.ndarray  # (S, W)


def concat_seeds(results: Sequence[Step0Result]) -> Step0Result:
    """Join results of one design on one batch with different seeds; at least one."""
    first = results[0]
    arrays: dict[str, Any] = {
        field.name: np.concatenate([getattr(result, field.name) for result in results])
        for field in dataclasses.fields(Step0Result)
        if isinstance(getattr(first, field.name), np.ndarray)
    }
    return dataclasses.replace(first, seeds=tuple(seed for result in results for seed in result.seeds), **arrays)
