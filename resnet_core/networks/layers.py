"""Layers that PyTorch lacks, and the module of each layer of `layer_types`.

Written to be observed: every use of a ReLU is a module of its own, and nothing works in place.
"""

from collections.abc import Iterable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from resnet_core.networks import layer_types


class ScalarBias(nn.Module):
    """x + value, one learned number for the whole layer; starts at 0 (Fixup)."""

    def __init__(self) -> None:
        super().__init__()
        self.value = nn.Parameter(torch.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.value


class ScalarScale(nn.Module):
    """x · value, one learned number for the whole layer; starts at 1 (Fixup) or 0 (SkipInit)."""

    def __init__(self) -> None:
        super().__init__()
        self.value = nn.Parameter(torch.ones(1))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.value


class ZeroPad(nn.Module):
    """Option A where the shape changes: every stride-th pixel, then channels of zeros (He et al. 2015, section 4.2).

    (N, in_channels, H, W) -> (N, out_channels, H/stride, W/stride).
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        self.stride = stride
        self.extra_channels = out_channels - in_channels

    def forward(self, x: Tensor) -> Tensor:
        return F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, 0, self.extra_channels))


def build_layer(layer: layer_types.Layer) -> nn.Module:
    """The module of one layer. Its weights are PyTorch's; `init_weights` replaces them."""
    match layer:
        case layer_types.Conv():
            return build_conv(layer)
        case layer_types.BatchNorm():
            return nn.BatchNorm2d(layer.channels)
        case layer_types.ReLU():
            return nn.ReLU(inplace=False)
        case layer_types.MaxPool():
            return nn.MaxPool2d(layer.kernel, stride=2, padding=layer.padding)
        case layer_types.AveragePool():
            return nn.AdaptiveAvgPool2d((layer.size, layer.size))
        case layer_types.Linear():
            return nn.Linear(layer.in_features, layer.out_features)
        case layer_types.Dropout():
            return nn.Dropout(0.5)
        case layer_types.ScalarBias():
            return ScalarBias()
        case layer_types.ScalarScale():
            return ScalarScale()
        case layer_types.ZeroPad():
            return ZeroPad(layer.in_channels, layer.out_channels, layer.stride)
        case layer_types.Identity():
            return nn.Identity()
    raise TypeError(f"There is no module for {layer!r}.")


def build_conv(conv: layer_types.Conv) -> nn.Conv2d:
    """The module of a convolution."""
    return nn.Conv2d(conv.in_channels, conv.out_channels, conv.kernel, conv.stride, conv.padding, bias=conv.bias)


def add_layers(parent: nn.Module, layers: Iterable[layer_types.Layer]) -> None:
    """Create the modules of these layers as attributes of `parent`, under the layers' names."""
    for layer in layers:
        setattr(parent, layer.name, build_layer(layer))
