"""Initial weights. Each tensor has a random stream of its own, made from the seed and its name.

So networks that share a tensor's name and shape give it the same values, whatever else they have: twins start from the
same weights. Three inits look at the skips, because they make a block with a skip begin as an identity, which a block
without one cannot be: zero_gamma, SkipInit and Fixup leave He's weights there as they are.
"""

import hashlib
import math

import torch
from torch import nn

from resnet_core.networks.blocks import Block
from resnet_core.networks.layer_types import BatchNorm
from resnet_core.networks.layers import ScalarBias, ScalarScale
from resnet_core.networks.merges import GatedAdd
from resnet_core.networks.network import Network
from resnet_core.networks.options import BRANCH_INITS
from resnet_core.networks.resnet import ResNet
from resnet_core.networks.spec import NetSpec


@torch.no_grad()
def init_weights(net: Network, spec: NetSpec, seed: int) -> None:
    """Fill every parameter and buffer of a network that was built without weights."""
    for name, module in net.named_modules():
        if isinstance(module, nn.BatchNorm2d):
            module.reset_running_stats()
            module.weight.fill_(1)
            module.bias.fill_(0)
        elif isinstance(module, nn.Conv2d | nn.Linear):
            _init_layer(name, module, spec.init, seed)
        elif isinstance(module, ScalarBias):
            module.value.fill_(0)
        elif isinstance(module, ScalarScale):
            module.value.fill_(1)
    for module in net.modules():
        if isinstance(module, GatedAdd) and module.gate.bias is not None:
            module.gate.bias.fill_(spec.gate_bias)
    if isinstance(net, ResNet) and spec.init in BRANCH_INITS:
        _init_branches(net, spec.init)


def generator_for(seed: int, name: str) -> torch.Generator:
    """The random stream of one tensor: the same for the same seed and name, independent of all others."""
    digest = hashlib.sha256(f"{seed}:{name}".encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "big") >> 1)


@torch.no_grad()
def zero_branch(block: Block) -> None:
    """Make a block's branch give exactly 0, by the last layer that can: SkipInit's factor, the gain of a batch norm
    that ends the branch, or the last convolution.
    """
    last_conv = block.convs()[-1]
    if block.alpha is not None:
        block.alpha.value.fill_(0)
    elif isinstance(block.architecture.branch[-1], BatchNorm):
        block.norms()[-1].weight.fill_(0)
    else:
        last_conv.weight.fill_(0)
        if last_conv.bias is not None:
            last_conv.bias.fill_(0)


def _init_layer(name: str, layer: nn.Conv2d | nn.Linear, init: str, seed: int) -> None:
    generator = generator_for(seed, f"{name}.weight")
    if init == "xavier":
        nn.init.xavier_uniform_(layer.weight, generator=generator)
    elif init == "default":
        nn.init.kaiming_uniform_(layer.weight, a=math.sqrt(5), generator=generator)
    elif init == "gaussian":
        # Krizhevsky et al. 2012, section 5: standard deviation 0.01.
        nn.init.normal_(layer.weight, std=0.01, generator=generator)
    else:
        nn.init.kaiming_normal_(layer.weight, nonlinearity="relu", generator=generator)
    if layer.bias is None:
        return
    if init == "default":
        bound = 1 / math.sqrt(layer.weight[0].numel())
        nn.init.uniform_(layer.bias, -bound, bound, generator=generator_for(seed, f"{name}.bias"))
    else:
        layer.bias.fill_(0)


def _init_branches(net: ResNet, init: str) -> None:
    """Let every block with a skip begin as an identity, as zero_gamma, SkipInit and Fixup do."""
    blocks = [block for _, block in net.blocks() if block.merge is not None]
    for block in blocks:
        zero_branch(block)
        if init == "fixup":
            _shrink(block, len(blocks))
    if init == "fixup":
        # Zhang et al. 2019, rule 1. So at step 0 the gradient is exactly zero everywhere before this layer.
        net.fc.weight.fill_(0)


def _shrink(block: Block, n_blocks: int) -> None:
    """Zhang et al. 2019, rule 2: with L branches of m layers, all layers but the last times L^(-1/(2m-2))."""
    convs = block.convs()
    for conv in convs[:-1]:
        conv.weight.mul_(n_blocks ** (-1 / (2 * len(convs) - 2)))
