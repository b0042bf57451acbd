"""What pages ask about trained networks: plain data in and out, for the inference worker.

Most are generators, so that each part of an answer can be shown as soon as it is there. Whatever they return can be
unpickled by a process without torch.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict

import numpy as np
import torch

from resnet_core.attribution import trust
from resnet_core.attribution.explain import copy_sharing_weights, explain, explain_batch, full_precision_gradients
from resnet_core.attribution.explain_result import Attribution
from resnet_core.attribution.methods import AttributionError, get_method
from resnet_core.attribution.statistics import bootstrap_mean, object_share
from resnet_core.trained.loaded import LoadedNet

_EXPLAINED_AT_ONCE = 25
"""Pictures in one call: bounds the arrays in memory before each map is reduced to one number."""

_PREDICTED_AT_ONCE = 100
"""Pictures in one part of `compute_logits`."""


def predict_many(nets: Sequence[LoadedNet], picture: np.ndarray) -> list[np.ndarray]:
    """Each network's class probabilities (num_classes,) float32 for a uint8 picture (H, W, 3)."""
    return [_logits(net, picture).softmax(1)[0].cpu().numpy() for net in nets]


def compute_logits(nets: Sequence[LoadedNet], pictures: np.ndarray) -> Iterator[np.ndarray]:
    """Logits of R networks for many pictures, part by part.

    Args:
        pictures: uint8 (N, H, W, 3).

    Yields:
        (R, n, num_classes) float32 for the next n pictures.
    """
    for start in range(0, len(pictures), _PREDICTED_AT_ONCE):
        part = pictures[start : start + _PREDICTED_AT_ONCE]
        yield np.stack([_logits(net, part).cpu().numpy() for net in nets])


def _logits(net: LoadedNet, pictures: np.ndarray) -> torch.Tensor:
    """(N, num_classes) float32; the network is used in eval mode and left as it was."""
    x = net.input(pictures)
    with full_precision_gradients(x.device.type), torch.no_grad():
        module = copy_sharing_weights(net.module)
        logits: torch.Tensor = module(x.to(next(module.parameters(), x).device))
    return logits


def explain_many(
    nets: Sequence[LoadedNet],
    picture: np.ndarray,
    methods: Sequence[str],
    target: int | None = None,
    params: Mapping[str, Mapping[str, object]] | None = None,
) -> Iterator[tuple[int, Attribution]]:
    """Explain one picture by every method for every network, method by method so that twins appear together.

    Args:
        picture: uint8 (H, W, 3).
        target: the class for all networks; None for each network's own prediction.
        params: settings by method name.

    Yields:
        (index of the network, its attribution).
    """
    for method in methods:
        get_method(method)
    if target is None:
        targets = [int(probabilities.argmax()) for probabilities in predict_many(nets, picture)]
    else:
        targets = [target] * len(nets)
    inputs = [net.input(picture) for net in nets]
    for method in methods:
        settings = (params or {}).get(method)
        for index, (net, x) in enumerate(zip(nets, inputs, strict=True)):
            yield (
                index,
                explain(net.module, x, targets[index], method, normalise=net.normalise, params=settings),
            )


def trust_report(
    nets: Sequence[LoadedNet], picture: np.ndarray, attribution: Attribution
) -> Iterator[tuple[str, dict[str, object]]]:
    """The measures of `trust.py` for one network's map, cheapest first: (measure, its fields).

    "completeness", with fields delta, change and relative, comes only for methods that claim it. In "randomisation" the
    field twin is an Attribution. For a large network the other measures, which would take minutes, are left out.
    """
    (net,) = nets
    if attribution.delta is not None:
        yield (
            "completeness",
            {"delta": attribution.delta, "change": attribution.change, "relative": attribution.relative_gap},
        )
    request = (net.module, net.input(picture), attribution, net.normalise)
    check = trust.randomisation_check(*request)
    yield "randomisation", {"signed": check.signed, "absolute": check.absolute, "twin": check.twin}
    if net.trained.is_large:
        return
    curves = trust.deletion_insertion(*request)
    areas = {f"{name}_area": curves.area(name) for name in ("deletion", "insertion")}
    areas |= {f"{name}_random_area": curves.area(f"{name}_random") for name in ("deletion", "insertion")}
    yield "deletion_insertion", asdict(curves) | areas
    yield "infidelity", asdict(trust.infidelity(*request))
    yield "sensitivity", asdict(trust.sensitivity(*request))


def object_shares(
    nets: Sequence[LoadedNet],
    pictures: np.ndarray,
    masks: np.ndarray,
    targets: Sequence[int],
    methods: Sequence[str],
    params: Mapping[str, Mapping[str, object]] | None = None,
) -> Iterator[dict[str, object]]:
    """Share of each map that lies on the object, over many pictures, by network and method.

    A high share does not make a good map: Guided Backprop, which draws the picture's edges whatever the network has
    learned, has the highest.

    Args:
        pictures: uint8 (N, H, W, 3).
        masks: bool (N, H, W), True on the object.
        targets: the N classes to explain.

    Yields:
        One row for each method and network: net (index), method, shares (N,) with nan for empty maps, mean, low, high
        (95 % bootstrap over the pictures), count, chance (the object's mean share of the area).
    """
    if len(pictures) != len(masks) or len(pictures) != len(targets) or not len(pictures):
        raise AttributionError(
            "There must be as many masks and classes as pictures; there are "
            f"{len(pictures)} pictures, {len(masks)} masks and {len(targets)} classes."
        )
    for method in methods:
        get_method(method)
    chance = float(np.mean(masks))
    for method in methods:
        for index, net in enumerate(nets):
            shares = _shares(net, pictures, masks, targets, method, (params or {}).get(method))
            interval = asdict(bootstrap_mean(shares))
            yield {"net": index, "method": method, "chance": chance, "shares": shares, **interval}


def _shares(
    net: LoadedNet,
    pictures: np.ndarray,
    masks: np.ndarray,
    targets: Sequence[int],
    method: str,
    params: Mapping[str, object] | None,
) -> np.ndarray:
    attributions = []
    for start in range(0, len(pictures), _EXPLAINED_AT_ONCE):
        part = slice(start, start + _EXPLAINED_AT_ONCE)
        attributions += explain_batch(
            net.module,
            net.input(pictures[part]),
            targets[part],
            method,
            normalise=net.normalise,
            params=params,
        )
    return np.array([object_share(a.map, mask) for a, mask in zip(attributions, masks, strict=True)])
