"""One set of trained weights in three networks: with the skips as trained, with none, and with all of them.

Nothing is trained again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from resnet_core.analysis.labels import labels_to_tensor
from resnet_core.analysis.same_weights_result import ADDED, AS_TRAINED, REMOVED, SameWeights
from resnet_core.data.normalise import Normalise
from resnet_core.errors import SpecError
from resnet_core.networks.build import build_net
from resnet_core.networks.spec import NetSpec
from resnet_core.networks.surgery import load_shared_weights

_BATCH_SIZE = 250
"""Recalibrated statistics of batch norm are means over batches of this size."""


def evaluate_same_weights(
    spec: NetSpec,
    state: Mapping[str, Tensor],
    images: np.ndarray,
    labels: np.ndarray,
    mean: Sequence[float],
    std: Sequence[float],
) -> list[SameWeights]:
    """Loss and error of a trained network's weights as trained, with all skips removed, and with all added.

    A network that equals the one as trained is left out.

    Args:
        spec, state: the network as it was trained, and its state dict.
        images, labels: uint8 (N, H, W, 3) and (N,).
        mean, std: of the normalisation it was trained with.

    Raises:
        SpecError: the state dict is not one of this spec.
        DataError: pictures or labels that do not fit.
    """
    labels_of = labels_to_tensor(labels, len(images), spec)
    rows = []
    for skips, variant in _variants(spec):
        if isinstance(variant, str):
            rows.append(SameWeights(skips, None, impossible=variant))
            continue
        net = build_net(variant).to(memory_format=torch.channels_last)
        try:
            load_shared_weights(net, state)
        except SpecError as error:
            if skips == AS_TRAINED:
                raise
            rows.append(SameWeights(skips, variant, impossible=str(error)))
            continue
        rows.append(_measure(skips, variant, net, images, labels_of, mean, std))
    return rows


def _variants(spec: NetSpec) -> list[tuple[str, NetSpec | str]]:
    """(skips, the network or why there is none): the trained one first, and no network twice."""
    found: list[tuple[str, NetSpec | str]] = [(AS_TRAINED, spec)]
    # Stochastic depth only matters in training, and a network without skips cannot have it.
    for skips, name, base in ((REMOVED, "none", replace(spec, drop_path=0.0)), (ADDED, "all", spec)):
        try:
            variant = base.with_skips(name)
        except SpecError as error:
            found.append((skips, str(error)))
            continue
        if variant.skip_mask() != spec.skip_mask():
            found.append((skips, variant))
    return found


def _measure(
    skips: str,
    spec: NetSpec,
    net: nn.Module,
    images: np.ndarray,
    labels: Tensor,
    mean: Sequence[float],
    std: Sequence[float],
) -> SameWeights:
    net.eval()
    normalise = Normalise(mean, std, spec.image_size)
    batches = [
        (normalise(images[start : start + _BATCH_SIZE]), labels[start : start + _BATCH_SIZE])
        for start in range(0, len(images), _BATCH_SIZE)
    ]
    loss, error = _evaluate(net, batches)
    norms = [module for module in net.modules() if isinstance(module, nn.BatchNorm2d)]
    if not norms:
        return SameWeights(skips, spec, loss, error)
    _recalibrate_batch_norm(net, norms, batches)
    return SameWeights(skips, spec, loss, error, *_evaluate(net, batches))


@torch.inference_mode()
def _evaluate(net: nn.Module, batches: list[tuple[Tensor, Tensor]]) -> tuple[float, float]:
    loss, n_wrong = 0.0, 0
    for x, y in batches:
        logits = net(x)
        loss += F.cross_entropy(logits, y, reduction="sum").item()
        n_wrong += int((logits.argmax(1) != y).sum())
    count = sum(len(y) for _, y in batches)
    return loss / count, n_wrong / count


@torch.no_grad()
def _recalibrate_batch_norm(net: nn.Module, norms: list[nn.BatchNorm2d], batches: list[tuple[Tensor, Tensor]]) -> None:
    """Set batch norm's running statistics to means over the batches."""
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # a cumulative average: every batch has the same weight
        norm.train()
    for x, _ in batches:
        net(x)
    net.eval()
