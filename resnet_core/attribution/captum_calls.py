"""The computation behind each row of `methods.METHODS`: by Captum, except where it would be wrong here.

Every function takes a `Question` and returns an `Answer` for its whole batch of pictures. DeepLIFT is our own
(`deeplift.py` says why). The noisy copies of SmoothGrad and the baselines and points of GradientSHAP are
drawn here, because Captum draws from the global random state (torch's and NumPy's), which another visitor's
work may be using. All noise comes from a generator of its own, once for all pictures of a batch, so a
picture's map does not depend on which others were asked about with it.
"""

from collections.abc import Callable
from dataclasses import dataclass

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

_BATCH_BUDGET = 7_000_000
"""Pixels times convolutions in one forward and backward pass: 64 CIFAR pictures for ResNet-110 (about 0.8 GB
of activations), one picture of 224 for ResNet-152."""
_LARGE_AT_ONCE = 4
"""Pictures of 224 at most, whatever the network: VGG-19 has few convolutions, but wide ones at full size."""


@dataclass(frozen=True)
class Question:
    """Pictures, classes and settings for one network.

    Attributes:
        net: in eval mode, private to the question (Captum sets hooks and attributes on it).
        x: (N, 3, H, W) normalised float32 on the network's device.
        targets: (N,) int64 on the same device.
        params: complete and checked.
    """

    net: nn.Module
    x: torch.Tensor
    targets: torch.Tensor
    normalise: Normalise
    params: dict[str, int | float | str]

    @property
    def batch_size(self) -> int:
        """Pictures in one forward and backward pass that fit in memory."""
        pixels = self.x.shape[-2] * self.x.shape[-1]
        fitting = max(1, _BATCH_BUDGET // (pixels * max(1, _count_convolutions(self.net))))
        return min(fitting, _LARGE_AT_ONCE) if pixels >= 224 * 224 else fitting

    def inputs(self) -> torch.Tensor:
        """The pictures as a fresh leaf; given one that needs no gradient, Captum warns and changes it."""
        return self.x.clone().requires_grad_()

    def baseline(self) -> torch.Tensor:
        """(N, 3, H, W); a noise baseline is the same picture for all."""
        return self.baselines(1).expand_as(self.x)

    def baselines(self, count: int) -> torch.Tensor:
        """(N, 3, H, W), or (count, 3, H, W) for noise."""
        return make_baseline(self.params["baseline"], self.x, self.normalise, self.params["seed"], count)


@dataclass(frozen=True)
class Answer:
    """What a method found for the whole batch.

    Attributes:
        values: (N, 3, H, W), or (N, 1, h, w) for Grad-CAM.
        baseline_logits: (N,), where the values' sum is meant to be complete.
        resolved: settings that were decided here.
    """

    values: torch.Tensor
    baseline_logits: torch.Tensor | None = None
    resolved: dict[str, str] | None = None


def saliency(question: Question) -> Answer:
    return Answer(_gradients(question, question.x[None])[0])


def input_x_gradient(question: Question) -> Answer:
    return Answer(InputXGradient(question.net).attribute(question.inputs(), target=question.targets))


def integrated_gradients(question: Question) -> Answer:
    baseline = question.baseline()
    values = IntegratedGradients(question.net).attribute(
        question.inputs(),
        baselines=baseline,
        target=question.targets,
        n_steps=question.params["n_steps"],
        internal_batch_size=max(question.batch_size, len(question.x)),
    )
    return Answer(values.float(), _target_logits(question, baseline))


def smoothgrad(question: Question) -> Answer:
    """The mean of the signed gradients over noisy copies; the noise is as strong in every channel."""
    count, level, seed = (question.params[name] for name in ("n_samples", "noise", "seed"))
    pixels = question.normalise.inverse(question.x)
    brightness_range = pixels.amax((1, 2, 3), keepdim=True) - pixels.amin((1, 2, 3), keepdim=True)
    sigma = level * brightness_range / per_channel(question.normalise.std, question.x)
    noise = random_normal((count, 1, *question.x.shape[1:]), seed, question.x)
    return Answer(_gradients(question, question.x + sigma * noise).mean(0))


def deeplift(question: Question) -> Answer:
    baseline = question.baseline()
    multipliers = deeplift_multipliers(question.net, question.x, baseline, question.targets)
    return Answer((question.x - baseline) * multipliers, _target_logits(question, baseline))


def gradient_shap(question: Question) -> Answer:
    """Expected gradients: the mean of gradient · (picture - baseline), at random points between them."""
    count, seed = question.params["n_samples"], question.params["seed"]
    baselines = question.baselines(count)
    per_sample = baselines[:, None] if question.params["baseline"] == "noise" else baselines[None]
    way = question.x - per_sample  # (count or 1, N, 3, H, W)
    # One point in each of `count` equal parts of the way: less sampling noise than points anywhere on it.
    parts = torch.arange(count, device=question.x.device).view(count, 1, 1, 1, 1)
    points = (parts + random_uniform((count, 1, 1, 1, 1), seed + 1, question.x)) / count
    values = (_gradients(question, per_sample + points * way) * way).mean(0)
    return Answer(values, _mean_target_logits(question, per_sample.flatten(0, 1)))


def guided_backprop(question: Question) -> Answer:
    _separate_relu_inputs(question.net)
    return Answer(GuidedBackprop(question.net).attribute(question.inputs(), target=question.targets))


def grad_cam(question: Question) -> Answer:
    name, block = _find_block(question)
    values = LayerGradCam(question.net, block).attribute(
        question.inputs(), target=question.targets, relu_attributions=True
    )
    return Answer(values.detach(), resolved={"block": name})


def guided_grad_cam(question: Question) -> Answer:
    _separate_relu_inputs(question.net)
    name, block = _find_block(question)
    values = GuidedGradCam(question.net, block).attribute(question.inputs(), target=question.targets)
    return Answer(values.detach(), resolved={"block": name})


def occlusion(question: Question) -> Answer:
    height, width = question.x.shape[-2:]
    window = [max(1, round(question.params["window"] * side)) for side in (height, width)]
    # A step longer than the square would leave pixels that are never covered.
    strides = [
        min(square, max(1, round(question.params["stride"] * side)))
        for square, side in zip(window, (height, width), strict=True)
    ]
    with torch.no_grad():
        values = Occlusion(question.net).attribute(
            question.x,
            sliding_window_shapes=(3, *window),
            strides=(3, *strides),
            baselines=question.baseline(),
            target=question.targets,
            perturbations_per_eval=max(1, question.batch_size // len(question.x)),
        )
    return Answer(values)


def feature_ablation(question: Question) -> Answer:
    with torch.no_grad():
        values = FeatureAblation(question.net).attribute(
            question.x,
            baselines=question.baseline(),
            target=question.targets,
            feature_mask=_patch_grid(question.x, question.params["patches"]),
            perturbations_per_eval=max(1, question.batch_size // len(question.x)),
        )
    return Answer(values)


CALLS: dict[str, Callable[[Question], Answer]] = {
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
    """The observed block called `name` ("last": the last one), or AttributionError listing all."""
    blocks = dict(net.observed_blocks())
    if name == "last":
        name = next(reversed(blocks))
    if name not in blocks:
        raise AttributionError(f"This network has no block {name!r}; it has {', '.join(blocks)}.")
    return name, blocks[name]


def _separate_relu_inputs(net: nn.Module) -> None:
    """Give every ReLU of this private net a copy of its input.

    Captum changes the gradient of the tensor that enters a ReLU. Where the same tensor also enters the
    shortcut (ReLU-only pre-activation), it would change the shortcut's gradient, too.
    """
    for module in net.modules():
        if isinstance(module, nn.ReLU):
            module.register_forward_pre_hook(lambda _, inputs: (inputs[0].clone(),))


def _find_block(question: Question) -> tuple[str, nn.Module]:
    return find_block(question.net, question.params["block"])


def _gradients(question: Question, copies: torch.Tensor) -> torch.Tensor:
    """The targets' logits differentiated by each of (S, N, 3, H, W), S copies of each picture; sign kept."""
    at_once = max(1, question.batch_size // len(question.x))
    saliency_of = Saliency(question.net)
    gradients = []
    for part in copies.detach().split(at_once):
        inputs = part.flatten(0, 1).clone().requires_grad_()
        gradient = saliency_of.attribute(inputs, target=question.targets.repeat(len(part)), abs=False)
        gradients.append(gradient.view_as(part))
    return torch.cat(gradients)


def _target_logits(question: Question, x: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        return question.net(x).gather(1, question.targets[:, None])[:, 0]


def _mean_target_logits(question: Question, baselines: torch.Tensor) -> torch.Tensor:
    """(N,): each target's mean logit over its baselines, (samples or N, 3, H, W) as `Question.baselines` gives."""
    with torch.no_grad():
        logits = torch.cat([question.net(part) for part in baselines.split(question.batch_size)])
    if question.params["baseline"] == "noise":
        return logits.mean(0)[question.targets]
    return logits.gather(1, question.targets[:, None])[:, 0]


def _count_convolutions(net: nn.Module) -> int:
    return sum(isinstance(module, nn.Conv2d) for module in net.modules())


def _patch_grid(x: torch.Tensor, patches: int) -> torch.Tensor:
    """(1, 1, H, W) int64: the number of each pixel's patch, `patches` a side (fewer in a smaller picture)."""
    height, width = x.shape[-2:]
    cells = torch.arange(patches * patches, device=x.device, dtype=torch.float32).view(1, 1, patches, patches)
    grid = F.interpolate(cells, size=(height, width), mode="nearest").long()
    return torch.unique(grid, return_inverse=True)[1]
