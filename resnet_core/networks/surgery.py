"""Identity surgery: a trained network made deeper without changing what it computes; weights shared between networks.

He et al. 2015 (https://arxiv.org/abs/1512.03385, section 1) argue that a deeper network need not be worse, "by
construction": copy the shallower one and let the added layers be identities. `grow` carries that out.

How an added block is initialised:

- With a skip, its branch gives exactly 0: SkipInit's factor, the last batch norm's gain or, where there is neither, the
  last convolution is 0. The input passes unchanged, in training mode too. The branch's other weights are drawn anew.
- Without a skip, its convolutions copy each channel. The input is never negative (it left a ReLU), so the block's own
  ReLUs change nothing. Its batch norms get a gain and shift that undo their running statistics, so that in evaluation
  the block is an identity up to rounding. In training mode batch norm uses the batch's statistics instead, and the
  block is an identity only as far as those agree with the running ones. So these are set to what the block's input
  should look like, given the gain and shift of the batch norm before it: a normal channel through a ReLU.

Either way every added weight can learn from the first step on, though where a branch is 0 its last layer moves first.
"""

import dataclasses
import math
from collections.abc import Mapping
from typing import cast

import torch
from torch import Tensor, nn

from resnet_core.errors import SpecError
from resnet_core.networks.blocks import Block
from resnet_core.networks.build import build_net
from resnet_core.networks.init import zero_branch
from resnet_core.networks.resnet import ResNet
from resnet_core.networks.spec import NetSpec

State = Mapping[str, Tensor]
Statistics = tuple[Tensor, Tensor]


def grow(state: State, spec: NetSpec, new_depth: int, seed: int = 0) -> tuple[dict[str, Tensor], NetSpec]:
    """The state dict and spec of a network of `new_depth` layers that computes what the given one does.

    New blocks are added at the end of each stage; one has a skip if the last block of its stage has one.

    state: of a plain, residual or pre-activation network in the CIFAR layout.
    seed: of the new weights in branches that give 0.

    Raises SpecError when the spec cannot be grown, the depth is not larger, or the state is another network's.
    """
    new_spec = _grown_spec(spec, new_depth)
    old_net = _build_resnet(spec)
    _check_state(old_net.state_dict(), state)
    extra = [name for name in state if name not in old_net.state_dict()]
    if extra:
        raise SpecError(f"These weights are not those of {spec.name}, which has no {extra[0]!r}. Take its own.")
    old_net.load_state_dict(dict(state))
    new_net = _build_resnet(new_spec, seed)
    new_net.load_state_dict({**new_net.state_dict(), **state})
    old_blocks = dict(old_net.blocks())
    last_of_stage = {name.split(".")[0]: block for name, block in old_blocks.items()}
    for name, block in new_net.blocks():
        if name in old_blocks:
            continue
        if block.merge is not None:
            zero_branch(block)
        else:
            _make_identity(block, _expected_output(last_of_stage[name.split(".")[0]]))
    return {name: tensor.detach().clone() for name, tensor in new_net.state_dict().items()}, new_spec


def _build_resnet(spec: NetSpec, seed: int = 0) -> ResNet:
    return cast(ResNet, build_net(spec, seed))


def load_shared_weights(net: nn.Module, state: State) -> list[str]:
    """Load the weights of a network that differs from `net` in its skips only; return the names of unused tensors.

    What only skips have (projections, gates) stays unused where `net` has no such skip.

    Raises SpecError when the state lacks a tensor that `net` needs, or has it in another shape.
    """
    own = net.state_dict()
    _check_state(own, state)
    net.load_state_dict({name: state[name] for name in own})
    return [name for name in state if name not in own]


def _check_state(own: State, state: State) -> None:
    """Raise SpecError unless the state has every tensor of a network, in its shape."""
    missing = [name for name in own if name not in state]
    if missing:
        raise SpecError(
            f"These weights do not fit this network: they have no {missing[0]!r} ({len(missing)} tensors "
            "missing). Take weights of a network of the same family, depth and shortcuts."
        )
    for name, tensor in own.items():
        if tensor.shape != state[name].shape:
            raise SpecError(
                f"These weights do not fit this network: {name!r} is {tuple(state[name].shape)} in them and "
                f"{tuple(tensor.shape)} here. Take weights of a network of the same width and classes."
            )


def _grown_spec(spec: NetSpec, new_depth: int) -> NetSpec:
    """The spec at the new depth, with its skips. Raises SpecError when an added block could be no identity."""
    if spec.family not in ("plain", "residual", "preact") or spec.layout != "cifar":
        raise SpecError(f"{spec.name} cannot be grown: only plain, residual and pre-activation CIFAR nets can.")
    if any(spec.skip_mask()) and (spec.merge, spec.order, spec.skip_strength) != ("identity", "standard", 1.0):
        raise SpecError(
            f"{spec.name} cannot be grown: an added block is an identity only with the merge 'identity', the "
            "order 'standard' and skip strength 1."
        )
    if spec.shortcut == "C" and any(spec.skip_mask()):
        raise SpecError(f"{spec.name} cannot be grown: with option C no shortcut is an identity. Take A or B.")
    if spec.family == "preact" and not all(spec.skip_mask()):
        raise SpecError(f"{spec.name} cannot be grown: a pre-activation block without its skip cannot be an identity.")
    if spec.block == "bottleneck" and not all(spec.skip_mask()):
        raise SpecError(f"{spec.name} cannot be grown: a bottleneck without its skip is too narrow to be an identity.")
    if spec.drop_path:
        raise SpecError(f"{spec.name} cannot be grown: stochastic depth weighs each block by its place.")
    if new_depth <= spec.depth:
        raise SpecError(f"{spec.name} cannot be grown to depth {new_depth}: choose a depth above {spec.depth}.")
    added = dataclasses.replace(spec, depth=new_depth, skips="").stages[0] - spec.stages[0]
    mask, pattern = spec.skip_mask(), ""
    for stage, count in enumerate(spec.stages):
        own = mask[stage * count : (stage + 1) * count]
        pattern += "".join("1" if on else "0" for on in (*own, *(own[-1],) * added))
    return dataclasses.replace(spec, depth=new_depth, skips=pattern)


@torch.no_grad()
def _make_identity(block: Block, expected: Statistics) -> None:
    """Make a block without a skip copy its input, each of whose channels is expected to have this mean and variance."""
    for conv in block.convs():
        nn.init.dirac_(conv.weight)
        if conv.bias is not None:
            conv.bias.fill_(0)
    mean, variance = expected
    for norm in block.norms():
        tensors = norm.state_dict()
        tensors["running_mean"].copy_(mean)
        tensors["running_var"].copy_(variance)
        tensors["weight"].copy_(torch.sqrt(variance + norm.eps))
        tensors["bias"].copy_(mean)


def _expected_output(block: Block) -> Statistics:
    """Mean and variance of what a block without a skip gives if each channel of its last batch norm is normal."""
    norms = block.norms()
    if not norms:
        channels = block.architecture.out_channels
        return torch.zeros(channels), torch.ones(channels)
    return _rectified(norms[-1].bias.detach(), norms[-1].weight.detach().abs())


def _rectified(mean: Tensor, std: Tensor) -> Statistics:
    """Mean and variance of ReLU(z) for z normal with this mean and standard deviation.

    With a = mean/std, E = mean·Φ(a) + std·φ(a) and E[z²] = (mean² + std²)·Φ(a) + mean·std·φ(a).
    """
    ratio = mean.double() / std.double().clamp_min(1e-12)
    below = 0.5 * (1 + torch.erf(ratio / math.sqrt(2)))
    density = torch.exp(-0.5 * ratio**2) / math.sqrt(2 * math.pi)
    first = mean * below + std * density
    second = (mean**2 + std**2) * below + mean * std * density
    return first.float(), (second - first**2).clamp_min(0).float()
