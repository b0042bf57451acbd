"""The building blocks: what stands beside a branch, how the two meet, and the block that holds them.

Written to be observed: a ReLU module of its own for each use, nothing in place, and a block's output is the
value after the addition (and after the ReLU that follows it, where there is one).
"""

from collections.abc import Iterable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from resnet_core.networks import architecture
from resnet_core.networks.options import GATED_MERGES

DROPOUT = 0.5
"""He et al. 2016, section 3.4: ratio of the dropout shortcut."""


class Shift(nn.Module):
    """x + value, one learned number for the whole layer; starts at 0 (Fixup)."""

    def __init__(self) -> None:
        super().__init__()
        self.value = nn.Parameter(torch.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.value


class Scale(nn.Module):
    """x · value, one learned number for the whole layer (Fixup, SkipInit)."""

    def __init__(self) -> None:
        super().__init__()
        self.value = nn.Parameter(torch.ones(1))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.value


class ZeroPad(nn.Module):
    """Option A where the shape changes: every stride-th pixel, and channels of zeros behind."""

    def __init__(self, stride: int, extra_channels: int) -> None:
        super().__init__()
        self.stride = stride
        self.extra_channels = extra_channels

    def forward(self, x: Tensor) -> Tensor:
        return F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, 0, self.extra_channels))


class Add(nn.Module):
    """branch + strength · shortcut."""

    def __init__(self, strength: float) -> None:
        super().__init__()
        self.strength = strength

    def forward(self, branch: Tensor, shortcut: Tensor) -> Tensor:
        return branch + (shortcut if self.strength == 1 else shortcut * self.strength)


class ScaledAdd(nn.Module):
    """(1 - strength) · branch + strength · shortcut (He et al. 2016, section 3.1, there with 0.5)."""

    def __init__(self, strength: float) -> None:
        super().__init__()
        self.strength = strength

    def forward(self, branch: Tensor, shortcut: Tensor) -> Tensor:
        return branch * (1 - self.strength) + shortcut * self.strength


class GatedAdd(nn.Module):
    """g · branch + (1 - g) · strength · shortcut, with g = sigmoid(conv(shortcut)), one value per channel and
    pixel.

    Srivastava et al. 2015, eq. 3 (there g is the transform gate T), with a 3x3 convolution in highway layers;
    the gates of He et al. 2016, sections 3.2 and 3.3, are 1x1. `exclusive=False` leaves the branch as it is.
    """

    def __init__(self, channels: int, kernel: int, exclusive: bool, strength: float) -> None:
        super().__init__()
        self.gate = nn.Conv2d(channels, channels, kernel, padding=kernel // 2)
        self.sigmoid = nn.Sigmoid()
        self.exclusive = exclusive
        self.strength = strength

    def forward(self, branch: Tensor, shortcut: Tensor) -> Tensor:
        gate = self.sigmoid(self.gate(shortcut))
        carried = shortcut * (1 - gate)
        carried = carried if self.strength == 1 else carried * self.strength
        return (branch * gate if self.exclusive else branch) + carried


class DropoutAdd(nn.Module):
    """branch + strength · dropout(shortcut) (He et al. 2016, section 3.4). Uses torch's global generator."""

    def __init__(self, strength: float) -> None:
        super().__init__()
        self.dropout = nn.Dropout(DROPOUT)
        self.strength = strength

    def forward(self, branch: Tensor, shortcut: Tensor) -> Tensor:
        return branch + self.dropout(shortcut) * self.strength


class StochasticAdd(nn.Module):
    """b · branch + strength · shortcut, b = 0 with probability `drop` for the whole batch, else 1.

    In evaluation b is its mean, 1 - drop (Huang et al. 2016, eq. 2 and 5). One number a call from torch's
    global generator of the tensor's device. A dropped branch is computed and multiplied by 0, so its weights
    have a gradient of 0, not none, and its batch norm still learns its statistics.
    """

    def __init__(self, drop: float, strength: float) -> None:
        super().__init__()
        self.drop = drop
        self.strength = strength

    def forward(self, branch: Tensor, shortcut: Tensor) -> Tensor:
        return branch * self._keep(branch) + (shortcut if self.strength == 1 else shortcut * self.strength)

    def _keep(self, branch: Tensor) -> Tensor | float:
        if not self.training:
            return 1 - self.drop
        return (torch.rand((), device=branch.device) >= self.drop).to(branch.dtype)


class Block(nn.Module):
    """One block of a staged network, as its plan says: steps, the merge with the shortcut, steps.

    Without a skip there is neither merge nor shortcut: the branch's output goes on alone.
    """

    def __init__(self, block: architecture.Block, spec) -> None:
        super().__init__()
        bias = architecture.has_bias(spec)
        for step in (*block.shared, *block.branch, *block.after):
            self.add_module(step, _step_module(step, block, bias))
        self.plan = block
        self.downsample = _shortcut(block, bias, norm=spec.norm == "batch" and spec.family != "preact")
        self.merge = _merge(block, spec) if block.skip else None

    def forward(self, x: Tensor) -> Tensor:
        x = self._run(self.plan.shared, x)
        y = self.branch(x)
        if self.merge is not None:
            y = self.merge(y, self.shortcut(x))
        return self._run(self.plan.after, y)

    def branch(self, x: Tensor) -> Tensor:
        """F(x): what the block computes, before the shortcut is merged in."""
        return self._run(self.plan.branch, x)

    def shortcut(self, x: Tensor) -> Tensor:
        """The input as it arrives at the merge: itself, padded with zeros, or projected."""
        return x if self.downsample is None else self.downsample(x)

    def _run(self, steps: Iterable[str], x: Tensor) -> Tensor:
        for step in steps:
            x = getattr(self, step)(x)
        return x


def conv_module(conv: architecture.Conv, bias: bool) -> nn.Conv2d:
    """The module of a planned convolution."""
    return nn.Conv2d(conv.in_channels, conv.out_channels, conv.kernel, conv.stride, conv.pad, bias=bias)


def _step_module(step: str, block: architecture.Block, bias: bool) -> nn.Module:
    if step.startswith("conv"):
        return conv_module(block.convs[int(step[-1]) - 1], bias)
    if step.startswith("bn"):
        return nn.BatchNorm2d(block.norm_channels(step))
    if step.startswith("relu"):
        return nn.ReLU(inplace=False)
    return Shift() if step.startswith("bias") else Scale()


def _shortcut(block: architecture.Block, bias: bool, norm: bool) -> nn.Module | None:
    if not block.skip or block.shortcut == "identity":
        return None
    if block.shortcut == "pad":
        return ZeroPad(block.stride, block.out_channels - block.in_channels)
    projection = conv_module(block.projection, bias)
    return nn.Sequential(projection, *([nn.BatchNorm2d(block.out_channels)] if norm else []))


def _merge(block: architecture.Block, spec) -> nn.Module:
    if spec.family == "highway":
        return GatedAdd(block.out_channels, 3, exclusive=True, strength=spec.skip_strength)
    if spec.merge in GATED_MERGES:
        return GatedAdd(block.out_channels, 1, spec.merge == "exclusive_gate", spec.skip_strength)
    if spec.merge == "scaled":
        return ScaledAdd(spec.skip_strength)
    if spec.merge == "dropout":
        return DropoutAdd(spec.skip_strength)
    if block.drop:
        return StochasticAdd(block.drop, spec.skip_strength)
    return Add(spec.skip_strength)
