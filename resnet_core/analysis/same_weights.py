"""One set of trained weights, with its skips as trained, all taken away, and all put in. Nothing is trained
again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from resnet_core.analysis.labels import to_labels
from resnet_core.analysis.same_weights_result import ADDED, AS_TRAINED, REMOVED, SameWeights
from resnet_core.data.normalise import Normalise
from resnet_core.errors import SpecError
from resnet_core.networks.build import build_net
from resnet_core.networks.spec import NetSpec
from resnet_core.networks.surgery import load_shared

_AT_ONCE = 250
"""Pictures in a batch; batch norm's statistics, where they are taken anew, are means over such batches."""


def same_weights(
    spec: NetSpec,
    state: Mapping[str, Tensor],
    images: np.ndarray,
    labels: np.ndarray,
    mean: Sequence[float],
    std: Sequence[float],
) -> list[SameWeights]:
    """Loss and error of a trained network's weights, as trained, with all skips removed, with all added.

    spec, state: the network as it was trained, and its state dict. images: uint8 (N, H, W, 3); labels: (N,);
    mean, std: of the normalisation it was trained with. What equals "as trained" is left out.
    Raises SpecError when the state is not of the spec, DataError for pictures that do not fit.
    """
    labels_of = to_labels(labels, len(images), spec)
    rows = []
    for skips, variant in _variants(spec):
        if isinstance(variant, str):
            rows.append(SameWeights(skips, None, impossible=variant))
            continue
        net = build_net(variant).to(memory_format=torch.channels_last)
        try:
            load_shared(net, state)
        except SpecError as error:
            if skips == AS_TRAINED:
                raise
            rows.append(SameWeights(skips, variant, impossible=str(error)))
            continue
        rows.append(_measured(skips, variant, net, images, labels_of, mean, std))
    return rows


def _variants(spec: NetSpec) -> list[tuple[str, NetSpec | str]]:
    """(skips, the network, or why there is none); the trained one first, no network twice."""
    found: list[tuple[str, NetSpec | str]] = [(AS_TRAINED, spec)]
    # Stochastic depth is a matter of training, and a network without skips cannot have it.
    for skips, name, base in ((REMOVED, "none", replace(spec, drop_path=0.0)), (ADDED, "all", spec)):
        try:
            variant = base.with_skips(name)
        except SpecError as error:
            found.append((skips, str(error)))
            continue
        if variant.skip_mask() != spec.skip_mask():
            found.append((skips, variant))
    return found


def _measured(
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
        (normalise(images[start : start + _AT_ONCE]), labels[start : start + _AT_ONCE])
        for start in range(0, len(images), _AT_ONCE)
    ]
    loss, error = _evaluate(net, batches)
    norms = [module for module in net.modules() if isinstance(module, nn.BatchNorm2d)]
    if not norms:
        return SameWeights(skips, spec, loss, error)
    _refit(net, norms, batches)
    return SameWeights(skips, spec, loss, error, *_evaluate(net, batches))


@torch.inference_mode()
def _evaluate(net: nn.Module, batches: list[tuple[Tensor, Tensor]]) -> tuple[float, float]:
    loss, wrong = 0.0, 0
    for x, y in batches:
        logits = net(x)
        loss += F.cross_entropy(logits, y, reduction="sum").item()
        wrong += int((logits.argmax(1) != y).sum())
    count = sum(len(y) for _, y in batches)
    return loss / count, wrong / count


@torch.no_grad()
def _refit(net: nn.Module, norms: list[nn.BatchNorm2d], batches: list[tuple[Tensor, Tensor]]) -> None:
    """Batch norm's running statistics become means over the batches."""
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # every batch counts alike
        norm.train()
    for x, _ in batches:
        net(x)
    net.eval()
