"""What networks say to many pictures, part by part so that others get their answers between two parts."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch

from resnet_core.attribution.explain import full_precision_gradients, private_view
from resnet_core.trained.loaded import LoadedNet

AT_ONCE = 100
"""Pictures in a part."""


def survey(nets: Sequence[LoadedNet], pictures: np.ndarray) -> Iterator[np.ndarray]:
    """Logits (R, n, num_classes) float32 of R networks for n of the pictures at a time, in their order.

    Args:
        pictures: uint8 (N, H, W, 3).
    """
    for start in range(0, len(pictures), AT_ONCE):
        part = pictures[start : start + AT_ONCE]
        yield np.stack([_logits(net, part) for net in nets])


def _logits(net: LoadedNet, pictures: np.ndarray) -> np.ndarray:
    x = net.input(pictures)
    with full_precision_gradients(x.device.type), torch.no_grad():
        view = private_view(net.module)
        return view(x.to(next(view.parameters(), x).device)).cpu().numpy()
