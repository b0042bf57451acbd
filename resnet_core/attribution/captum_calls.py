"""The computation behind each row of `methods.METHODS`: by Captum, except where it would be wrong here.

Every function takes an `AttributionRequest` and returns `RawAttributions` for its whole batch of pictures. DeepLIFT
is our own (`deeplift.py` says why). The noisy copies of SmoothGrad and the baselines and points of GradientSHAP are
drawn here, because Captum draws from the global random state (torch's and NumPy's), which another visitor's work may
be using. All noise comes from a generator of its own, once for all pictures of a batch, so that a picture's map does
not depend on the others in its batch.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import torch
import torch.nn.functional as F
from captum.attr import (
    FeatureAblation,
    GuidedBackprop,
    GuidedGradCam,
    InputXGradient,
    IntegratedGradients,
    LayerGradCam,
    Occlusion,
    Saliency,
)
from torch import nn

from resnet_core.attribution.baselines import make_baseline, random_normal, random_uniform
from resnet_core.attribution.deeplift import deeplift_multipliers
from resnet_core.attribution.methods import AttributionError
from resnet_core.data.normalise import Normalise, per_channel
from resnet_core.networks.network import Network

_BATCH_BUDGET = 7_000_000
"""Pixels times convolutions in one forward and backward pass: 64 CIFAR pictures for ResNet-110 (about 0.8 GB of
activations), one picture of 224 for ResNet-152.
"""

_MAX_LARGE_PICTURES = 4
"""Pictures of 224 in a batch, whatever the network: VGG-19 has few convolutions, but wide ones at full size."""


@dataclass(frozen=True)
class AttributionRequest:
    """Pictures, classes and settings for one network.

    Attributes:
        net: in eval mode; used by this request alone, because Captum sets hooks and attributes on it.
        x: (N, 3, H, W) normalised float32 on the network's device.
        targets: (N,) int64 on the same device.
        normalise: what ``x`` was normalised with.
        params: from `methods.resolve_params`.
    """

    net: nn.Module
    x: torch.Tensor
    targets: torch.Tensor
    normalise: Normalise
    params: dict[str, Any]

    @property
    def batch_size(self) -> int:
        """Pictures in one forward and backward pass that fit in memory."""
        pixels = self.x.shape[-2] * self.x.shape[-1]
        fitting = max(1, _BATCH_BUDGET // (pixels * max(1, _count_convolutions(self.net))))
        return min(fitting, _MAX_LARGE_PICTURES) if pixels >= 224 * 224 else fitting

    def inputs(self) -> torch.Tensor:
        """The pictures as a new leaf that requires a gradient; Captum would warn about another and change it."""
        return self.x.clone().requires_grad_()

    def baseline(self) -> torch.Tensor:
        """(N, 3, H, W); a noise baseline is the same picture for all."""
        return self.baselines(1).expand_as(self.x)

    def baselines(self, count: int) -> torch.Tensor:
        """(N, 3, H, W), or (count, 3, H, W) for noise."""
        return make_baseline(self.params["baseline"], self.x, self.normalise, self.params["seed"], count)


@dataclass(frozen=True)
class RawAttributions:
    """A method's values for the whole batch, before channels are reduced.

    Attributes:
        values: (N, 3, H, W), or (N, 1, h, w) for Grad-CAM.
        baseline_logits: (N,), where the values are meant to add up to the logit's difference from the baseline's.
        resolved: settings that were decided here, such as the name of the last block.
    """

    values: torch.Tensor
    baseline_logits: torch.Tensor | None = None
    resolved: dict[str, str] | None = None


def saliency(request: AttributionRequest) -> RawAttributions:
    return RawAttributions(_gradients(request, request.x[None])[0])


def input_x_gradient(request: AttributionRequest) -> RawAttributions:
    return RawAttributions(InputXGradient(request.net).attribute(request.inputs(), target=request.targets))


def integrated_gradients(request: AttributionRequest) -> RawAttributions:
    baseline = request.baseline()
    values = IntegratedGradients(request.net).attribute(
        request.inputs(),
        baselines=baseline,
        target=request.targets,
        n_steps=request.params["n_steps"],
        internal_batch_size=max(request.batch_size, len(request.x)),
    )
    return RawAttributions(values.float(), _target_logits(request, baseline))


def smoothgrad(request: AttributionRequest) -> RawAttributions:
    """The mean of the signed gradients over noisy copies; the noise is equally strong in all colour channels."""
    count, level, seed = (request.params[name] for name in ("n_samples", "noise", "seed"))
    pixels = request.normalise.inverse(request.x)
    brightness_range = pixels.amax((1, 2, 3), keepdim=True) - pixels.amin((1, 2, 3), keepdim=True)
    sigma = level * brightness_range / per_channel(request.normalise.std, request.x)
    noise = random_normal((count, 1, *request.x.shape[1:]), seed, request.x)
    return RawAttributions(_gradients(request, request.x + sigma * noise).mean(0))


def deeplift(request: AttributionRequest) -> RawAttributions:
    baseline = request.baseline()
    multipliers = deeplift_multipliers(request.net, request.x, baseline, request.targets)
    return RawAttributions((request.x - baseline) * multipliers, _target_logits(request, baseline))


def gradient_shap(request: AttributionRequest) -> RawAttributions:
    """Expected gradients: the mean of gradient · (picture - baseline) at random points between the two."""
    count, seed = request.params["n_samples"], request.params["seed"]
    baselines = request.baselines(count)
    per_sample = baselines[:, None] if request.params["baseline"] == "noise" else baselines[None]
    difference = request.x - per_sample  # (count or 1, N, 3, H, W)
    # One point in each of `count` equal intervals between baseline and picture: less sampling noise than
    # points anywhere.
    intervals = torch.arange(count, device=request.x.device).view(count, 1, 1, 1, 1)
    points = (intervals + random_uniform((count, 1, 1, 1, 1), seed + 1, request.x)) / count
    values = (_gradients(request, per_sample + points * difference) * difference).mean(0)
    return RawAttributions(values, _mean_target_logits(request, per_sample.flatten(0, 1)))


def guided_backprop(request: AttributionRequest) -> RawAttributions:
    _separate_relu_inputs(request.net)
    return RawAttributions(GuidedBackprop(request.net).attribute(request.inputs(), target=request.targets))


def grad_cam(request: AttributionRequest) -> RawAttributions:
    name, block = _find_block(request)
    values = LayerGradCam(request.net, block).attribute(
        request.inputs(), target=request.targets, relu_attributions=True
    )
    return RawAttributions(values.detach(), resolved={"block": name})


def guided_grad_cam(request: AttributionRequest) -> RawAttributions:
    _separate_relu_inputs(request.net)
    name, block = _find_block(request)
    values = GuidedGradCam(request.net, block).attribute(request.inputs(), target=request.targets)
    return RawAttributions(values.detach(), resolved={"block": name})


def occlusion(request: AttributionRequest) -> RawAttributions:
    sides = request.x.shape[-2:]
    window = [max(1, round(request.params["window"] * side)) for side in sides]
    # A step longer than the square would leave pixels that are never covered.
    strides = [
        min(square, max(1, round(request.params["stride"] * side))) for square, side in zip(window, sides, strict=True)
    ]
    with torch.no_grad():
        values = Occlusion(request.net).attribute(
            request.x,
            sliding_window_shapes=(3, *window),
            strides=(3, *strides),
            baselines=request.baseline(),
            target=request.targets,
            perturbations_per_eval=max(1, request.batch_size // len(request.x)),
        )
    return RawAttributions(values)


def feature_ablation(request: AttributionRequest) -> RawAttributions:
    with torch.no_grad():
        values = FeatureAblation(request.net).attribute(
            request.x,
            baselines=request.baseline(),
            target=request.targets,
            feature_mask=_patch_grid(request.x, request.params["patches"]),
            perturbations_per_eval=max(1, request.batch_size // len(request.x)),
        )
    return RawAttributions(values)


CALLS: dict[str, Callable[[AttributionRequest], RawAttributions]] = {
    call.__name__: call
    for call in (
        saliency,
        input_x_gradient,
        integrated_gradients,
        smoothgrad,
        deeplift,
        gradient_shap,
        guided_backprop,
        grad_cam,
        guided_grad_cam,
        occlusion,
        feature_ablation,
    )
}


def find_block(net: nn.Module, name: str) -> tuple[str, nn.Module]:
    """Name and module of the observed block `name`; "last" is the last one.

    Raises:
        AttributionError: there is no such block; lists those there are.
    """
    blocks = dict(cast(Network, net).observed_blocks())
    if name == "last":
        name = next(reversed(blocks))
    if name not in blocks:
        raise AttributionError(f"This network has no block {name!r}; it has {', '.join(blocks)}.")
    return name, blocks[name]


def _separate_relu_inputs(net: nn.Module) -> None:
    """Give every ReLU of this network, which nothing else uses, a copy of its input.

    Captum changes the gradient of the tensor that enters a ReLU. Where the same tensor also enters the shortcut
    (ReLU-only pre-activation), it would change the shortcut's gradient, too.
    """
    for module in net.modules():
        if isinstance(module, nn.ReLU):
            module.register_forward_pre_hook(lambda _, inputs: (inputs[0].clone(),))


def _find_block(request: AttributionRequest) -> tuple[str, nn.Module]:
    return find_block(request.net, request.params["block"])


def _gradients(request: AttributionRequest, copies: torch.Tensor) -> torch.Tensor:
    """Gradients of the targets' logits, sign kept, for (S, N, 3, H, W): S copies of each of the N pictures."""
    copies_at_once = max(1, request.batch_size // len(request.x))
    saliency = Saliency(request.net)
    gradients = []
    for part in copies.detach().split(copies_at_once):
        inputs = part.flatten(0, 1).clone().requires_grad_()
        gradient = saliency.attribute(inputs, target=request.targets.repeat(len(part)), abs=False)
        gradients.append(gradient.view_as(part))
    return torch.cat(gradients)


def _target_logits(request: AttributionRequest, x: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        return request.net(x).gather(1, request.targets[:, None])[:, 0]


def _mean_target_logits(request: AttributionRequest, baselines: torch.Tensor) -> torch.Tensor:
    """(N,): each target's mean logit over its baselines, which are (samples or N, 3, H, W)."""
    with torch.no_grad():
        logits = torch.cat([request.net(part) for part in baselines.split(request.batch_size)])
    if request.params["baseline"] == "noise":
        return logits.mean(0)[request.targets]
    return logits.gather(1, request.targets[:, None])[:, 0]


def _count_convolutions(net: nn.Module) -> int:
    return sum(isinstance(module, nn.Conv2d) for module in net.modules())


def _patch_grid(x: torch.Tensor, patches: int) -> torch.Tensor:
    """(1, 1, H, W) int64: the index of each pixel's patch, `patches` a side (fewer in a smaller picture)."""
    height, width = x.shape[-2:]
    cells = torch.arange(patches * patches, device=x.device, dtype=torch.float32).view(1, 1, patches, patches)
    grid = F.interpolate(cells, size=(height, width), mode="nearest").long()
    return torch.unique(grid, return_inverse=True)[1]
