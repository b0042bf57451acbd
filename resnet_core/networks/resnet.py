"""Plain, residual, pre-activation and highway networks: a stem, three or four stages of blocks, a head.

The modules have torchvision's names, so that its state dicts load.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn

from resnet_core.networks.architecture import ResNetArchitecture, resnet_architecture
from resnet_core.networks.blocks import Block, build_block
from resnet_core.networks.layers import ScalarBias, add_layers
from resnet_core.networks.network import Network

if TYPE_CHECKING:
    from resnet_core.networks.spec import NetSpec


class ResNet(Network):
    """A plain, residual or highway network (He et al. 2015, Table 1 and section 4.2).

    What a network lacks is an nn.Identity: batch norm in one without, `maxpool` at 32 pixels, and `layer4` in the
    CIFAR layout, which has three stages. Its weights are PyTorch's until `init_weights`; see `build_net`.
    """

    conv1: nn.Conv2d
    bn1: nn.Module
    relu: nn.ReLU
    maxpool: nn.Module
    avgpool: nn.AdaptiveAvgPool2d
    fc: nn.Linear

    def __init__(self, architecture: ResNetArchitecture) -> None:
        super().__init__()
        self.architecture = architecture
        add_layers(self, architecture.stem)
        stages = [nn.Sequential(*(build_block(block) for block in stage)) for stage in architecture.stages]
        self.layer1, self.layer2, self.layer3 = stages[:3]
        self.layer4 = stages[3] if len(stages) == 4 else nn.Identity()
        add_layers(self, architecture.head)
        add_layers(self, architecture.classifier)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        x = self.layer1(x)
        x = self.layer2(x)
        x = self.layer3(x)
        x = self.layer4(x)
        return self.head(x)

    def stem(self, x: Tensor) -> Tensor:
        """(N, 3, H, W) to what the first block receives."""
        return self.maxpool(self.relu(self.bn1(self.conv1(x))))

    def head(self, x: Tensor) -> Tensor:
        """What the last block gives, (N, C, H, W), to logits (N, num_classes)."""
        return self.fc(torch.flatten(self.avgpool(x), 1))

    def blocks(self) -> list[tuple[str, Block]]:
        """(name, block) of every block that has, or could have, a skip, from the input to the output."""
        names = [block.name for block in self.architecture.blocks if block.can_skip]
        return [(name, cast(Block, self.get_submodule(name))) for name in names]

    def observed_blocks(self) -> list[tuple[str, nn.Module]]:
        stem = self.architecture.stem_output
        return [(stem, self.get_submodule(stem)), *self.blocks()]


class PreActResNet(ResNet):
    """A pre-activation network (He et al. 2016): its stem is a convolution alone, its head starts with the activation
    that the last block leaves out.
    """

    bn_last: nn.Module
    relu_last: nn.ReLU

    def stem(self, x: Tensor) -> Tensor:
        return self.maxpool(self.conv1(x))

    def head(self, x: Tensor) -> Tensor:
        return super().head(self.relu_last(self.bn_last(x)))


class ReLUOnlyPreActResNet(PreActResNet):
    """A pre-activation network with batch norm after each convolution (He et al. 2016, figure 4d)."""

    def stem(self, x: Tensor) -> Tensor:
        return self.maxpool(self.bn1(self.conv1(x)))

    def head(self, x: Tensor) -> Tensor:
        return ResNet.head(self, self.relu_last(x))


class FixupResNet(ResNet):
    """A network of Fixup blocks: scalar biases in place of batch norm (Zhang et al. 2019)."""

    bias1: ScalarBias
    bias2: ScalarBias

    def stem(self, x: Tensor) -> Tensor:
        return self.maxpool(self.relu(self.bias1(self.conv1(x))))

    def head(self, x: Tensor) -> Tensor:
        return self.fc(self.bias2(torch.flatten(self.avgpool(x), 1)))


NETWORKS: dict[str, type[ResNet]] = {
    network.__name__: network for network in (ResNet, PreActResNet, ReLUOnlyPreActResNet, FixupResNet)
}


def build_resnet(spec: NetSpec) -> ResNet:
    """The network of a spec of one of these families, with PyTorch's weights."""
    architecture = resnet_architecture(spec)
    return NETWORKS[architecture.class_name](architecture)
