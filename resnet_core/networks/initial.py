"""How weights start."""

import hashlib
import math

import torch
from torch import nn


def start(net: nn.Module, spec, seed: int) -> None:
    """Fill every parameter and buffer of a net built without weights."""
    with torch.no_grad():
        for name, module in net.named_modules():
            if isinstance(module, nn.BatchNorm2d):
                module.reset_running_stats()
                nn.init.ones_(module.weight)
                nn.init.zeros_(module.bias)
            elif isinstance(module, nn.Conv2d | nn.Linear):
                _draw(module.weight, spec.init, generator_for(seed, f"{name}.weight"))
                if module.bias is not None:
                    _draw_bias(module, spec.init, generator_for(seed, f"{name}.bias"))


def generator_for(seed: int, name: str) -> torch.Generator:
    """The random stream of one tensor: the same for the same seed and name, independent for others."""
    digest = hashlib.sha256(f"{seed}:{name}".encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "big") >> 1)


def _draw(weight: torch.Tensor, init: str, generator: torch.Generator) -> None:
    if init == "xavier":
        nn.init.xavier_uniform_(weight, generator=generator)
    elif init == "default":
        nn.init.kaiming_uniform_(weight, a=math.sqrt(5), generator=generator)
    elif init == "gaussian":
        nn.init.normal_(weight, std=0.01, generator=generator)
    else:
        nn.init.kaiming_normal_(weight, nonlinearity="relu", generator=generator)


def _draw_bias(module: nn.Conv2d | nn.Linear, init: str, generator: torch.Generator) -> None:
    if init == "default":
        bound = 1 / math.sqrt(module.weight[0].numel())
        nn.init.uniform_(module.bias, -bound, bound, generator=generator)
    else:
        nn.init.zeros_(module.bias)
