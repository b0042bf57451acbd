"""The blocks of plain, residual, pre-activation and highway networks, each with the forward that its paper draws.

A block without a skip has the same layers and applies them in the same order, but its branch's output goes on alone: a
plain network is a residual one whose blocks have no skip. A block's output is the value after the addition, and after
the ReLU that follows it, where there is one.
"""

from abc import ABC, abstractmethod

from torch import Tensor, nn

from resnet_core.networks.architecture import BlockArchitecture
from resnet_core.networks.layer_types import BatchNorm, Conv
from resnet_core.networks.layers import ScalarBias, ScalarScale, add_layers, build_layer
from resnet_core.networks.merges import build_merge


class Block(nn.Module, ABC):
    """What all blocks share: their layers, the shortcut, and how it is merged with the branch.

    The layers are named as torchvision names them; a class has those that its `forward` and its `branch` apply.
    downsample: the layers on the shortcut, None where it is an identity. merge: a module of `merges`, None without a
    skip. alpha: SkipInit's factor at the branch's end, None in all other networks.
    """

    conv1: nn.Conv2d
    conv2: nn.Conv2d
    conv3: nn.Conv2d
    bn1: nn.Module  # nn.BatchNorm2d, or nn.Identity in a network without batch norm
    bn2: nn.Module
    bn3: nn.Module
    relu1: nn.ReLU
    relu2: nn.ReLU
    relu3: nn.ReLU

    def __init__(self, architecture: BlockArchitecture) -> None:
        super().__init__()
        self.architecture = architecture
        self.alpha: ScalarScale | None = None
        add_layers(self, architecture.layers)
        self.downsample = _build_downsample(architecture)
        self.merge = build_merge(architecture.merge) if architecture.merge else None

    @abstractmethod
    def branch(self, x: Tensor) -> Tensor:
        """F(x): what the block computes beside its shortcut. In pre-activation blocks x is the activated input."""

    def shortcut(self, x: Tensor) -> Tensor:
        """The input as it arrives at the merge: itself, padded with zeros, or projected."""
        return x if self.downsample is None else self.downsample(x)

    def add_shortcut(self, y: Tensor, x: Tensor) -> Tensor:
        """The branch's output y, times SkipInit's factor, merged with the shortcut of x if the block has its skip."""
        if self.alpha is not None:
            y = self.alpha(y)
        return y if self.merge is None else self.merge(y, self.shortcut(x))

    def convs(self) -> list[nn.Conv2d]:
        """The convolutions of the branch, in order."""
        return [getattr(self, layer.name) for layer in self.architecture.layers if isinstance(layer, Conv)]

    def norms(self) -> list[nn.BatchNorm2d]:
        """The batch norms, in order; none in a network without."""
        return [getattr(self, layer.name) for layer in self.architecture.layers if isinstance(layer, BatchNorm)]


class BasicBlock(Block):
    """conv, BN, ReLU, conv, BN, + shortcut, ReLU (He et al. 2015, figure 2)."""

    def forward(self, x: Tensor) -> Tensor:
        return self.relu2(self.add_shortcut(self.branch(x), x))

    def branch(self, x: Tensor) -> Tensor:
        y = self.relu1(self.bn1(self.conv1(x)))
        return self.bn2(self.conv2(y))


class Bottleneck(Block):
    """1x1 conv, BN, ReLU, 3x3 conv, BN, ReLU, 1x1 conv, BN, + shortcut, ReLU (He et al. 2015, figure 5)."""

    def forward(self, x: Tensor) -> Tensor:
        return self.relu3(self.add_shortcut(self.branch(x), x))

    def branch(self, x: Tensor) -> Tensor:
        y = self.relu1(self.bn1(self.conv1(x)))
        y = self.relu2(self.bn2(self.conv2(y)))
        return self.bn3(self.conv3(y))


class BNAfterAddBasicBlock(Block):
    """conv, BN, ReLU, conv, + shortcut, BN, ReLU (He et al. 2016, figure 4b)."""

    def forward(self, x: Tensor) -> Tensor:
        return self.relu2(self.bn2(self.add_shortcut(self.branch(x), x)))

    def branch(self, x: Tensor) -> Tensor:
        y = self.relu1(self.bn1(self.conv1(x)))
        return self.conv2(y)


class BNAfterAddBottleneck(Block):
    """The bottleneck with its last BN after the addition (He et al. 2016, figure 4b)."""

    def forward(self, x: Tensor) -> Tensor:
        return self.relu3(self.bn3(self.add_shortcut(self.branch(x), x)))

    def branch(self, x: Tensor) -> Tensor:
        y = self.relu1(self.bn1(self.conv1(x)))
        y = self.relu2(self.bn2(self.conv2(y)))
        return self.conv3(y)


class ReLUBeforeAddBasicBlock(Block):
    """conv, BN, ReLU, conv, BN, ReLU, + shortcut (He et al. 2016, figure 4c)."""

    def forward(self, x: Tensor) -> Tensor:
        return self.add_shortcut(self.branch(x), x)

    def branch(self, x: Tensor) -> Tensor:
        y = self.relu1(self.bn1(self.conv1(x)))
        return self.relu2(self.bn2(self.conv2(y)))


class ReLUBeforeAddBottleneck(Block):
    """The bottleneck with its last ReLU before the addition (He et al. 2016, figure 4c)."""

    def forward(self, x: Tensor) -> Tensor:
        return self.add_shortcut(self.branch(x), x)

    def branch(self, x: Tensor) -> Tensor:
        y = self.relu1(self.bn1(self.conv1(x)))
        y = self.relu2(self.bn2(self.conv2(y)))
        return self.relu3(self.bn3(self.conv3(y)))


class PreActBlock(Block):
    """What pre-activation blocks share: an activation of the input, before branch and shortcut part or in the branch.

    He et al. 2016, section 4.1: the first block of a network, and those with a projection, part after it.
    """

    def forward(self, x: Tensor) -> Tensor:
        y = self.activation(x)
        return self.add_shortcut(self.branch(y), y if self.architecture.shortcut_after_activation else x)

    def activation(self, x: Tensor) -> Tensor:
        """BN and ReLU, before the first convolution."""
        return self.relu1(self.bn1(x))


class PreActBasicBlock(PreActBlock):
    """BN, ReLU, conv, BN, ReLU, conv, + shortcut (He et al. 2016, figure 4e)."""

    def branch(self, x: Tensor) -> Tensor:
        y = self.conv1(x)
        return self.conv2(self.relu2(self.bn2(y)))


class PreActBottleneck(PreActBlock):
    """BN, ReLU, 1x1 conv, BN, ReLU, 3x3 conv, BN, ReLU, 1x1 conv, + shortcut (He et al. 2016, section 4.1)."""

    def branch(self, x: Tensor) -> Tensor:
        y = self.conv1(x)
        y = self.conv2(self.relu2(self.bn2(y)))
        return self.conv3(self.relu3(self.bn3(y)))


class ReLUOnlyPreActBasicBlock(PreActBlock):
    """ReLU, conv, BN, ReLU, conv, BN, + shortcut (He et al. 2016, figure 4d)."""

    def activation(self, x: Tensor) -> Tensor:
        return self.relu1(x)

    def branch(self, x: Tensor) -> Tensor:
        y = self.bn1(self.conv1(x))
        return self.bn2(self.conv2(self.relu2(y)))


class ReLUOnlyPreActBottleneck(PreActBlock):
    """The bottleneck with a ReLU before and BN after each convolution (He et al. 2016, figure 4d)."""

    def activation(self, x: Tensor) -> Tensor:
        return self.relu1(x)

    def branch(self, x: Tensor) -> Tensor:
        y = self.bn1(self.conv1(x))
        y = self.bn2(self.conv2(self.relu2(y)))
        return self.bn3(self.conv3(self.relu3(y)))


class FixupBlock(Block):
    """What Fixup blocks have in place of batch norm: a scalar bias around each layer, and a scale at the branch's end
    (Zhang et al. 2019, https://arxiv.org/abs/1901.09321, figure 1, right).
    """

    bias1a: ScalarBias
    bias1b: ScalarBias
    bias2a: ScalarBias
    bias2b: ScalarBias
    bias3a: ScalarBias
    bias3b: ScalarBias
    scale: ScalarScale


class FixupBasicBlock(FixupBlock):
    """conv, ReLU, conv, scale, + shortcut, ReLU, with a scalar bias before and after each convolution."""

    def forward(self, x: Tensor) -> Tensor:
        return self.relu2(self.add_shortcut(self.branch(x), x))

    def branch(self, x: Tensor) -> Tensor:
        y = self.relu1(self.bias1b(self.conv1(self.bias1a(x))))
        return self.bias2b(self.scale(self.conv2(self.bias2a(y))))


class FixupBottleneck(FixupBlock):
    """conv, ReLU, conv, ReLU, conv, scale, + shortcut, ReLU, with a scalar bias before and after each convolution."""

    def forward(self, x: Tensor) -> Tensor:
        return self.relu3(self.add_shortcut(self.branch(x), x))

    def branch(self, x: Tensor) -> Tensor:
        y = self.relu1(self.bias1b(self.conv1(self.bias1a(x))))
        y = self.relu2(self.bias2b(self.conv2(self.bias2a(y))))
        return self.bias3b(self.scale(self.conv3(self.bias3a(y))))


class HighwayLayer(Block):
    """T(x) · H(x) + (1 - T(x)) · x, with H = conv, BN, ReLU (Srivastava et al. 2015, eq. 3).

    The gate T is in the merge. Without it, the plain layer H(x).
    """

    def forward(self, x: Tensor) -> Tensor:
        return self.add_shortcut(self.branch(x), x)

    def branch(self, x: Tensor) -> Tensor:
        return self.relu1(self.bn1(self.conv1(x)))


BLOCKS: dict[str, type[Block]] = {
    block.__name__: block
    for block in (
        BasicBlock,
        Bottleneck,
        BNAfterAddBasicBlock,
        BNAfterAddBottleneck,
        ReLUBeforeAddBasicBlock,
        ReLUBeforeAddBottleneck,
        PreActBasicBlock,
        PreActBottleneck,
        ReLUOnlyPreActBasicBlock,
        ReLUOnlyPreActBottleneck,
        FixupBasicBlock,
        FixupBottleneck,
        HighwayLayer,
    )
}


def build_block(architecture: BlockArchitecture) -> Block:
    """The block of the class and with the layers that the architecture names."""
    return BLOCKS[architecture.class_name](architecture)


def _build_downsample(architecture: BlockArchitecture) -> nn.Module | None:
    """None for an identity shortcut, the padding of option A, or a projection with its batch norm."""
    if not architecture.downsample:
        return None
    modules = [build_layer(layer) for layer in architecture.downsample]
    return modules[0] if architecture.shortcut == "pad" else nn.Sequential(*modules)
