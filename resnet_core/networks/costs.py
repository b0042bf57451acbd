"""What a network costs and how its paths are spread, worked out from the spec alone. No torch.

Numbers are exact for the network that `build_net` builds; nothing is run.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

from resnet_core.networks import architecture
from resnet_core.networks.architecture import has_bias, plan_of
from resnet_core.networks.classic_plan import Layer, classic_plan
from resnet_core.networks.options import GATED_MERGES
from resnet_core.networks.shape_trace import LayerRow, Tape, Value

__all__ = ["Costs", "LayerRow", "count_costs", "path_lengths", "tensor_shapes"]


@dataclass(frozen=True)
class Costs:
    """The numbers beside a design.

    layers: one row per module, in the order of the forward pass; the merge of a block is a row too.
    parameters: learned numbers. macs: multiply-adds of one picture's forward pass, convolutions and linear
        layers.
    activation_bytes_per_image: what a training step keeps of one picture for the backward pass, in float32;
        without the few numbers per channel that batch norm keeps, weights, gradients and the optimiser's
        state.
    receptive_field: side in pixels of the square of the picture that one pixel of the last feature map
        depends on, along the longest path; it may be larger than the picture.
    n_paths: ways from input to output, each block with a live skip passed through its branch or around it
        (Veit et al. 2016, https://arxiv.org/abs/1605.06431).
    path_lengths: blocks passed through their branch -> number of such paths.
    """

    layers: tuple[LayerRow, ...]
    parameters: int
    macs: int
    activation_bytes_per_image: int
    receptive_field: int
    n_paths: int
    path_lengths: dict[int, int]


@lru_cache(maxsize=64)
def count_costs(spec) -> Costs:
    """The summary of a spec. Cached: treat it as read-only."""
    tape, receptive_field = _pass(spec)
    lengths = path_lengths(spec)
    return Costs(
        layers=tuple(tape.rows),
        parameters=sum(row.params for row in tape.rows),
        macs=sum(row.macs for row in tape.rows),
        activation_bytes_per_image=sum(tape.saved.values()) + tape.extra_bytes,
        receptive_field=receptive_field,
        n_paths=sum(lengths.values()),
        path_lengths=lengths,
    )


def tensor_shapes(spec) -> dict[str, tuple[int, ...]]:
    """The shape of every tensor of the state dict that `build_net` would give, by name, in the order of the forward
    pass: what is learned, and batch norm's running_mean, running_var and num_batches_tracked.
    """
    return _pass(spec)[0].tensors


def _pass(spec) -> tuple[Tape, int]:
    """The notes of one picture's forward pass, and the receptive field of the last feature map in pixels."""
    tape = Tape()
    picture = tape.value((3, spec.image_size, spec.image_size))
    walk = _classic if spec.family in ("alexnet", "vgg") else _staged
    return tape, walk(spec, tape, picture)


def path_lengths(spec) -> dict[int, int]:
    """Blocks passed through their branch -> number of paths: binomial, shifted by those without a skip."""
    skips = sum(spec.active_skips())
    fixed = spec.n_blocks - skips
    return {fixed + taken: math.comb(skips, taken) for taken in range(skips + 1)}


def _staged(spec, tape: Tape, x: Value) -> int:
    staged = plan_of(spec)
    for step in staged.stem_steps:
        x = _step(step, step, staged.stem, spec, tape, x)
    for block in staged.blocks:
        x = _block(block, spec, tape, x)
    receptive_field = x.field
    for step in staged.head_steps:
        x = _head_step(step, spec, tape, x)
    return receptive_field


def _block(block: architecture.Block, spec, tape: Tape, x: Value) -> Value:
    x = _steps(block, block.shared, spec, tape, x)
    branch = _steps(block, block.branch, spec, tape, x)
    if block.skip:
        branch = _merge(block, spec, tape, branch, _shortcut(block, spec, tape, x))
    return _steps(block, block.after, spec, tape, branch)


def _steps(block: architecture.Block, steps: tuple[str, ...], spec, tape: Tape, x: Value) -> Value:
    for step in steps:
        conv = block.convs[int(step[-1]) - 1] if step.startswith("conv") else None
        x = _step(f"{block.name}.{step}", step, conv, spec, tape, x)
    return x


def _step(name: str, step: str, conv: architecture.Conv | None, spec, tape: Tape, x: Value) -> Value:
    if conv is not None and step.startswith("conv"):
        return tape.conv(name, conv, has_bias(spec), x)
    if step.startswith("bn"):
        return tape.norm(name, x)
    if step.startswith("relu"):
        return tape.relu(name, x)
    if step == "maxpool":
        return tape.max_pool(name, 3, 1, x)
    if step.startswith("bias"):
        return tape.shift(name, x)
    return tape.scale(name, x)


def _shortcut(block: architecture.Block, spec, tape: Tape, x: Value) -> Value:
    name = f"{block.name}.downsample"
    if block.shortcut == "identity":
        return x
    if block.shortcut == "pad":
        return tape.pad(name, block.out_channels, block.stride, x)
    x = tape.conv(f"{name}.0", block.projection, has_bias(spec), x)
    return tape.norm(f"{name}.1", x) if spec.norm == "batch" and spec.family != "preact" else x


def _merge(block: architecture.Block, spec, tape: Tape, branch: Value, shortcut: Value) -> Value:
    name = f"{block.name}.merge"
    if spec.family == "highway" or spec.merge in GATED_MERGES:
        exclusive = spec.family == "highway" or spec.merge == "exclusive_gate"
        kernel = 3 if spec.family == "highway" else 1
        _gate(name, kernel, exclusive, tape, branch, shortcut)
    elif spec.merge == "dropout":
        dropped = tape.same(f"{name}.dropout", "dropout", shortcut)
        # The mask that dropout keeps is as large as what it masks.
        tape.save(dropped)
    return tape.merge(name, branch, shortcut)


def _gate(name: str, kernel: int, exclusive: bool, tape: Tape, branch: Value, shortcut: Value) -> None:
    channels = shortcut.shape[0]
    gate = tape.conv(f"{name}.gate", architecture.Conv(channels, channels, kernel), True, shortcut)
    opened = tape.same(f"{name}.sigmoid", "sigmoid", gate)
    # The sigmoid's own result, and 1 - g beside it: the products need both, and their other factors.
    tape.save(opened, tape.value(opened.shape), shortcut, *([branch] if exclusive else []))


def _head_step(step: str, spec, tape: Tape, x: Value) -> Value:
    if step == "avgpool":
        return tape.flatten(tape.average_pool(step, 1, x))
    if step == "fc":
        return tape.linear(step, spec.num_classes, x)
    return _step(step, step, None, spec, tape, x)


def _classic(spec, tape: Tape, x: Value) -> int:
    classic = classic_plan(spec)
    for index, layer in enumerate(classic.features):
        x = _layer(f"features.{index}", layer, tape, x)
    receptive_field = x.field
    x = tape.flatten(tape.average_pool("avgpool", classic.pooled_size, x))
    for index, layer in enumerate(classic.classifier):
        x = _layer(f"classifier.{index}", layer, tape, x)
    return receptive_field


def _layer(name: str, layer: Layer, tape: Tape, x: Value) -> Value:
    if layer.kind == "conv":
        return tape.conv(name, layer.conv, True, x)
    if layer.kind == "norm":
        return tape.norm(name, x)
    if layer.kind == "relu":
        return tape.relu(name, x)
    if layer.kind == "pool":
        return tape.max_pool(name, layer.width, 0, x)
    if layer.kind == "linear":
        return tape.linear(name, layer.width, x)
    dropped = tape.same(name, "dropout", x)
    tape.save(tape.value(dropped.shape))
    return dropped
