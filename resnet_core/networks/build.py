"""`build_net(spec)`: from a spec to a network with its initial weights."""

import torch

from resnet_core.networks.alexnet_vgg import AlexNetVGG
from resnet_core.networks.init import init_weights
from resnet_core.networks.network import Network
from resnet_core.networks.resnet import build_resnet
from resnet_core.networks.spec import NetSpec


def build_net(spec: NetSpec, seed: int = 0, device: str | torch.device = "cpu") -> Network:
    """The network of a spec, in training mode, its weights drawn from `seed`.

    A tensor's initial values depend only on the seed, its name, its shape and the spec's init: networks that share a
    tensor's name and shape, as twins do, start from the same values. The global random state is neither used nor
    changed. Device "meta" gives the shapes without weights, and takes no memory.
    """
    with torch.device("meta"):
        net = AlexNetVGG(spec) if spec.family in ("alexnet", "vgg") else build_resnet(spec)
    if torch.device(device).type == "meta":
        return net
    net = net.to_empty(device="cpu")
    init_weights(net, spec, seed)
    return net.to(device)
