"""Which parts of a picture one network's score for one class depends on: `explain`.

The network itself is never touched. Captum works on a copy of its modules that shares weights and buffers, so the
original's hooks, train/eval mode and gradients stay as they are whatever happens, and several threads may explain the
same network at once.
"""

import copy
import itertools
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from resnet_core.attribution.captum_calls import CALLS, AttributionRequest, RawAttributions
from resnet_core.attribution.explain_result import Attribution
from resnet_core.attribution.methods import AttributionError, Method, get_method, resolve_params
from resnet_core.data.normalise import Normalise

# Captum warns at every call of Guided Backprop. Filtered once for the process: warnings.catch_warnings around each call
# would replace the filters of all threads.
warnings.filterwarnings("ignore", message="Setting backward hooks on ReLU activations")


def explain(
    net: nn.Module,
    x: torch.Tensor,
    target: int,
    method: str,
    *,
    normalise: Normalise,
    params: Mapping[str, object] | None = None,
) -> Attribution:
    """Attribute one network's logit for class `target` to the pixels of one picture.

    Args:
        net: any classifier, (N, 3, H, W) -> (N, num_classes); Grad-CAM also needs `observed_blocks()`.
        x: (1, 3, H, W) float, normalised; moved to the network's device.
        method: a name in `methods.METHODS`.
        normalise: what `x` was normalised with; baselines need it.
        params: the method's settings; what is not given takes its default.

    Raises:
        AttributionError: an unknown method, setting, class or block, a picture of the wrong shape, or a network whose
            output is not finite.
    """
    if x.ndim != 4 or x.shape[0] != 1:
        raise AttributionError(f"explain takes one picture of shape (1, 3, H, W); this one is {tuple(x.shape)}.")
    return explain_batch(net, x, [target], method, normalise=normalise, params=params)[0]


def explain_batch(
    net: nn.Module,
    x: torch.Tensor,
    targets: Sequence[int],
    method: str,
    *,
    normalise: Normalise,
    params: Mapping[str, object] | None = None,
) -> list[Attribution]:
    """As `explain` for several pictures (N, 3, H, W), each with its class, many in one pass."""
    row = get_method(method)
    settings = resolve_params(row, params)
    view = copy_sharing_weights(net)
    with full_precision_gradients(x.device.type):
        x = _on_device_of(view, x)
        request = AttributionRequest(view, x, torch.as_tensor(list(targets), device=x.device), normalise, settings)
        _check(request)
        results = []
        for start in range(0, len(x), request.batch_size):
            part = slice(start, start + request.batch_size)
            results += _explain_part(row, AttributionRequest(view, x[part], request.targets[part], normalise, settings))
    return results


def copy_sharing_weights(net: nn.Module) -> nn.Module:
    """A copy of the network's modules, in eval mode, that shares its parameters and buffers."""
    shared = {id(tensor): tensor for tensor in itertools.chain(net.parameters(), net.buffers())}
    return copy.deepcopy(net, shared).eval()


@contextmanager
def full_precision_gradients(device_type: str) -> Iterator[None]:
    """Gradients on and autocast off in this thread, whatever the caller has set: maps are computed in float32."""
    with torch.inference_mode(False), torch.enable_grad(), torch.autocast(device_type, enabled=False):
        yield


def _on_device_of(net: nn.Module, x: torch.Tensor) -> torch.Tensor:
    weight = next(net.parameters(), x)
    return x.detach().to(weight.device, torch.float32).clone()


def _check(request: AttributionRequest) -> None:
    shape = tuple(request.x.shape)
    if request.x.ndim != 4 or shape[0] == 0 or shape[1] != 3:
        raise AttributionError(f"Pictures must have the shape (N, 3, H, W); these are {shape}.")
    if request.targets.shape != shape[:1]:
        raise AttributionError(f"{shape[0]} pictures need {shape[0]} classes; there are {len(request.targets)}.")


def _explain_part(method: Method, request: AttributionRequest) -> list[Attribution]:
    started = time.perf_counter()
    logits = _logits(request)
    raw = CALLS[method.name](request)
    seconds = (time.perf_counter() - started) / len(request.x)
    maps = _reduce(raw.values.detach(), method.reduction, request.x.shape[-2:])
    return [_to_attribution(method, request, raw, logits, maps, index, seconds) for index in range(len(request.x))]


def _logits(request: AttributionRequest) -> torch.Tensor:
    """(N, num_classes), after checking that the targets exist and that all logits are finite."""
    with torch.no_grad():
        logits = request.net(request.x)
    num_classes = logits.shape[1]
    for target in request.targets.tolist():
        if not 0 <= target < num_classes:
            raise AttributionError(f"target is {target}; this network's classes are 0 to {num_classes - 1}.")
    if not torch.isfinite(logits).all():
        raise AttributionError(
            "The network's output for this picture is not finite, so nothing can be attributed; "
            "its training has probably diverged. Choose another network."
        )
    return logits


def _reduce(values: torch.Tensor, reduction: str, size: torch.Size) -> torch.Tensor:
    """(N, 3, H, W), or Grad-CAM's (N, 1, h, w), to (N, H, W), as `Method.reduction` says."""
    if reduction == "sum":
        return values.sum(1)
    if reduction == "max_abs":
        return values.abs().amax(1)
    if reduction == "shared":
        return values[:, 0]
    return F.interpolate(values, size=size, mode="bilinear", align_corners=False)[:, 0]


def _to_attribution(
    method: Method,
    request: AttributionRequest,
    raw: RawAttributions,
    logits: torch.Tensor,
    maps: torch.Tensor,
    index: int,
    seconds: float,
) -> Attribution:
    target = int(request.targets[index])
    logit = float(logits[index, target])
    values = _to_numpy(raw.values[index])
    baseline_logit = delta = None
    if raw.baseline_logits is not None:
        baseline_logit = float(raw.baseline_logits[index])
        delta = float(values.sum(dtype=np.float64)) - (logit - baseline_logit)
    is_cam = method.reduction == "cam"
    return Attribution(
        method=method.name,
        target=target,
        map=_to_numpy(maps[index]),
        raw=None if is_cam else values,
        native=values[0] if is_cam else None,
        logits=_to_numpy(logits[index]),
        logit=logit,
        baseline_logit=baseline_logit,
        delta=delta,
        seconds=seconds,
        params={**request.params, **(raw.resolved or {})},
    )


def _to_numpy(tensor: torch.Tensor) -> np.ndarray:
    return tensor.detach().cpu().numpy().astype(np.float32)
