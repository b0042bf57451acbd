"""A trained network made deeper without changing what it computes: weights in, weights out."""

from safetensors.torch import save

from resnet_core.networks.build import build_net
from resnet_core.networks.spec import NetSpec
from resnet_core.networks.surgery import grow
from resnet_core.training.checkpoint import load_weights


def grow_weights(weights: bytes, spec: NetSpec, depth: int) -> tuple[bytes, NetSpec]:
    """The weights (safetensors) and the spec of a network of ``depth`` layers that computes what the given one does.

    The added blocks start as identities: the "solution by construction" of He et al. 2015
    (https://arxiv.org/abs/1512.03385, section 1); see :func:`resnet_core.networks.surgery.grow`. ``weights`` may be a
    checkpoint of a training.

    Raises:
        SpecError: the network cannot be made deeper in this way.
        TrainingError: the weights are another network's.
    """
    net = build_net(spec)
    load_weights(weights, net)
    state, grown = grow(net.state_dict(), spec, depth)
    return save({name: tensor.contiguous() for name, tensor in state.items()}), grown
