"""AlexNet and VGG-19 as torchvision lays them out, so that its state dicts load; a small first part at 32 pixels.

AlexNet at 224 is the one-column form of Krizhevsky 2014 (https://arxiv.org/abs/1404.5997). At 32 pixels its first
convolution is 3x3 at stride 1 and the first linear layer takes 3x3 pixels; VGG-19's takes the one pixel there is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from resnet_core.networks.architecture import alexnet_vgg_architecture
from resnet_core.networks.layers import build_layer
from resnet_core.networks.network import Network

if TYPE_CHECKING:
    from resnet_core.networks.spec import NetSpec


class AlexNetVGG(Network):
    """AlexNet or VGG-19: convolutions and pools, then three linear layers."""

    def __init__(self, spec: NetSpec) -> None:
        super().__init__()
        architecture = alexnet_vgg_architecture(spec)
        self.features = nn.Sequential(*(build_layer(layer) for layer in architecture.features))
        self.avgpool = build_layer(architecture.avgpool)
        self.classifier = nn.Sequential(*(build_layer(layer) for layer in architecture.classifier))

    def forward(self, x: Tensor) -> Tensor:
        x = self.avgpool(self.features(x))
        return self.classifier(torch.flatten(x, 1))

    def observed_blocks(self) -> list[tuple[str, nn.Module]]:
        """(name, module) of the ReLU after each convolution, the first standing for the stem."""
        return [
            (f"features.{index}", module) for index, module in enumerate(self.features) if isinstance(module, nn.ReLU)
        ]
