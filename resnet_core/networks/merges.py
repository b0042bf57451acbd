"""How a block's branch and its shortcut meet: `merge(branch, shortcut)`, both (N, C, H, W).

A merge is a module, so that a hook can see the end of the branch and the shortcut beside it.
"""

import torch
from torch import Tensor, nn

from resnet_core.networks import layer_types
from resnet_core.networks.layers import build_conv

DROPOUT = 0.5
"""He et al. 2016, section 3.4: ratio of the dropout shortcut."""


class Add(nn.Module):
    """branch + strength · shortcut."""

    def __init__(self, strength: float) -> None:
        super().__init__()
        self.strength = strength

    def forward(self, branch: Tensor, shortcut: Tensor) -> Tensor:
        return branch + _weakened(shortcut, self.strength)


class ScaledAdd(nn.Module):
    """(1 - strength) · branch + strength · shortcut (He et al. 2016, section 3.1, there with 0.5)."""

    def __init__(self, strength: float) -> None:
        super().__init__()
        self.strength = strength

    def forward(self, branch: Tensor, shortcut: Tensor) -> Tensor:
        return branch * (1 - self.strength) + shortcut * self.strength


class GatedAdd(nn.Module):
    """g · branch + (1 - g) · strength · shortcut, with g = sigmoid(gate(shortcut)) for each channel and pixel.

    Srivastava et al. 2015, eq. 3 (there g is the transform gate T), with a 3x3 convolution in highway layers; the
    gates of He et al. 2016, sections 3.2 and 3.3, are 1x1. `exclusive=False` leaves the branch as it is.
    """

    def __init__(self, gate: nn.Conv2d, exclusive: bool, strength: float) -> None:
        super().__init__()
        self.gate = gate
        self.sigmoid = nn.Sigmoid()
        self.exclusive = exclusive
        self.strength = strength

    def forward(self, branch: Tensor, shortcut: Tensor) -> Tensor:
        gate = self.sigmoid(self.gate(shortcut))
        carried = _weakened(shortcut * (1 - gate), self.strength)
        return (branch * gate if self.exclusive else branch) + carried


class DropoutAdd(nn.Module):
    """branch + strength · dropout(shortcut) (He et al. 2016, section 3.4). Draws from torch's global generator."""

    def __init__(self, strength: float) -> None:
        super().__init__()
        self.dropout = nn.Dropout(DROPOUT)
        self.strength = strength

    def forward(self, branch: Tensor, shortcut: Tensor) -> Tensor:
        return branch + self.dropout(shortcut) * self.strength


class StochasticAdd(nn.Module):
    """b · branch + strength · shortcut; b is 0 with probability `drop` for the whole batch, else 1.

    In evaluation b is its mean, 1 - drop (Huang et al. 2016, eq. 2 and 5). Draws one number per call from torch's
    global generator of the tensor's device. A dropped branch is computed and multiplied by 0, so its weights have a
    gradient of 0 rather than none, and its batch norm still updates its statistics.
    """

    def __init__(self, drop: float, strength: float) -> None:
        super().__init__()
        self.drop = drop
        self.strength = strength

    def forward(self, branch: Tensor, shortcut: Tensor) -> Tensor:
        return branch * self._survival(branch) + _weakened(shortcut, self.strength)

    def _survival(self, branch: Tensor) -> Tensor | float:
        if not self.training:
            return 1 - self.drop
        return (torch.rand((), device=branch.device) >= self.drop).to(branch.dtype)


def build_merge(merge: layer_types.Merge) -> nn.Module:
    """The module of a merge."""
    match merge:
        case layer_types.Add():
            return Add(merge.strength)
        case layer_types.ScaledAdd():
            return ScaledAdd(merge.strength)
        case layer_types.GatedAdd():
            return GatedAdd(build_conv(merge.gate), merge.exclusive, merge.strength)
        case layer_types.DropoutAdd():
            return DropoutAdd(merge.strength)
        case layer_types.StochasticAdd():
            return StochasticAdd(merge.drop, merge.strength)
    raise TypeError(f"There is no module for {merge!r}.")


def _weakened(shortcut: Tensor, strength: float) -> Tensor:
    """strength · shortcut, without an operation where it would change nothing."""
    return shortcut if strength == 1 else shortcut * strength
