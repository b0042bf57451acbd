"""`build_net(spec)`: from a spec to a network with its starting weights."""

import torch
from torch import nn

from resnet_core.networks.alexnet_vgg import ClassicNet
from resnet_core.networks.init import start
from resnet_core.networks.resnet import StagedNet
from resnet_core.networks.spec import NetSpec


def build_net(spec: NetSpec, seed: int = 0, device: str | torch.device = "cpu") -> nn.Module:
    """The network of a spec, in training mode, its weights drawn from `seed`.

    A tensor's start depends only on the seed, its name, its shape and the spec's init: nets that share a
    tensor's name and shape, as twins do, start it alike. The global random state is neither used nor changed.

    Its forward takes normalised pictures (N, 3, H, W) as floats and gives logits (N, num_classes).
    `observed_blocks()` lists 1 + spec.n_blocks pairs (name, module) whose outputs are the blocks' outputs,
    after the addition, in order, the stem first. device "meta" gives the shapes without weights, and costs no
    memory.
    """
    with torch.device("meta"):
        net = (ClassicNet if spec.family in ("alexnet", "vgg") else StagedNet)(spec)
    if torch.device(device).type == "meta":
        return net
    net = net.to_empty(device="cpu")
    start(net, spec, seed)
    return net.to(device)
