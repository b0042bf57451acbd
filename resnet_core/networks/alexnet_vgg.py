"""AlexNet and VGG-19 as torchvision lays them out, so that its state dicts load; a small first part at 32
pixels.

AlexNet at 224 is the one-column form of Krizhevsky 2014 (https://arxiv.org/abs/1404.5997). At 32 pixels its
first convolution is 3x3 at stride 1 and the first linear layer takes 3x3 pixels; VGG-19's takes the one pixel
there is.
"""

import torch
from torch import Tensor, nn

from resnet_core.networks.blocks import conv_module
from resnet_core.networks.classic_plan import Layer, classic_plan


class ClassicNet(nn.Module):
    """AlexNet or VGG-19: `features`, `avgpool`, `classifier`. Takes (N, 3, H, W), gives (N, num_classes)."""

    def __init__(self, spec) -> None:
        super().__init__()
        plan = classic_plan(spec)
        self.features = nn.Sequential(*(_module(layer) for layer in plan.features))
        self.avgpool = nn.AdaptiveAvgPool2d((plan.pooled_size, plan.pooled_size))
        self.classifier = nn.Sequential(*(_module(layer) for layer in plan.classifier))

    def forward(self, x: Tensor) -> Tensor:
        x = self.avgpool(self.features(x))
        return self.classifier(torch.flatten(x, 1))

    def observed_blocks(self) -> list[tuple[str, nn.Module]]:
        """(name, module) of the ReLU after each convolution, the first standing for the stem."""
        return [
            (f"features.{index}", module) for index, module in enumerate(self.features) if isinstance(module, nn.ReLU)
        ]


def _module(layer: Layer) -> nn.Module:
    if layer.kind == "conv":
        return conv_module(layer.conv, bias=True)
    if layer.kind == "norm":
        return nn.BatchNorm2d(layer.width)
    if layer.kind == "pool":
        return nn.MaxPool2d(layer.width, stride=2)
    if layer.kind == "linear":
        return nn.Linear(layer.in_features, layer.width)
    return nn.ReLU(inplace=False) if layer.kind == "relu" else nn.Dropout(0.5)
