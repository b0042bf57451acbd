"""What was measured in a network before its first update, as NumPy arrays. No torch."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from resnet_core.networks.spec import NetSpec

PRECISIONS = ("fp32", "fp64")


@dataclass(frozen=True, eq=False)
class Profile:
    """One design at step 0 on one batch, for S starts (seeds), B observed blocks (the stem first) and W
    layers.

    All arrays are float64. What overflowed or is not a number stands in them as such, and a gradient that is
    too small for ``precision`` as the exact 0 that a training in that precision would work with.

    Of each block's output (after the addition):
    ``grad_rms``: RMS over all elements of the gradient of the batch's mean loss, taken times the batch size.
    ``mean``, ``variance``: over all elements.

    Of each convolution's and linear layer's weights:
    ``weight_grad_rms``: RMS of the gradient of the batch's mean loss. ``grad_over_weight``: that over the RMS
    of the weights; NaN where they are all 0.
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


def joined(profiles: Sequence[Profile]) -> Profile:
    """Profiles of one design on one batch, from different seeds, as one profile. At least one."""
    first = profiles[0]
    arrays = [field.name for field in dataclasses.fields(Profile) if isinstance(getattr(first, field.name), np.ndarray)]
    return dataclasses.replace(
        first,
        seeds=tuple(seed for profile in profiles for seed in profile.seeds),
        **{name: np.concatenate([getattr(profile, name) for profile in profiles]) for name in arrays},
    )
