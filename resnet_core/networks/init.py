"""How weights start. Each tensor has a random stream of its own, made from the seed and its name.

So nets that share a tensor's name and shape start it alike, whatever else they have: twins start with the
same weights. Three starts look at the skips, because they make a block with a skip begin as an identity, and
a block without one cannot be that: there, zero_gamma, SkipInit and Fixup leave He's start as it is.
"""

import hashlib
import math

import torch
from torch import nn

from resnet_core.networks.blocks import Block, GatedAdd, Scale, Shift


def start(net: nn.Module, spec, seed: int) -> None:
    """Fill every parameter and buffer of a net that was built without weights."""
    with torch.no_grad():
        for name, module in net.named_modules():
            if isinstance(module, nn.BatchNorm2d):
                module.reset_running_stats()
                module.weight.fill_(1)
                module.bias.fill_(0)
            elif isinstance(module, nn.Conv2d | nn.Linear):
                _start_layer(name, module, spec.init, seed)
            elif isinstance(module, Shift | Scale):
                module.value.fill_(0 if isinstance(module, Shift) else 1)
        _start_gates(net, spec.gate_bias)
        _start_branches(net, spec.init)


def generator_for(seed: int, name: str) -> torch.Generator:
    """The random stream of one tensor: the same for the same seed and name, independent of all others."""
    digest = hashlib.sha256(f"{seed}:{name}".encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "big") >> 1)


def _start_layer(name: str, layer: nn.Conv2d | nn.Linear, init: str, seed: int) -> None:
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


def _start_gates(net: nn.Module, gate_bias: float) -> None:
    for module in net.modules():
        if isinstance(module, GatedAdd):
            module.gate.bias.fill_(gate_bias)


def _start_branches(net: nn.Module, init: str) -> None:
    blocks = [module for module in net.modules() if isinstance(module, Block) and module.merge is not None]
    for block in blocks:
        last = len(block.plan.convs)
        if init == "zero_gamma":
            getattr(block, f"bn{last}").weight.fill_(0)
        elif init == "skipinit":
            block.alpha.value.fill_(0)
        elif init == "fixup":
            _start_fixup(block, last, len(blocks))
    if init == "fixup":
        # Zhang et al. 2019, rule 1. So at step 0 the gradient is exactly zero everywhere before this layer.
        net.fc.weight.fill_(0)


def _start_fixup(block: Block, last: int, n_blocks: int) -> None:
    """Zhang et al. 2019, section 3: of L branches of m layers, each layer times L^(-1/(2m-2)), the last 0."""
    for number in range(1, last):
        getattr(block, f"conv{number}").weight.mul_(n_blocks ** (-1 / (2 * last - 2)))
    getattr(block, f"conv{last}").weight.fill_(0)
