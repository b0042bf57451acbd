"""What a network costs: parameters, multiply-adds, memory, from the spec alone. No torch.

The numbers are exact for the network that `build_net` builds; nothing is run.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from resnet_core.networks.architecture import BlockArchitecture, alexnet_vgg_architecture, resnet_architecture
from resnet_core.networks.shape_trace import LayerRow, ShapeTrace, Value

if TYPE_CHECKING:
    from resnet_core.networks.spec import NetSpec


@dataclass(frozen=True)
class Costs:
    """The numbers beside a design.

    layers: one row for each module, in the order of the forward pass; the merge of a block is a row too.
    parameters: learned numbers.
    macs: multiply-adds of one picture's forward pass, in convolutions and linear layers.
    activation_bytes_per_image: what a training step keeps of one picture for the backward pass, in float32; without
        the few numbers per channel that batch norm keeps, weights, gradients and the optimiser's state.
    receptive_field: side in pixels of the square of the picture that one pixel of the last feature map depends on,
        along the longest path; it may be larger than the picture.
    """

    layers: tuple[LayerRow, ...]
    parameters: int
    macs: int
    activation_bytes_per_image: int
    receptive_field: int


@lru_cache(maxsize=64)
def count_costs(spec: NetSpec) -> Costs:
    """The costs of a network. Cached."""
    trace, receptive_field = _trace(spec)
    return Costs(
        layers=tuple(trace.rows),
        parameters=sum(row.params for row in trace.rows),
        macs=sum(row.macs for row in trace.rows),
        activation_bytes_per_image=sum(trace.saved.values()) + trace.extra_bytes,
        receptive_field=receptive_field,
    )


def tensor_shapes(spec: NetSpec) -> dict[str, tuple[int, ...]]:
    """The shape of every tensor of the state dict that `build_net` would give, by name, in the order of the forward
    pass: what is learned, and batch norm's running_mean, running_var and num_batches_tracked.
    """
    return _trace(spec)[0].tensors


def _trace(spec: NetSpec) -> tuple[ShapeTrace, int]:
    """The record of one picture's forward pass, and the receptive field of the last feature map in pixels."""
    trace = ShapeTrace()
    picture = trace.value((3, spec.image_size, spec.image_size))
    walk = _alexnet_vgg if spec.family in ("alexnet", "vgg") else _resnet
    return trace, walk(spec, trace, picture)


def _resnet(spec: NetSpec, trace: ShapeTrace, x: Value) -> int:
    net = resnet_architecture(spec)
    x = trace.layers(net.stem, x)
    for block in net.blocks:
        x = _block(block, trace, x)
    features = trace.flatten(trace.layers(net.head, x))
    trace.layers(net.classifier, features)
    return x.field


def _block(block: BlockArchitecture, trace: ShapeTrace, x: Value) -> Value:
    parent = f"{block.name}."
    y = trace.layers(block.before, x, parent)
    x = y if block.shortcut_after_activation else x
    y = trace.layers(block.branch, y, parent)
    if block.merge is not None:
        y = trace.merge(block.merge, y, trace.layers(block.downsample, x, parent), parent)
    return trace.layers(block.after, y, parent)


def _alexnet_vgg(spec: NetSpec, trace: ShapeTrace, x: Value) -> int:
    net = alexnet_vgg_architecture(spec)
    x = trace.layers(net.features, x, "features.")
    features = trace.flatten(trace.layer(net.avgpool, x))
    trace.layers(net.classifier, features, "classifier.")
    return x.field
